"""docs/spec.md says of every key of a spec what the models say, and of no other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_origin

import pytest
from pydantic import BaseModel

from mmx.spec import Spec
from mmx.spec.walk import shape

PAGE = Path(__file__).parents[2] / "docs" / "spec.md"
ROW = re.compile(r"^\| `([^`]+)` \|(.*)\|$", re.MULTILINE)


def fields(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, str]]:
    """Dotted key and default of every value of a spec; tables are walked into."""
    for name, field in model.model_fields.items():
        form = shape(field)
        if form.model is not None and not form.mapping:
            yield from fields(form.model, f"{above}{name}.")
        if form.model is not None and get_origin(field.annotation) not in (list, dict):
            continue
        if field.is_required():
            yield f"{above}{name}", "required"
        else:
            text = field.default if isinstance(field.default, str) else json.dumps(field.default)
            yield f"{above}{name}", f"`{text}`"


def rows() -> dict[str, list[str]]:
    """Key -> the other cells of its row."""
    return {key: [cell.strip() for cell in rest.split("|")] for key, rest in ROW.findall(page())}


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_page_has_a_row_for_each_key_and_for_nothing_else() -> None:
    assert sorted(rows()) == sorted(key for key, _ in fields(Spec))


@pytest.mark.parametrize(("key", "default"), list(fields(Spec)))
def test_a_row_tells_the_default(key: str, default: str) -> None:
    assert rows()[key][1] == default


def test_every_key_stands_once_and_has_five_cells() -> None:
    found = ROW.findall(page())
    assert len(found) == len({key for key, _ in found})
    assert {key for key, cells in rows().items() if len(cells) != 4} == set()


@pytest.mark.parametrize("key", ["model.projection", "train.optimizer", "data.split"])
def test_a_table_inside_a_table_has_a_heading(key: str) -> None:
    assert f"\n### {key}\n" in page()
