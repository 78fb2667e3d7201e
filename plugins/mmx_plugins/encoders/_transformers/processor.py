"""How a model's own files say that images are prepared for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmx.errors import WeightsError, said_by
from mmx.interfaces import ImageFrame, Resize

FILE = "preprocessor_config.json"
_WHOLE_FILE = "processor_config.json"  # of images and texts; the library writes both into one today
_FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}  # numbers of Pillow
_WHOLE = 384  # pixels; from here on ConvNeXt was shown the whole image, in another shape


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """From pixels to what a network reads.

    Attributes:
        frame: how an image is scaled and cut.
        mean: [3], of pixels in [0, 1].
        std: [3].
        notes: sentences on what cannot be as the files say.
    """

    frame: ImageFrame
    mean: tuple[float, ...]
    std: tuple[float, ...]
    notes: tuple[str, ...] = ()

    def at(self, size: int | None) -> "Preprocessing":
        """The same for images of another size, of which the same part is shown."""
        frame = self.frame
        if size is None or size == frame.height == frame.width:
            return self
        factor = size / min(frame.height, frame.width)
        resize = frame.resize
        scaled: Resize
        if isinstance(resize, str):
            scaled = resize
        elif isinstance(resize, tuple):
            scaled = (round(resize[0] * factor), round(resize[1] * factor))
        else:
            scaled = round(resize * factor)
        return replace(self, frame=replace(frame, height=size, width=size, resize=scaled))


def preprocessing(folder: Path) -> Preprocessing:
    """Read ``preprocessor_config.json``, with what the library takes where it is silent.

    A ``processor_config.json`` that states how images are prepared goes before it, as in the
    library.

    Raises:
        WeightsError: both are absent, damaged, or ask for steps that are not known here.
    """
    from transformers import AutoImageProcessor  # seconds of import

    file, stated = _stated(folder)
    read: Any = AutoImageProcessor.from_pretrained  # it ships no types
    with said_by("transformers", f"{file} cannot be read"):
        found = read(folder, local_files_only=True, trust_remote_code=False)
    facts: dict[str, Any] = found.to_dict()
    mean, std = ((0.0,) * 3, (1.0,) * 3)
    if facts.get("do_normalize"):
        mean, std = tuple(facts["image_mean"]), tuple(facts["image_std"])
    if not facts.get("do_rescale") or abs(facts.get("rescale_factor", 0) * 255 - 1) > 1e-6:
        raise WeightsError(f"{file}: pixels are not brought to 0..1 (rescale_factor)")
    frame = _frame(facts, file)
    return Preprocessing(frame, mean, std, _other_scaling(file, stated, frame))


def _stated(folder: Path) -> tuple[Path, Mapping[str, Any]]:
    """The file that says how images are prepared, and what it says of them."""
    for file in (folder / _WHOLE_FILE, folder / FILE):
        if not file.is_file():
            continue
        try:
            stated = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise WeightsError(f"{file} cannot be read: {error}") from error
        if isinstance(stated, dict) and file.name == _WHOLE_FILE:
            stated = stated.get("image_processor")
        if isinstance(stated, dict):
            return file, stated
        if file.name == FILE:
            raise WeightsError(f"{file} cannot be read: it holds no mapping of keys to values")
    raise WeightsError(
        f"{folder} has no {FILE}, and no {_WHOLE_FILE} with an image_processor, so size, mean and "
        "standard deviation of its images are unknown; copy it from where the model came from"
    )


def _other_scaling(file: Path, stated: Mapping[str, Any], frame: ImageFrame) -> tuple[str, ...]:
    """A sentence where the files name a processor that scales by torchvision."""
    named = str(stated.get("image_processor_type", ""))
    if not named.endswith("Fast") or frame.interpolation != "bicubic":
        return ()
    return (
        f"{file} names {named}, which scales by torchvision; images are scaled by Pillow "
        "here, which is up to 4 of 255 levels apart from it, in fewer than one value of 1,000",
    )


def _frame(facts: dict[str, Any], file: Path) -> ImageFrame:
    """How an image is scaled and cut."""
    resize, cut = _resize(facts, file), facts.get("crop_size") or {}
    if isinstance(resize, int) and facts.get("crop_pct"):  # ConvNeXt: the size is what is shown
        cut = {"height": resize, "width": resize}
        shorter = int(resize / facts["crop_pct"])
        resize = shorter if resize < _WHOLE else (resize, resize)
    elif not facts.get("do_center_crop"):
        cut = {}
    if not cut and isinstance(resize, int):
        raise WeightsError(f"{file}: images of any shape are read whole, not of one size")
    height, width = (cut["height"], cut["width"]) if cut else resize  # type: ignore[misc]
    return ImageFrame(height, width, resize, _FILTERS[int(facts.get("resample", 2))])  # type: ignore[arg-type]


def _resize(facts: dict[str, Any], file: Path) -> int | tuple[int, int]:
    """Length of the shorter side, or height and width."""
    size = facts.get("size") or {}
    if facts.get("do_resize") and size.get("shortest_edge"):
        return int(size["shortest_edge"])
    if facts.get("do_resize") and size.get("height") and size.get("width"):
        return int(size["height"]), int(size["width"])
    raise WeightsError(f"{file}: images are not scaled to one size; its size is {size}")
