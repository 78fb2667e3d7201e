"""Methods that make core's types themselves, as modules for plugin API 1 were written."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import SerializeAsAny
from torch import Tensor

import mmx
from mmx import Batch, Features, Prediction
from mmx.interfaces import Seen, WrappingEncoder, WrappingParams

MMX_API = 1


class OldCopiesParams(mmx.InferenceParams):
    """The mean over copies of a batch, each made in another way."""

    type: Literal["old_copies"] = "old_copies"
    place: ClassVar[int] = 0

    def build(self) -> "OldCopies":
        return OldCopies()


class OldCopies(mmx.InferenceHook):
    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        image = replace(batch.image, pixels=batch.image.pixels.flip(-1))
        copies = [
            Batch(image=image, text=batch.text, present=batch.present, group=batch.group),
            Batch(image, batch.text, batch.present, batch.group),
            mmx.Batch(image, text=batch.text, present=batch.present),
            replace(batch, image=image),
        ]
        copies.append(replace(copies[0], image=copies[0].image, text=copies[1].text))
        return Prediction(torch.stack([next(one).log_probs for one in copies]).mean(dim=0))

    def measure(self, prediction: Prediction, target: Tensor) -> Mapping[str, float]:
        return {"rows": float(len(target))}


class OldPairsParams(WrappingParams):
    """The first of two views."""

    type: Literal["old_pairs"] = "old_pairs"
    backbone: Annotated[
        SerializeAsAny[mmx.EncoderParams], mmx.chosen(mmx.EncoderParams, modality="image")
    ]

    def build(self) -> "OldPairs":
        return OldPairs(self.backbone.build())


class OldPairs(WrappingEncoder):
    def __init__(self, backbone: mmx.Encoder) -> None:
        super().__init__(backbone)
        self.shape = backbone.shape

    def looked_at(self, mask: Tensor) -> int:
        return 1 if bool(mask[1:].any()) else super().looked_at(mask)

    def combine(self, seen: Seen) -> Features:
        return Features.of_pooled(seen.pooled[:, 0])


@mmx.hookimpl
def mmx_components():
    return [OldCopiesParams, OldPairsParams]
