"""How the images of a run are shown: which grey is black and white, and what pixels measure."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mmx.data import (
    Decoder,
    ImageReaders,
    Manifest,
    Split,
    lost_depths,
    measured_range,
    read_by_one,
)
from mmx.interfaces import PackedImage, Sample
from mmx.pipeline.pixel_spacings import spacing_note
from mmx.spec import DataSpec, ImageSpec


def settled_frames(
    spec: DataSpec,
    manifest: Manifest,
    split: Split,
    names: Sequence[str],
    readers: ImageReaders,
    folder: Path,
) -> tuple[dict[str, ImageSpec], tuple[str, ...]]:
    """Modality -> its settings with the range of grey of its training rows; and sentences.

    Args:
        spec: of the data.
        manifest: the rows.
        split: whose training part is measured.
        names: of the modalities.
        readers: of image files.
        folder: where processes meet that measure the same files.
    """
    several = len(names) > 1
    frames = dict[str, ImageSpec]()
    notes = list[str]()
    for name in names:
        train = split.rows("train").tolist() if manifest.contents.images else []
        rows = (manifest.samples[row] for row in train)
        files = image_files(rows, name if several else None)
        decoder = Decoder(spec.frame(name), readers)
        frames[name], told = settled_range(decoder, files, folder, name if several else None)
        of = f" of {name}" if several else ""
        notes += [*told, *lost_depth_note(files, of)]
        notes += spacing_note(files, frames[name], readers, of)
    return frames, tuple(notes)


def settled_range(
    decoder: Decoder,
    files: Sequence[Path | PackedImage],
    folder: Path,
    modality: str | None = None,
) -> tuple[ImageSpec, tuple[str, ...]]:
    """The settings with the range of grey that training rows have, and a sentence on it.

    Args:
        decoder: the settings, and the readers of files.
        files: of the training rows.
        folder: where processes meet that measure the same files.
        modality: whose images; None: of all, for there is one.
    """
    spec = decoder.spec
    of, key = (f" of {modality}", f"images.{modality}") if modality else ("", "image")
    told = stated_range(spec, of)
    if told:
        return spec, (told,)

    def measured() -> list[float]:
        found = measured_range(files, spec.request(""), decoder.readers)
        return [] if found is None else [*found[0], found[1]]

    about = "range of grey", decoder.readers.code, repr(spec.request(""))
    found = read_by_one(files, about, folder, measured)
    if not found:
        return spec, ()
    low, high, count = found
    note = (
        f"grey of files{of} with more than 8 bits: {low:g} is black, {high:g} white, measured on "
        f"{count} training pictures; data.{key}.range states another range"
    )
    return spec.model_copy(update={"range": (low, high)}), (note,)


def stated_range(spec: ImageSpec, of: str) -> str:
    """A sentence on which grey is black and which white, where that is known; else nothing.

    Args:
        spec: the settings.
        of: whose images, such as `` of clinic``.
    """
    if spec.grey_range is not None:
        low, high = spec.grey_range
        return f"grey of files{of} with more than 8 bits: {low:g} is black, {high:g} white"
    return f"grey of DICOM files{of} is shown by the window of each file" if spec.windowed else ""


def lost_depth_note(files: Sequence[Path | PackedImage], of: str) -> tuple[str, ...]:
    """A sentence on files of more than 8 bits of each colour of which 8 are read."""
    lost = lost_depths(files)
    if not lost:
        return ()
    return (
        f"{len(lost)} of {len(files)} files{of}, such as {lost[0]}, have more than 8 bits of each "
        "colour, and 8 are read (AVIF, JPEG 2000); as PNG, TIFF or HEIC they keep them",
    )


def image_files(samples: Iterable[Sample], modality: str | None) -> list[Path | PackedImage]:
    """The image files of samples, each once, by name; of all modalities where none is named."""
    files = {
        image
        for sample in samples
        for name, images in sample.images.items()
        for image in images
        if isinstance(image, Path | PackedImage) and modality in (None, name)
    }
    return sorted(files, key=lambda file: (file.name, str(file)))
