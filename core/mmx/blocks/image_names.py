"""Names of image files, by the endings of all formats that are read."""

import re

_ENDING = re.compile(
    r"\.(jpe?g|png|bmp|tiff?|webp|gif|jp2|ppm|pgm|avif|hei[cf]|dcm|dicom|nii(\.gz)?)$",
    re.IGNORECASE,
)
_TEXT_ENDING = re.compile(r"\.(txt|text|md)$", re.IGNORECASE)


def ends_as_image(name: str) -> bool:
    """Whether a name has the ending of an image file."""
    return _ENDING.search(name) is not None


def without_ending(name: str) -> str:
    """A name without the ending of an image file."""
    return _ENDING.sub("", name)


def with_slashes(name: str) -> str:
    r"""A path with / between its folders, as in ``images\a.jpg`` of a table made on Windows."""
    return name.replace("\\", "/")


def without_text_ending(name: str) -> str:
    """A name without the ending of a text file; what describes an image (.json) is none."""
    return _TEXT_ENDING.sub("", name)
