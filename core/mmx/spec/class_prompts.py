"""Prompts: what stands for each class where images are compared with texts."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from mmx.spec.closed import ClosedModel

PLACE = "{}"  # of the name, in a template


def _with_place(template: str) -> str:
    """A template that has one place for a name."""
    if template.count(PLACE) != 1:
        raise ValueError(f"must hold {PLACE} once, where the name of a class goes")
    return template


class PromptSpec(ClosedModel):
    """Sentences about classes, for the control ``zero-shot``."""

    templates: list[Annotated[str, AfterValidator(_with_place)]] = Field(
        default=["a photo of {}"],
        min_length=1,
        description="sentences with {} where the name of a class goes; of several the mean of "
        "their vectors stands for the class",
    )
    names: dict[str, Annotated[str, Field(min_length=1, pattern=r"\S")]] = Field(
        default={},
        description="class or label -> what it is called in prompts; otherwise its own name, with "
        "spaces for underscores",
    )

    def of(self, classes: Sequence[str]) -> Mapping[str, list[str]]:
        """The prompts of each class, as many for each."""
        called = {name: self.names.get(name, name.replace("_", " ")) for name in classes}
        return {
            name: [one.replace(PLACE, words) for one in self.templates]
            for name, words in called.items()
        }
