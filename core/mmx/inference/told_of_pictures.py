"""What is said of the images of new cases: which values are black and white, and what is lost."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmx.data import ImageReaders, ImageStore, measured_range
from mmx.inference.trained_run import TrainedRun
from mmx.interfaces import PackedImage, Sample
from mmx.pipeline import image_files, lost_depth_note, stated_range
from mmx.spec import ImageSpec


def told_of_pictures(
    trained: TrainedRun, pictures: Mapping[str, ImageStore], samples: Sequence[Sample]
) -> tuple[str, ...]:
    """Sentences on images with more than 8 bits of grey or of a colour.

    Args:
        trained: the run, whose range of grey counts.
        pictures: the images by modality.
        samples: the cases.
    """
    told = list[str]()
    for name, store in pictures.items():
        modality, of = (name, f" of {name}") if len(pictures) > 1 else (None, "")
        files = image_files(samples, modality)
        told += lost_depth_note(files, of)
        if store.deep:
            frame = trained.spec.data.frame(name)
            told += [stated_range(frame, of) or _unknown(trained, files, frame, of)]
    return tuple(filter(None, told))


def _unknown(
    trained: TrainedRun, files: Sequence[Path | PackedImage], frame: ImageSpec, of: str
) -> str:
    """What is said of grey whose range the run does not know; nothing where there is none."""
    readers = ImageReaders(trained.spec.plugins)
    found = measured_range(files, frame.request(""), readers)
    if found is None:
        return ""
    (low, high), _ = found
    return (
        f"files{of} have more than 8 bits of grey (from {low:g} to {high:g}), and those that this "
        "run learned from had 8: nothing says which values are black and white; 0 and 65535 are "
        "taken, or the ends of the bits that a DICOM file states"
    )
