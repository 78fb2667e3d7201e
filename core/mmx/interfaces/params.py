"""Params: the settings of one method, and how a spec names files."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo
from pydantic.functional_validators import AfterValidator

from mmx.files import named_path

if TYPE_CHECKING:
    from torch import Tensor

EVERY_TASK = frozenset({"*"})
"""What a method that never looks at the target states in ``tasks``."""
API = 2
"""Version of these interfaces; a plugin module states ``MMX_API = 2``."""


def _beside_the_spec(path: Path, info: ValidationInfo) -> Path:
    """Resolve a path against the folder of the spec file, after expanding ${MMX_DATA} and ~."""
    path = named_path(path)
    folder = (info.context or {}).get("folder")
    return path if folder is None or path.is_absolute() else Path(os.path.normpath(folder / path))


SpecPath = Annotated[
    Path, AfterValidator(_beside_the_spec), Field(json_schema_extra={"path": True})
]
"""A file or folder named in a spec; the digest of a run holds its content instead."""


class Params(BaseModel):
    """Closed and frozen settings of one method; its ``type`` is a Literal that a spec names."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    kind: ClassVar[str]
    source: ClassVar[str] = ""  # authors, year, arXiv or DOI of the method
    expected_failures: ClassVar[Mapping[str, str]] = {}  # law of mmx.testing -> why it fails here
    tasks: ClassVar[frozenset[str]] = EVERY_TASK  # types of the tasks that it is defined for
    instead: ClassVar[Mapping[str, str]] = {}  # task that it does not fit -> what to use there

    @classmethod
    def reduces_to(cls) -> "Mapping[str, Callable[[], tuple[Tensor, Tensor]]]":
        """Simpler methods that this one becomes in a limit.

        Returns:
            What is claimed in words, and a function that computes both sides; mmx.testing compares
            them.
        """
        return {}

    @classmethod
    def fits(cls, task: str) -> bool:
        """Whether it is defined for a task of this type."""
        return task in cls.tasks or "*" in cls.tasks

    def misfit(self, task: str) -> str:
        """Why these settings do not fit a task that the method itself fits; empty where they do."""
        return ""

    @property
    def entry_point(self) -> str:
        """``kind.type``, as in ``mmx plugins list``."""
        return f"{self.kind}.{getattr(self, 'type', '')}"
