"""Text encoder: any encoder of transformers, with hidden states as levels.

Source: Wolf et al. 2020, arXiv:1910.03771; Devlin et al. 2019, arXiv:1810.04805 (BERT); Wang et al.
2020, arXiv:2002.10957 (MiniLM).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx import (
    EncoderParams,
    Features,
    FeatureShape,
    Params,
    TextEncoder,
    Texts,
    WeightsError,
    hookimpl,
)
from mmx.blocks import (
    MINILM,
    HubName,
    TextWindows,
    Weights,
    chunk_advice,
    ends_of,
    find_weights,
    in_windows,
    token_count,
)
from mmx.interfaces import SpecPath, TokenCount
from mmx_plugins.encoders._transformers import (
    TextPool,
    check_alone,
    check_pool,
    check_vocabulary,
    folder_tokenizer,
    last_layer,
    model_folder,
    quiet,
    text_half,
)

_NO_LIMIT = 1_000_000  # tokens; transformers writes 1e30 where a tokenizer knows no limit


class TransformersParams(EncoderParams):
    """Settings of a transformers encoder."""

    modality: ClassVar[str] = "text"
    source: ClassVar[str] = "Wolf et al. 2020, arXiv:1910.03771"

    type: Literal["transformers"] = "transformers"
    model: HubName | SpecPath = Field(
        default="bundled",
        description="bundled (MiniLM, 6 layers, 384 wide), the name of a model on the hub, or a "
        "folder that starts with ./, ../, / or ${",
    )
    weights: Weights = Field(
        default="default",
        description="default (those of the model), none (random, from its configuration), "
        "package:NAME/PATH or a file",
    )
    pool: TextPool = Field(default="mean", description="how tokens become one vector")
    max_length: PositiveInt = Field(default=256, description="tokens; longer texts are cut")
    chunks: PositiveInt = Field(
        default=1,
        le=64,
        description="windows of max_length tokens in which a longer text is read at most, one "
        "after the other; their tokens stand together, and pooled is their mean",
    )
    fractions: tuple[float, ...] = Field(
        default=(1 / 3, 2 / 3, 1.0),
        description="depths of the levels, in (0, 1]; rounded to whole layers",
    )

    def build(self) -> "TransformersEncoder":
        bundled = find_weights(MINILM) if self.model == "bundled" else None
        folder = model_folder(bundled.path.parent if bundled else self.model, "a text model")
        own = self.weights in ("default", "bundled")
        with quiet():
            given = bundled if bundled and own else self.weights
            half = text_half(folder, given, pooler=self.pool == "pooler")
            tokenizer, digest = _tokenizer(folder)
        record = half.record
        if own and not bundled:
            record = {**record, "origin": str(self.model)}
        encoder = TransformersEncoder(
            half.network, tokenizer, self.pool, self.max_length, self.fractions,
            {**record, "tokenizer": digest},
        )  # fmt: skip
        encoder.notes, encoder.chunks = half.notes, self.chunks
        with quiet():
            check_alone(encoder, half.network.config.model_type)
        return encoder


def _positions(network: Any) -> float:
    """How many tokens the positions of a network reach; RoBERTa begins behind its padding."""
    found = [getattr(network.config, "max_position_embeddings", math.inf)]
    for module in network.modules():
        table = getattr(module, "position_embeddings", None)
        if isinstance(table, nn.Embedding):
            first = 0 if table.padding_idx is None else table.padding_idx + 1
            found.append(table.num_embeddings - first)
    return min(found)


def _tokenizer(folder: Path) -> tuple[object, str]:
    """The tokenizer, and the SHA-256 of its rules and vocabulary."""
    tokenizer = folder_tokenizer(folder)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = backend.to_str() if backend is not None else repr(sorted(tokenizer.get_vocab().items()))
    return tokenizer, sha256(rules.encode()).hexdigest()


class TransformersEncoder(TextEncoder):
    """Ids [B, N] and mask -> tokens [B, N, D], pooled [B, D], levels at fractions of the depth.

    A text without a word (empty or only spaces) has no real token: it is not present and pooled is
    zero. What stands in padding never matters. All are float32, under autocast too, so that
    features computed now and features from the cache look alike.

    With ``chunks`` above 1 a text that is longer than ``max_length`` is cut between tokens into as
    many windows at most, each with the special tokens of a text and read by itself. Its tokens are
    those of all windows; pooled is their mean (``pool: mean``), or the mean of what the windows are
    pooled to, each by its number of tokens.
    """

    chunks = 1

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        pool: TextPool,
        max_length: int,
        fractions: Sequence[float],
        weights: Mapping[str, str],
    ) -> None:
        super().__init__()
        config = network.config
        layers = int(config.num_hidden_layers)
        self.depths = [max(1, round(fraction * layers)) for fraction in fractions]
        if any(not 0 < fraction <= 1 for fraction in fractions):
            raise WeightsError(f"fractions must lie in (0, 1], got {list(fractions)}")
        check_vocabulary(network, tokenizer)
        check_pool(network, tokenizer, pool)
        self.network = network
        self.tokenizer = tokenizer
        self.pool = pool
        limits = (tokenizer.model_max_length, _positions(network), _NO_LIMIT)
        self.longest = int(min(limit for limit in limits if limit > 0))  # -1: it has none
        self.max_length = min(max_length, self.longest)
        self.shape = FeatureShape(config.hidden_size, (config.hidden_size,) * len(self.depths))
        self.weights = weights

    def tokenize(self, texts: Sequence[str]) -> Texts:
        """Ids and mask [B, N], N the longest of these texts after cutting, at least 1."""
        spoken = [index for index, text in enumerate(texts) if text.strip()]
        rows = self._rows([texts[index] for index in spoken])
        longest = max([1, *map(len, rows)])
        padding = self.tokenizer.pad_token_id or 0
        ids = torch.full((len(texts), longest), padding, dtype=torch.int64)
        mask = torch.zeros(len(texts), longest, dtype=torch.bool)
        for index, row in zip(spoken, rows, strict=True):
            ids[index, : len(row)] = torch.tensor(row)
            mask[index, : len(row)] = True
        return Texts(ids, mask)

    def _rows(self, texts: list[str]) -> list[list[int]]:
        """Ids of each text, special tokens included, cut to ``chunks`` windows."""
        if not texts:
            return []
        found = self.tokenizer(texts, truncation=True, max_length=self.max_length)
        rows: list[list[int]] = found["input_ids"]
        full = [place for place, row in enumerate(rows) if len(row) >= self.max_length]
        if self.chunks > 1 and full and self._room:
            whole = self._plain([texts[place] for place in full])
            length, ends = self.max_length, self._ends
            for place, ids in zip(full, whole, strict=True):
                if len(ids) > self._room:
                    rows[place] = in_windows(ids, length, self.chunks, ends)
        return rows

    def _plain(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of whole texts, without special tokens."""
        with quiet():  # it warns of texts that are longer than its model reads
            found = self.tokenizer(list(texts), add_special_tokens=False)
        ids: list[list[int]] = found["input_ids"]
        return ids

    @property
    def _room(self) -> int:
        """Tokens of a text in a window."""
        special: int = self.tokenizer.num_special_tokens_to_add()
        return max(self.max_length - special, 0)

    @property
    def _ends(self) -> tuple[list[int], list[int]]:
        """Special tokens of a window."""
        (plain,) = self._plain(["a"])
        return ends_of(self.tokenizer("a")["input_ids"], plain)

    def count(self, texts: Sequence[str]) -> TokenCount:
        found = self._plain(texts)
        advice = self._advice(max(map(len, found), default=0))
        return token_count(self.tokenizer, found, self._room * self.chunks, advice)

    def _advice(self, longest: int) -> str:
        """What to do against cuts of texts of so many tokens."""
        if self.longest > self.max_length:
            more = f"set max_length: {self.longest}, the most that this model reads at once"
        else:
            more = f"this model reads no more than {self.max_length} tokens at once"
        chunks = chunk_advice(longest, self._room, self.chunks)
        return f"{more}{f', or {chunks}' if chunks else ''}"

    def forward(self, texts: Texts) -> Features:
        """Encode [B, N] ids."""
        attended = texts.mask.clone()
        attended[:, 0] |= ~texts.present  # a row with nothing to attend to would give NaN
        windows = TextWindows(texts.mask, self.max_length)
        found = self.network(
            input_ids=windows.cut(texts.ids),
            attention_mask=windows.cut(attended).long(),
            output_hidden_states=True,
        )
        tokens = windows.joined(found.last_hidden_state.float())
        plain = Features(tokens, texts.mask)
        pooled = self._pooled(found, plain, windows).masked_fill(~texts.present[:, None], 0)
        levels = tuple(
            plain
            if depth == len(found.hidden_states) - 1
            else Features(windows.joined(found.hidden_states[depth].float()), texts.mask)
            for depth in self.depths
        )
        return Features(tokens, texts.mask, pooled, levels=levels)

    def _pooled(self, found: Any, plain: Features, windows: TextWindows) -> Tensor:
        """One vector [B, D] per text."""
        if self.pool == "mean":
            return plain.pooled
        each = found.pooler_output if self.pool == "pooler" else found.last_hidden_state[:, 0]
        return windows.mean(each.float())

    def last_stage(self) -> Iterable[nn.Module]:
        """The last layer, with the norm behind it and the pooler where there are any."""
        return last_layer(self.network)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [TransformersParams]
