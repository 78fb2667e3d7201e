"""Text encoder: any encoder of transformers, with hidden states as levels.

Source: Wolf et al. 2020, arXiv:1910.03771; Devlin et al. 2019, arXiv:1810.04805 (BERT); Wang et al.
2020, arXiv:2002.10957 (MiniLM).
"""

import logging
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

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
    TokenCount,
    WeightsError,
    hookimpl,
)
from mmx.blocks import (
    MINILM,
    Weights,
    check_model_folder,
    find_weights,
    load_tensors,
    read_tensors,
    state_digest,
)
from mmx.errors import said_by
from mmx.interfaces import SpecPath

_NO_LIMIT = 1_000_000  # tokens; transformers writes 1e30 where a tokenizer knows no limit

Pool = Literal["cls", "mean", "pooler"]
HubName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[\w.-]+)?$")]


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
    pool: Pool = Field(default="mean", description="how tokens become one vector")
    max_length: PositiveInt = Field(default=256, description="tokens; longer texts are cut")
    fractions: tuple[float, ...] = Field(
        default=(1 / 3, 2 / 3, 1.0),
        description="depths of the levels, in (0, 1]; rounded to whole layers",
    )

    def build(self) -> "TransformersEncoder":
        folder = _folder(self.model)
        with _quiet():
            network, record = _network(folder, self.weights, self.pool)
            tokenizer, digest = _tokenizer(folder)
        if self.model == "bundled" and record["origin"] == folder:
            record = find_weights(MINILM).record()
        return TransformersEncoder(
            network, tokenizer, self.pool, self.max_length, self.fractions,
            {**record, "tokenizer": digest},
        )  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """No load reports, progress bars or warnings of transformers; its settings come back after."""
    chatter: Any = import_module("transformers.utils.logging")  # its types are incomplete

    level, bars = chatter.get_verbosity(), chatter.is_progress_bar_enabled()
    chatter.set_verbosity(logging.CRITICAL)
    chatter.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()


def _folder(model: str | Path) -> str:
    """What transformers loads from: a folder, or the name of a model on the hub."""
    if model == "bundled":
        return str(find_weights(MINILM).path.parent)
    if isinstance(model, Path) and not model.is_dir():
        raise WeightsError(
            f"there is no folder {model} with a text model; give bundled or a folder"
        )
    if isinstance(model, Path):
        check_model_folder(model)
    return str(model)


def _network(folder: str, weights: Any, pool: Pool) -> tuple[Any, dict[str, str]]:
    """The network with its weights, and the record of where they came from.

    Raises:
        WeightsError: the model cannot be found or read, or lacks tensors.
    """
    from transformers import AutoConfig, AutoModel  # seconds of import

    blank: Any = AutoModel.from_config  # it ships no types
    local = Path(folder).is_dir()
    failed = (
        f"text model {folder!r} cannot be loaded; give bundled, a folder with config.json, "
        "tokenizer and .safetensors weights, or the name of a model on the hub"
    )
    with said_by("transformers", failed):
        if weights in ("default", "bundled"):
            network, report = AutoModel.from_pretrained(
                folder, local_files_only=local, use_safetensors=True, trust_remote_code=False,
                dtype=torch.float32, output_loading_info=True,
            )  # fmt: skip
            _complete(folder, report, pool)
        else:
            config = AutoConfig.from_pretrained(
                folder, local_files_only=local, trust_remote_code=False
            )
            network = blank(config, trust_remote_code=False)
    _check_kind(network, folder)
    if pool != "pooler" and isinstance(getattr(network, "pooler", None), nn.Module):
        network.pooler = None  # it would take no part, and so never get a gradient
    return network, _load(network, folder, weights)


def _check_kind(network: Any, folder: str) -> None:
    """Refuse what is no encoder of texts alone, by the kind of model that was found."""
    config = network.config
    kind = f"{folder} holds a model of the kind {getattr(config, 'model_type', '?')!r}"
    wanted = "this method reads encoders of texts, such as BERT, RoBERTa or MiniLM"
    if getattr(config, "is_encoder_decoder", False):
        raise WeightsError(f"{kind}, an encoder with a decoder; {wanted}")
    sizes = ("num_hidden_layers", "hidden_size")
    if any(not isinstance(getattr(config, name, None), int) for name in sizes):
        raise WeightsError(f"{kind}, which has no layers of one width; {wanted}")


def _positions(network: Any) -> float:
    """How many tokens the positions of a network reach; RoBERTa begins behind its padding."""
    found = [getattr(network.config, "max_position_embeddings", math.inf)]
    for module in network.modules():
        table = getattr(module, "position_embeddings", None)
        if isinstance(table, nn.Embedding):
            first = 0 if table.padding_idx is None else table.padding_idx + 1
            found.append(table.num_embeddings - first)
    return min(found)


def _complete(folder: str, report: Mapping[str, Any], pool: Pool) -> None:
    """Refuse weights that leave a part of the network random; an unused pooler may be absent."""
    missing = sorted(n for n in report["missing_keys"] if pool == "pooler" or "pooler" not in n)
    wrong = [*missing, *map(str, report["mismatched_keys"])]
    if wrong:
        raise WeightsError(f"{folder}: missing or mismatching tensors: {', '.join(wrong[:4])}")


def _load(network: Any, folder: str, weights: Any) -> dict[str, str]:
    """Load a file where one is named, and say where the weights came from."""
    if weights == "none":
        return {"origin": "none", "sha256": ""}
    if weights in ("default", "bundled"):
        return {"origin": folder, "sha256": state_digest(network)}
    found = find_weights(weights)
    unused = ["embeddings.position_ids"]  # a counter that old versions wrote down
    unused += [] if getattr(network, "pooler", None) is not None else ["pooler."]
    load_tensors(network, read_tensors(found.path), found.origin, unused=unused)
    return found.record()


def _tokenizer(folder: str) -> tuple[Any, str]:
    """The tokenizer, and the SHA-256 of its rules and vocabulary."""
    from transformers import AutoTokenizer  # seconds of import

    with said_by("transformers", f"{folder!r} has no tokenizer that can be loaded"):
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=Path(folder).is_dir(), trust_remote_code=False
        )
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = backend.to_str() if backend is not None else repr(sorted(tokenizer.get_vocab().items()))
    return tokenizer, sha256(rules.encode()).hexdigest()


class TransformersEncoder(TextEncoder):
    """Ids [B, N] and mask -> tokens [B, N, D], pooled [B, D], levels at fractions of the depth.

    A text without a word (empty or only spaces) has no real token: it is not present and pooled is
    zero. What stands in padding never matters. All are float32, under autocast too, so that
    features computed now and features from the cache look alike.
    """

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        pool: Pool,
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
        if pool == "pooler" and getattr(network, "pooler", None) is None:
            raise WeightsError("this model has no pooler; use pool: mean or cls")
        self.network, self.tokenizer, self.pool = network, tokenizer, pool
        limits = (tokenizer.model_max_length, _positions(network))
        self.longest = int(min(*limits, _NO_LIMIT))
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
        """Ids of each text, special tokens included, cut to ``max_length``."""
        if not texts:
            return []
        found = self.tokenizer(texts, truncation=True, max_length=self.max_length)
        rows: list[list[int]] = found["input_ids"]
        return rows

    def count(self, texts: Sequence[str]) -> TokenCount:
        with _quiet():  # it warns of texts that are longer than its model reads
            found = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        room = max(self.max_length - self.tokenizer.num_special_tokens_to_add(), 0)
        strange = self.tokenizer.unk_token_id
        more = self.longest > self.max_length
        return TokenCount(
            [len(ids) for ids in found],
            [min(len(ids), room) for ids in found],
            [sum(one == strange for one in ids) for ids in found],
            f"set max_length: {self.longest}, which is the most that this model reads"
            if more
            else f"this model reads no more than {self.max_length} tokens",
        )

    def forward(self, texts: Texts) -> Features:
        """Encode [B, N] ids."""
        attended = texts.mask.clone()
        attended[:, 0] |= ~texts.present  # a row with nothing to attend to would give NaN
        found = self.network(
            input_ids=texts.ids, attention_mask=attended.long(), output_hidden_states=True
        )
        tokens = found.last_hidden_state.float()
        plain = Features(tokens, texts.mask)
        pooled = self._pooled(found, plain).masked_fill(~texts.present[:, None], 0)
        levels = tuple(
            plain
            if depth == len(found.hidden_states) - 1
            else Features(found.hidden_states[depth].float(), texts.mask)
            for depth in self.depths
        )
        return Features(tokens, texts.mask, pooled, levels=levels)

    def _pooled(self, found: Any, plain: Features) -> Tensor:
        """One vector [B, D] per text."""
        if self.pool == "pooler":
            pooled: Tensor = found.pooler_output
            return pooled.float()
        return plain.pooled if self.pool == "mean" else plain.tokens[:, 0]

    def last_stage(self) -> Iterable[nn.Module]:
        """The last layer, and the pooler where it is used."""
        layers = int(self.network.config.num_hidden_layers)
        stacks = [m for m in self.network.modules() if isinstance(m, nn.ModuleList)]
        last = [stack[-1] for stack in stacks if len(stack) == layers][:1]
        return [*last, *([self.network.pooler] if self.pool == "pooler" else [])]


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [TransformersParams]
