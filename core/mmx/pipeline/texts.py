"""Texts of the rows, kept where writing them takes long, and the features that some need."""

import hashlib
import json
from collections.abc import Hashable, Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from mmx.data import CachedFeatures, FeatureCache, ImageStore, Manifest, Split, write_texts
from mmx.errors import DataError, ShapeError
from mmx.files import keep, own_folder, recall
from mmx.interfaces import (
    IMAGE,
    EncoderParams,
    FeatureSource,
    NarrativeParams,
    Sample,
    WrappingEncoder,
)
from mmx.pipeline.encoding_device import encoding_on_device, with_device
from mmx.pipeline.identity import core_digest, encoder_settings, sources_used
from mmx.plugins import Plugins
from mmx.spec import Spec

LEAKY = "LEAKY: the texts were written knowing the label; the figures show that, not a diagnosis."


def kept_texts(
    folder: Path,
    manifest: Manifest,
    params: NarrativeParams,
    split: Split,
    images: str,
    features: FeatureSource | None,
    plugins: Plugins,
) -> list[str]:
    """The text of every row; of slow narratives from the cache when nothing has changed.

    Args:
        folder: of the cache.
        manifest: the rows.
        params: of the narrative.
        split: the narrative learns from its training part.
        images: digest of the pixels.
        features: for a narrative that needs them.
        plugins: that know where the narrative comes from.
    """
    if not params.slow:
        return write_texts(manifest, params, split, features)
    code = [params.model_dump_json(), sources_used(params, plugins), core_digest()]
    rows = [manifest.digest, manifest.ids.tolist(), split.digest, images]
    facts = [*code, *rows, getattr(features, "digest", "")]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    file = folder / f"{key}.json"
    kept = _read(file, len(manifest))
    if kept is None:
        kept = write_texts(manifest, params, split, features)
        _keep(file, kept)
    return kept


def _keep(file: Path, texts: Sequence[str]) -> None:
    try:
        own_folder(file.parent)
        keep(file, {"texts": list(texts)})
    except OSError as error:
        raise DataError(f"{file} cannot be written ({error}); set MMX_CACHE") from error


def _read(file: Path, rows: int) -> list[str] | None:
    """What was kept; None when there is nothing, or it is not as it was written."""
    kept = recall(file)
    found = None if kept is None else kept.get("texts")
    if not isinstance(found, list) or len(found) != rows:
        return None
    return found if all(isinstance(text, str) for text in found) else None


class FrozenFeatures:
    """Pooled features of the rows by the image encoder of a spec as it starts, from the cache."""

    def __init__(
        self,
        spec: Spec,
        folder: Path,
        samples: Sequence[Sample],
        images: ImageStore,
        modality: str = IMAGE,
    ) -> None:
        self._spec, self._folder, self._images = spec, folder, images
        self._modality = modality
        self._row = {self._shown(sample): row for row, sample in enumerate(samples)}

    @property
    def digest(self) -> str:
        """What decides the features, besides the pixels."""
        return f"{self._settings} {self._spec.model.encoding}"

    @property
    def _settings(self) -> str:
        return encoder_settings(self._params, self._spec.plugins)

    @property
    def _params(self) -> EncoderParams:
        """The encoder of the modality whose images texts are written from."""
        return self._spec.model.encoders[self._modality]

    @cached_property
    def _cached(self) -> CachedFeatures:
        from mmx.model import build_untaught_encoder  # only for texts written from pictures

        encoder = build_untaught_encoder(self._spec.model, self._modality, self._spec.seed)
        if isinstance(encoder, WrappingEncoder):
            raise ShapeError(
                "texts from similar images need a plain image encoder; "
                f"{self._params.entry_point} wraps one"
            )
        encoder.learn("frozen")
        cache = FeatureCache(self._folder, budget_gb=self._spec.data.cache.budget_gb)
        rows = sorted(self._row.values())
        settings, want = with_device(self._settings), frozenset({"pooled"})
        with encoding_on_device(encoder):
            return cache.encode(
                encoder, settings, self._images, rows, want=want,
                batch_size=self._spec.evaluation.batch_size, precision=self._spec.model.encoding,
            )  # fmt: skip

    def pooled(self, samples: Sequence[Sample]) -> Tensor:
        """[B, D], float32."""
        lost = [sample.id for sample in samples if self._shown(sample) not in self._row]
        if lost:
            raise DataError(f"no image features of {', '.join(lost[:5])}")
        if not samples:
            return torch.zeros(0, 0)
        return self._cached.collate([self._row[self._shown(sample)] for sample in samples]).pooled

    def _shown(self, sample: Sample) -> Hashable:
        """All of a sample that decides its features; its id does not."""
        images = sample.images.get(self._modality, ())
        files = [one if one is None or isinstance(one, Path) else one.key for one in images]
        return (*files, *sample.boxes.get(self._modality, ()))
