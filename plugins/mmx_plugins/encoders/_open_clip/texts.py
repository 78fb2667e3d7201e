"""The tower of texts: a transformer of open_clip, or a BERT of transformers inside it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmx.errors import WeightsError, said_by
from mmx_plugins.encoders._open_clip.bert import BertTexts, assumed, bert_tower
from mmx_plugins.encoders._open_clip.both_towers import with_towers
from mmx_plugins.encoders._open_clip.folder import ClipFolder
from mmx_plugins.encoders._open_clip.tokens import CLIPS, ClipTokenizer, clip_tokenizer
from mmx_plugins.encoders._open_clip.trunk import TextTrunk, Tower, depths, linear_of

_POOLS = ("argmax", "eos", "first", "last")
TextTower = Tower[TextTrunk]


def text_side(
    folder: ClipFolder, weights: str | Path, fractions: Sequence[float]
) -> tuple[TextTower, ClipTokenizer]:
    """The tower of texts with its tokenizer; the arguments are those of ``text_tower``.

    Raises:
        WeightsError: as ``text_tower``; or the tokenizer is absent or of another model.
    """
    tower, tokenizer = text_tower(folder, weights, fractions), clip_tokenizer(folder)
    _check_padding(tower.trunk, tokenizer, folder.path)
    known = tower.trunk.vocabulary
    if tokenizer.size > known:
        raise WeightsError(
            f"{folder.path}: the tokenizer knows {tokenizer.size} tokens, the model {known}: they "
            "do not belong together"
        )
    return tower, tokenizer


def text_tower(folder: ClipFolder, weights: str | Path, fractions: Sequence[float]) -> TextTower:
    """Build the tower of texts and load its weights.

    Args:
        folder: of the model.
        weights: default (those of the folder), none, or a file.
        fractions: depths of the levels.

    Raises:
        WeightsError: it is of a kind that is not read, or its weights do not fit.
    """
    stated = folder.part("text_cfg")
    with said_by("open_clip", f"the tower of texts of {folder.path} cannot be built"):
        if stated.get("hf_model_name"):
            tower = bert_tower(folder)
        else:
            _check(stated, folder.path)
            tower = with_towers(folder.model, texts=stated).text
    record, notes = folder.load(tower, weights, "text.")
    kind = ClipsTexts if stated.get("tokenizer_mode") == CLIPS else ClipTexts
    trunk = BertTexts(tower, fractions) if hasattr(tower, "pooler") else kind(tower, fractions)
    width = int(folder.model["embed_dim"])
    return TextTower(trunk, trunk.take_projection(), width, record, (*notes, *assumed(folder)))


def _check_padding(trunk: TextTrunk, tokenizer: ClipTokenizer, path: Path) -> None:
    """Refuse padding that a network which looks at it was not trained with."""
    if isinstance(trunk, ClipsTexts) and trunk.text.pad_id != tokenizer.padding:
        raise WeightsError(
            f"{path}: the tokenizer fills texts up with {tokenizer.padding}, and the model states "
            f"pad_id {trunk.text.pad_id}: they do not belong together"
        )


def _check(stated: dict[str, Any], path: Path) -> None:
    """Refuse a way to one vector that is not read."""
    pool = stated.get("pool_type", "argmax")
    if pool not in _POOLS and not stated.get("embed_cls"):
        raise WeightsError(
            f"{path} pools its texts by {pool}, which this method does not read; it reads "
            f"{', '.join(_POOLS)}, and a token behind each text (embed_cls, of a CoCa)"
        )


class ClipTexts(TextTrunk):
    """Ids and mask [B, N] -> tokens [B, N, D], pooled [B, D], levels before the last.

    The network always reads as many places as it has positions, the last ones filled up, as it
    did when it was trained: some of these networks look at them.
    """

    def __init__(self, text: Any, fractions: Sequence[float]) -> None:
        super().__init__()
        self.text = text
        self.depths = depths(fractions, len(text.transformer.resblocks))
        self.dim = int(text.width)
        self.level_dims = (self.dim,) * len(self.depths)
        self.vocabulary = int(text.vocab_size)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        """Places behind the last position are masked ones, and not read."""
        whole = self._whole(ids, mask)
        last = len(self.text.transformer.resblocks) - 1
        found = self.text.forward_intermediates(
            whole, indices=[*(depth - 1 for depth in self.depths), last], output_fmt="NLC",
            intermediates_only=True, output_extra_tokens=True,
        )  # fmt: skip
        *levels, end = found["text_intermediates"]
        behind = self.text.ln_final(end)
        if "text_intermediates_suffix" in found:  # a CoCa reads a token of its own behind the text
            pooled = self.text.ln_final(found["text_intermediates_suffix"][-1])[:, 0]
        else:
            pooled = behind[torch.arange(len(ids), device=ids.device), self._place(whole)]
        own = self._of_own_places
        return own(behind, mask), pooled, [own(level, mask) for level in levels]

    def _whole(self, ids: Tensor, mask: Tensor) -> Tensor:
        """[B, positions], filled up behind the real tokens."""
        whole = ids.new_full((len(ids), self.text.context_length), self.text.pad_id)
        kept = min(ids.shape[1], whole.shape[1])
        whole[:, :kept] = ids[:, :kept].masked_fill(~mask[:, :kept], self.text.pad_id)
        return whole

    def _of_own_places(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """[B, N, D] of the tokens [B, positions, D] of the network."""
        return _fitted(tokens, mask)

    def _place(self, whole: Tensor) -> Tensor:
        """[B], the place of the token that stands for a text."""
        pool = self.text.pool_type
        if pool == "argmax":  # the end of a text has the highest id
            return whole.argmax(dim=1)
        if pool == "eos":
            end: Tensor = whole == self.text.eos_id
            return end.int().argmax(dim=1)
        return torch.full_like(whole[:, 0], 0 if pool == "first" else whole.shape[1] - 1)

    def take_projection(self) -> nn.Module:
        """Take the projection off and give it."""
        matrix = self.text.text_projection
        self.text.text_projection = None
        return linear_of(matrix)

    def last_stage(self) -> Iterable[nn.Module]:
        """The last block and the norm behind it."""
        return [self.text.transformer.resblocks[-1], self.text.ln_final]


class ClipsTexts(ClipTexts):
    """The same where the last token of a text, that of its class, stands behind the padding."""

    def _whole(self, ids: Tensor, mask: Tensor) -> Tensor:
        last = _last(mask)
        rest = mask.scatter(1, last, torch.zeros_like(last, dtype=torch.bool))
        whole = super()._whole(ids, rest)
        whole[:, -1:] = ids.gather(1, last)
        return whole

    def _of_own_places(self, tokens: Tensor, mask: Tensor) -> Tensor:
        places = _last(mask)[..., None].expand(-1, 1, tokens.shape[2])
        return super()._of_own_places(tokens, mask).scatter(1, places, tokens[:, -1:])


def _last(mask: Tensor) -> Tensor:
    """[B, 1], the place of the last real token of each text; 0 where there is none."""
    return (mask.sum(dim=1, keepdim=True) - 1).clamp(min=0)


def _fitted(tokens: Tensor, mask: Tensor) -> Tensor:
    """[B, N, D], as many places as the mask has; those without a position are zeros."""
    more = mask.shape[1] - tokens.shape[1]
    return nn.functional.pad(tokens, (0, 0, 0, more)) if more > 0 else tokens[:, : mask.shape[1]]
