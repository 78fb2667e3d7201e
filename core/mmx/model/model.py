"""The model: two encoders, their projections, a fusion and a head."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mmx.errors import RunError
from mmx.interfaces import (
    Batch,
    DecisionFusion,
    Encoder,
    Features,
    Fusion,
    Head,
    HeadOutput,
    Images,
    Outputs,
    Texts,
    Views,
    WrappingEncoder,
)
from mmx.model.frozen import frozen_features

SIDES = ("image", "text")
Inputs = Images | Texts | Views | Features


class Model(nn.Module):
    """Classifies batches of images and texts.

    Attributes:
        image: encoder of the images.
        text: encoder of the texts.
        projections: ``image`` and ``text``, between encoder and fusion.
        fusion: mixes features, or decisions.
        norms: in front of the head of the same name; none with ``head_norm: none``.
        heads: ``fused``, or ``image`` and ``text`` under a fusion of decisions.
        part_heads: small heads on named parts, where the loss asks for them.
        reads: what is asked of each encoder: any of pooled, tokens, levels; empty for a side that
            the fusion ignores, whose encoder then never runs.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        projections: Mapping[str, nn.Module],
        fusion: Fusion | DecisionFusion,
        norms: Mapping[str, nn.Module],
        heads: Mapping[str, Head],
        part_heads: Mapping[str, nn.Module],
        reads: Mapping[str, frozenset[str]],
    ) -> None:
        super().__init__()
        self.image, self.text = encoders["image"], encoders["text"]
        self.projections = nn.ModuleDict(projections)
        self.fusion = fusion
        self.norms = nn.ModuleDict(norms)
        self.heads = nn.ModuleDict(heads)
        self.part_heads = nn.ModuleDict(part_heads)
        self.reads = dict(reads)

    def forward(self, batch: Batch) -> Outputs:
        """Logits [B, C] of the fused path, and of the parts that have a head."""
        image, text = self.features(batch)
        present = torch.stack([image.present, text.present], dim=1)
        if isinstance(self.fusion, DecisionFusion):
            return self._decide(self.fusion, image, text, present)
        fused = self.fusion(image, text)
        result = self._head("fused", fused)
        parts = {**image.parts, **text.parts, **fused.parts}
        return Outputs(
            logits=result.logits,
            part_logits=self._of_parts(parts),
            present=present,
            part_present=self._there(image, text, fused.parts),
            penalties=_merge(image.penalties, text.penalties, fused.penalties, result.penalties),
            explain=_merge(image.explain, text.explain, fused.explain, result.explain),
        )

    def _head(self, name: str, features: Features) -> HeadOutput:
        """What a head says to features, normalised in front of it."""
        read = self.norms[name](features) if name in self.norms else features
        result: HeadOutput = self.heads[name](read)
        return result

    def _of_parts(self, parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Logits [B, C] of each part that has a head."""
        return {name: head(parts[name]) for name, head in self.part_heads.items()}

    def _there(
        self, image: Features, text: Features, of_fusion: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """[B], bool, by part that has a head: rows that have what it is made of."""
        found = dict.fromkeys(("image", *image.parts), image.present)
        found |= dict.fromkeys(("text", *text.parts), text.present)
        found |= {name: image.present | text.present for name in of_fusion if name not in SIDES}
        return {name: found[name] for name in self.part_heads}

    def features(self, batch: Batch) -> tuple[Features, Features]:
        """Projected features of both sides, missing where the batch says so."""
        image = self._side("image", batch.image, batch.present[:, 0])
        return image, self._side("text", batch.text, batch.present[:, 1])

    def encoded(self, batch: Batch, sides: Iterable[str]) -> Batch:
        """The same batch with these sides encoded, so that several passes encode them once."""
        found: dict[str, Any] = {
            side: self._encode(side, getattr(batch, side)) for side in sides if self.reads[side]
        }
        return replace(batch, **found)

    def seen(self, batch: Batch, sides: Iterable[str]) -> Batch:
        """The same batch with what frozen encoders make of these sides, as the cache keeps it."""
        found: dict[str, Any] = {
            side: self._look(side, getattr(batch, side)) for side in sides if self.reads[side]
        }
        return replace(batch, **found)

    def _look(self, side: str, given: Inputs) -> Inputs:
        """What the frozen encoder of a side makes of it; the same where there is none."""
        if isinstance(given, Features | Views) or not self.frozen_inside(side):
            return given
        return frozen_features(self.encoders()[side], given, self.reads[side])

    def _encode(self, side: str, given: Inputs) -> Features:
        """Features of one side; of a frozen encoder as the cache keeps them."""
        seen = self._look(side, given)
        found: Features = seen if isinstance(seen, Features) else getattr(self, side)(seen)
        return found

    def _side(self, side: str, inputs: Inputs, present: Tensor) -> Features:
        if not self.reads[side]:
            return self._ignored(side, present)
        projected: Features = self.projections[side](self._encode(side, inputs))
        return projected.with_present(present)

    def _ignored(self, side: str, present: Tensor) -> Features:
        """What stands for a side that the fusion never reads."""
        width: int = getattr(self.projections[side], "shape", self.encoders()[side].shape).dim
        zeros = next(self.heads.parameters()).new_zeros(len(present), width)
        return Features.of_pooled(zeros, present)

    def _decide(
        self, fusion: DecisionFusion, image: Features, text: Features, present: Tensor
    ) -> Outputs:
        results = {"image": self._head("image", image), "text": self._head("text", text)}
        logits = {side: result.logits for side, result in results.items()}
        return Outputs(
            logits=fusion.combine(logits["image"], logits["text"], present),
            part_logits={**logits, **self._of_parts({**image.parts, **text.parts})},
            present=present,
            part_present=self._there(image, text, {}),
            penalties=_merge(
                image.penalties, text.penalties, *(results[side].penalties for side in SIDES)
            ),
            explain=_merge(image.explain, text.explain, *(results[s].explain for s in SIDES)),
        )

    def encoders(self) -> dict[str, Encoder]:
        """Both encoders by side."""
        return {"image": self.image, "text": self.text}

    def frozen_encoders(self) -> dict[str, Encoder]:
        """Encoders of which nothing learns, by name; of wrapping ones the innermost backbone."""
        found: dict[str, Encoder] = {}
        for side, encoder in self.encoders().items():
            name, inner = side, encoder
            while isinstance(inner, WrappingEncoder):
                name, inner = f"{name}.backbone", inner.backbone
            if not any(p.requires_grad for p in inner.parameters()):
                found[name] = inner
        return found

    def frozen(self, side: str) -> bool:
        """Whether nothing of this side's encoder learns."""
        return side in self.frozen_encoders()

    def frozen_inside(self, side: str) -> bool:
        """Whether nothing learns of this side's encoder, or of the backbone inside it."""
        return any(name.partition(".")[0] == side for name in self.frozen_encoders())

    def trainable_state(self) -> dict[str, Tensor]:
        """All weights and buffers but those of frozen encoders, which their source gives back."""
        frozen = tuple(f"{name}." for name in self.frozen_encoders())
        return {k: v for k, v in self.state_dict().items() if not (frozen and k.startswith(frozen))}

    def load_trainable(self, state: Mapping[str, Tensor]) -> None:
        """Take back what ``trainable_state`` gave; anything missing or unknown is an error."""
        own = self.trainable_state()
        if own.keys() != state.keys():
            odd = sorted(own.keys() ^ state.keys())[:3]
            raise RunError(f"the weights are of another model; they differ in {', '.join(odd)}")
        self.load_state_dict(dict(state), strict=False)


def _merge(*mappings: Mapping[str, Tensor]) -> dict[str, Tensor]:
    merged: dict[str, Tensor] = {}
    for mapping in mappings:
        for name, value in mapping.items():
            merged[name if name not in merged else f"{name} (2)"] = value
    return merged
