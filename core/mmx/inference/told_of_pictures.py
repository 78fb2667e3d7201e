"""What is said of the images of new cases: which of their values are black and white."""

from collections.abc import Mapping, Sequence

from mmx.data import ImageReaders, ImageStore, measured_range
from mmx.inference.trained_run import TrainedRun
from mmx.interfaces import Sample
from mmx.pipeline import image_files, stated_range


def told_of_pictures(
    trained: TrainedRun, pictures: Mapping[str, ImageStore], samples: Sequence[Sample]
) -> tuple[str, ...]:
    """Sentences on images with more than 8 bits of grey.

    Args:
        trained: the run, whose range of grey counts.
        pictures: the images by modality.
        samples: the cases.
    """
    several = len(pictures) > 1
    deep = [name for name, store in pictures.items() if store.deep]
    told = [
        stated_range(trained.spec.data.frame(name), f" of {name}" if several else "")
        or _unknown(trained, samples, name, several=several)
        for name in deep
    ]
    return tuple(filter(None, told))


def _unknown(trained: TrainedRun, samples: Sequence[Sample], name: str, *, several: bool) -> str:
    """What is said of grey whose range the run does not know; nothing where there is none."""
    files = image_files(samples, name if several else None)
    request = trained.spec.data.frame(name).request("")
    found = measured_range(files, request, ImageReaders(trained.spec.plugins))
    if found is None:
        return ""
    (low, high), _ = found
    of = f" of {name}" if several else ""
    return (
        f"files{of} have more than 8 bits of grey (from {low:g} to {high:g}), and those that this "
        "run learned from had 8: nothing says which values are black and white; 0 and 65535 are "
        "taken, or the ends of the bits that a DICOM file states"
    )
