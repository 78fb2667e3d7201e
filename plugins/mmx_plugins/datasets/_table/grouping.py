"""Which rows belong together, and how it is told."""

import re
from typing import Annotated

from pydantic import AfterValidator

GROUPING = (
    "say which rows belong together: group: COLUMN names the patient, lesion or study of each row, "
    "and no group is ever in two parts of the split, for two photographs of one lesion in training "
    "and test would make the test too easy; group: null states that every row is a case of its own"
)


def _compiles(pattern: str) -> str:
    """A pattern that cannot be searched for, or that is in every cell, is a fault of the spec."""
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if pattern and found.match(""):
        raise ValueError(f"{pattern!r} also finds nothing, so that all rows would be one group")
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
"""A regular expression, or nothing."""
