"""Texts of the rows, kept where writing them takes long, and the features that some need."""

import hashlib
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from mmx.data import (
    CachedFeatures,
    FeatureCache,
    FrozenEncoder,
    ImageStore,
    Manifest,
    Split,
    write_texts,
)
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
from mmx.model import build_untaught_encoder
from mmx.pipeline.encoding_device import encoding_on_device, with_device
from mmx.pipeline.identity import core_digest, encoder_settings, sources_used
from mmx.spec import Spec

LEAKY = "LEAKY: the texts were written knowing the label; the figures show that, not a diagnosis."


@dataclass(frozen=True, slots=True)
class TextWriter:
    """Writes the texts of rows, or takes them from the cache.

    Attributes:
        spec: knows the encoders, and where narratives come from.
        cache: its folder.
        manifest: the rows.
        split: narratives learn from its training part.
    """

    spec: Spec
    cache: Path
    manifest: Manifest
    split: Split

    def of(
        self, narrative: NarrativeParams, pictures: Mapping[str, ImageStore], modality: str
    ) -> list[str]:
        """The text of every row; of slow narratives from the cache when nothing has changed.

        Args:
            narrative: its settings.
            pictures: modality -> the images of the rows.
            modality: whose images it looks at.
        """
        images, features = pictures[modality], None
        if narrative.needs_features:
            folder, samples = self.cache / "features", self.manifest.samples
            features = FrozenFeatures(self.spec, folder, samples, images, modality)
        if not narrative.slow:
            return write_texts(self.manifest, narrative, self.split, features)
        file = self.cache / "texts" / f"{self._key(narrative, images, features)}.json"
        kept = _read(file, len(self.manifest))
        if kept is None:
            kept = write_texts(self.manifest, narrative, self.split, features)
            _keep(file, kept)
        return kept

    def _key(
        self, narrative: NarrativeParams, images: ImageStore, features: FeatureSource | None
    ) -> str:
        """Digest of all that decides the texts."""
        plugins = self.spec.plugins
        code = [narrative.model_dump_json(), sources_used(narrative, plugins), core_digest()]
        manifest = self.manifest
        rows = [manifest.digest, manifest.ids.tolist(), self.split.digest, images.digest]
        facts = [*code, *rows, getattr(features, "digest", "")]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


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
        self._spec = spec
        self._folder = folder
        self._images = images
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
        encoder = build_untaught_encoder(self._spec.model, self._modality, self._spec.seed)
        if isinstance(encoder, WrappingEncoder):
            raise ShapeError(
                "texts from similar images need a plain image encoder; "
                f"{self._params.entry_point} wraps one"
            )
        encoder.learn("frozen")
        cache = FeatureCache(self._folder, budget_gb=self._spec.data.cache.budget_gb)
        rows = sorted(self._row.values())
        frozen = FrozenEncoder(
            encoder,
            with_device(self._settings),
            precision=self._spec.model.encoding,
            batch_size=self._spec.evaluation.batch_size,
        )
        with encoding_on_device(encoder):
            return cache.encode(frozen, self._images, rows, want=frozenset({"pooled"}))

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
