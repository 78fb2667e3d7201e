"""From a spec to rows, split, texts and images: all that is ready before training."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmx.blocks import missing_words
from mmx.data import (
    ImageStore,
    Manifest,
    Split,
    check_bad,
    make_split,
    measured_range,
    read_manifest,
    read_split,
)
from mmx.errors import DataError
from mmx.files import own_folder
from mmx.interfaces import FeatureSource, Rejected
from mmx.pipeline.progress import stage
from mmx.pipeline.texts import kept_texts
from mmx.runs import Observer
from mmx.spec import DataSpec, ImageSpec

Features = Callable[[Manifest, ImageStore], FeatureSource]
CACHE = "mmx-cache"
PARTS = ("train", "validation", "test", "calibration")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows and all that belongs to them.

    Attributes:
        manifest: the rows.
        split: the part of each row.
        texts: the text of each row; empty where it has none.
        images: the pixels of each row.
        grey_range: values that are black and white in files of more than 8 bits; None: none has.
        notes: sentences for the report.
    """

    manifest: Manifest
    split: Split
    texts: list[str]
    images: ImageStore
    grey_range: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def digests(self) -> dict[str, str]:
        """Digests of rows, split, texts and pixels."""
        return {
            "rows": self.manifest.digest,
            "split": self.split.digest,
            "texts": hashlib.sha256("\0".join(self.texts).encode()).hexdigest(),
            "images": self.images.digest,
        }


def prepare(
    spec: DataSpec,
    observer: Observer,
    features: Features | None = None,
    split_file: Path | None = None,
) -> Prepared:
    """Read the rows, split them, open their images and write their texts.

    Args:
        spec: of the data.
        observer: is told how far it has come.
        features: gives frozen image features of the rows, for narratives that need them.
        split_file: of an earlier run of the same spec, whose split is taken as it was.

    Raises:
        DataError: more unusable rows than ``data.max_bad`` allows.
    """
    manifest = read_manifest(spec.dataset.build(), spec.max_bad)
    if len(manifest.classes) < 2:
        raise DataError(
            f"there is nothing to tell apart: the only class is {manifest.classes[0]!r}"
            if manifest.classes
            else "no row has a label"
        )
    split = read_split(split_file, manifest) if split_file else make_split(manifest, spec.split)
    image, notes = settled_range(spec.image, manifest, split)
    for note in (*missing_words(manifest.facts.missing), *notes):
        observer.message(note)
    images = open_images(manifest, spec, observer, image)
    source = None
    if spec.narrative.needs_features:
        if features is None:
            raise DataError(f"{spec.narrative.entry_point} needs the image encoder of a whole spec")
        source = features(manifest, images)
    texts = kept_texts(
        cache_folder(spec) / "texts", manifest, spec.narrative, split, images.digest, source
    )
    _refuse_empty(manifest, split, texts, images, spec.max_bad)
    return Prepared(manifest, split, texts, images, image.grey_range, notes)


def settled_range(
    spec: ImageSpec, manifest: Manifest, split: Split
) -> tuple[ImageSpec, tuple[str, ...]]:
    """The settings with the range of grey that training rows have, and a sentence on it."""
    if spec.grey_range is not None:
        low, high = spec.grey_range
        return spec, (f"grey of files with more than 8 bits: {low:g} is black, {high:g} white",)
    rows = split.rows("train").tolist()
    files = {
        image
        for row in rows
        for images in manifest.samples[row].images.values()
        for image in images
        if isinstance(image, Path)
    }
    found = measured_range(sorted(files, key=lambda file: (file.name, file)), spec.pixel_limit)
    if found is None:
        return spec, ()
    (low, high), count = found
    note = (
        f"grey of files with more than 8 bits: {low:g} is black, {high:g} white, measured on "
        f"{count} training pictures; data.image.range states another range"
    )
    return spec.model_copy(update={"range": (low, high)}), (note,)


def open_images(
    manifest: Manifest, spec: DataSpec, observer: Observer, image: ImageSpec | None = None
) -> ImageStore:
    """The images of all rows, in the frame that the spec asks for, or in ``image``."""
    with stage(observer, "reading", "images") as told:
        return ImageStore(
            manifest.samples,
            image or spec.image,
            folder=cache_folder(spec) / "images",
            memory_gb=spec.memory_gb,
            progress=told,
        )


def cache_folder(spec: DataSpec) -> Path:
    """Where decoded images, features, texts, audits and the record of looks are kept.

    It is a folder of mmx's own inside the one that the spec or MMX_CACHE names, for that one may
    hold other people's files, and mmx deletes old entries to make room.

    Raises:
        DataError: it cannot be made, or holds files that are not mmx's.
    """
    named = spec.cache.folder or Path(os.environ.get("MMX_CACHE") or Path.home() / ".cache" / "mmx")
    try:
        return own_folder(named / CACHE)
    except OSError as error:
        raise DataError(
            f"the cache {named / CACHE} cannot be used: {error}; name another folder with "
            "data.cache.folder or MMX_CACHE"
        ) from error


def _refuse_empty(
    manifest: Manifest, split: Split, texts: Sequence[str], images: ImageStore, max_bad: float
) -> None:
    """A row with neither image nor text is a fault of the data."""
    check_bad(images.unreadable, len(manifest), max_bad)
    shown = images.mask.any(dim=1).tolist()
    bare = [
        Rejected(str(manifest.ids[row]), "has neither an image nor a text")
        for row in np.flatnonzero(split.parts != "unused").tolist()
        if not texts[row] and not shown[row]
    ]
    check_bad(bare, len(manifest), max_bad)
    for part in ("train", "validation", "test"):
        if not len(split.rows(part)):
            groups = len(set(manifest.groups.tolist()))
            raise DataError(
                f"the {part} part of the split is empty: none of {groups} groups fell to it; give "
                f"data.split.{part} a larger share, or the data more cases"
            )
    trained = np.unique(manifest.labels[split.rows("train")])
    if len(trained) < 2:
        raise DataError(
            f"the training part has samples of one class only, {manifest.classes[trained[0]]!r}: "
            "there is nothing to learn to tell apart; give it samples of the others"
        )
