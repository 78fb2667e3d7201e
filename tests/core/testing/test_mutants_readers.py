"""Mistakes in readers, each caught by the law that names it."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd
import pytest
from pydantic import Field

from mmx.errors import DataError
from mmx.interfaces import TableContents, TableExample, TableReader, TableReaderParams

MISTAKES = {
    "reader": {
        "sorts its rows": "example_read",
        "rows by the name of the folder": "same_bytes",
        "claims any file": "own_files",
        "writes beside the file": "files_kept",
        "seeds Python": "files_kept",
        "raises what its library raises": "hostile_files",
        "setting never read, reader": "settings_read",
    },
}


class LinesParams(TableReaderParams):
    """Settings of a reader of lines with a chosen mistake."""

    type: Literal["lines"] = "lines"
    endings: ClassVar[tuple[str, ...]] = (".lines",)
    mistake: str = Field(default="", description="what is wrong; empty: nothing")

    @classmethod
    def claims(cls, path: Path, head: bytes) -> bool:
        return cls is AnyParams or super().claims(path, head)

    def build(self) -> TableReader:
        return Lines(self.mistake)


class AnyParams(LinesParams):
    """The same for any file."""


class IdleParams(LinesParams):
    """The same with a setting too many."""

    idle: int = Field(default=1, description="a number that nobody reads")


class Lines(TableReader):
    def __init__(self, mistake: str) -> None:
        self.mistake = mistake

    def read(self, path: Path) -> TableContents:
        mistake, content = self.mistake, path.read_bytes()
        if mistake == "raises what its library raises":
            content.decode()
        try:
            lines = content.decode().split("\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8") from error
        if mistake == "sorts its rows":
            lines.sort()
        if mistake == "rows by the name of the folder" and "elsewhere" in path.parts:
            lines.reverse()
        if mistake == "writes beside the file":
            path.with_suffix(".cache").write_text("")
        if mistake == "seeds Python":
            random.seed(0)
        return TableContents(pd.DataFrame({"id": lines}))

    def example(self, folder: Path) -> TableExample:
        (folder / "a.lines").write_text("b\na")
        return TableExample(folder / "a.lines", [{"id": "b"}, {"id": "a"}])


def test_the_right_one_keeps_all_laws(failing: Callable[..., dict[str, str]]) -> None:
    assert failing(LinesParams()) == {}


@pytest.mark.parametrize(("mistake", "law"), MISTAKES["reader"].items())
def test_a_mistake_is_caught_by_the_law_that_names_it(
    caught: Callable[[TableReaderParams, str], None], mistake: str, law: str
) -> None:
    kinds = {"claims any file": AnyParams, "setting never read, reader": IdleParams}
    caught(kinds.get(mistake, LinesParams)(mistake=mistake), law)
