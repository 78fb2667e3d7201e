"""Where batches come from: cached features of frozen encoders, or pixels and token ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmx.data import (
    CachedFeatures,
    CachedViews,
    FeatureCache,
    ImageStore,
    Part,
    TextStore,
    ViewStore,
    part_of,
)
from mmx.interfaces import (
    Features,
    TextEncoder,
    WrappingEncoder,
    innermost,
    innermost_params,
)
from mmx.model import Model
from mmx.pipeline.identity import encoder_settings
from mmx.pipeline.prepare import PARTS, Prepared, cache_folder
from mmx.pipeline.progress import stage
from mmx.runs import Observer
from mmx.spec import Spec


class Unread:
    """Stands for a side that the fusion never reads: nothing is decoded, tokenised or encoded."""

    def __init__(self, present: Tensor) -> None:
        self._present = present

    def features(self, rows: Sequence[int]) -> Features:
        """Zeros [B, 1, 1]; present where the row has this side."""
        return Features.of_pooled(torch.zeros(len(rows), 1), self._present[list(rows)])


@dataclass(frozen=True, slots=True)
class Sources:
    """Both sides of the batches, and how they came about.

    Attributes:
        image: of all rows.
        text: of all rows.
        encoded: inputs that each frozen encoder ran on just now, views where it stands in a
            wrapping one; a side that trains is absent.
        notes: what a reader of the log should know.
    """

    image: ImageStore | CachedFeatures | CachedViews | Unread
    text: TextStore | CachedFeatures | Unread
    encoded: Mapping[str, int]
    notes: tuple[str, ...]

    def pixels(self, prepared: Prepared) -> "Sources":
        """The same with images before encoding, for inference that changes them."""
        return replace(self, image=prepared.images)

    def parts(self, prepared: Prepared) -> dict[str, Part]:
        """The parts that the split has rows for, by name."""
        return {
            name: part_of(
                prepared.manifest, prepared.split, name, {"image": self.image, "text": self.text}
            )
            for name in PARTS
            if len(prepared.split.rows(name))
        }


def open_sources(
    spec: Spec, model: Model, prepared: Prepared, observer: Observer, *, rows: list[int]
) -> Sources:
    """Run frozen encoders once over the rows, unless something moves the pixels in training."""
    encoded: dict[str, int] = {}
    notes = []
    image: ImageStore | CachedFeatures | CachedViews | Unread = prepared.images
    if not model.reads["image"]:
        image = Unread(torch.tensor([sample.has_image for sample in prepared.manifest.samples]))
    elif model.frozen_inside("image") and spec.train.augment == "none":
        image = _image_features(spec, model, prepared.images, rows, observer, encoded)
    elif model.frozen_inside("image"):
        notes.append("image augmentation moves the pixels: the frozen encoder runs in every epoch")
    tokens = TextStore(prepared.texts, _text_encoder(model))
    text: TextStore | CachedFeatures | Unread = tokens
    if not model.reads["text"]:
        text = Unread(torch.tensor([bool(one) for one in prepared.texts]))
    elif model.frozen("text"):
        text = _encode(spec, model, "text", tokens, rows, observer, model.reads["text"])
        encoded["text"] = text.encoded
    return Sources(image, text, encoded, tuple(notes))


def _image_features(
    spec: Spec,
    model: Model,
    images: ImageStore,
    rows: list[int],
    observer: Observer,
    encoded: dict[str, int],
) -> CachedFeatures | CachedViews:
    """Features of the images, or of the views that a wrapping encoder shows its backbone."""
    wrapper = model.encoder("image")
    if not isinstance(wrapper, WrappingEncoder):
        found = _encode(spec, model, "image", images, rows, observer, model.reads["image"])
        encoded["image"] = found.encoded
        return found
    views = ViewStore(images, wrapper)
    want, first = wrapper.needs(model.reads["image"]), wrapper.token_views
    if isinstance(wrapper.backbone, WrappingEncoder):
        first = None
    tokens = None
    if first is not None and "tokens" in want:
        tokens = _encode(spec, model, "image", views, views.real(rows, first), observer, want)
        want = want - {"tokens"}
    found = _encode(spec, model, "image", views, views.real(rows), observer, want)
    cached = CachedViews(found, views, rows, tokens, first)
    encoded["image"] = cached.encoded
    return cached


def _text_encoder(model: Model) -> TextEncoder:
    encoder = model.encoder("text")
    if not isinstance(encoder, TextEncoder):
        raise TypeError(f"model.text is {type(encoder).__name__}, which encodes no text")
    return encoder


def _encode(
    spec: Spec,
    model: Model,
    side: str,
    source: ImageStore | TextStore | ViewStore,
    rows: list[int],
    observer: Observer,
    want: frozenset[str],
) -> CachedFeatures:
    params = innermost_params(spec.model.encoders[side])
    cache = FeatureCache(cache_folder(spec.data) / "features", budget_gb=spec.data.cache.budget_gb)
    with stage(observer, f"{side}s", side + "s") as told:
        return cache.encode(
            innermost(model.encoder(side)),
            encoder_settings(params),
            source,
            rows,
            want=want,
            batch_size=spec.evaluation.batch_size,
            progress=told,
            waiting=observer.message,
            precision=spec.model.encoding,
        )
