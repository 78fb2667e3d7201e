"""docs/studies.md tells every key of a study, and no other."""

import json
import re
from pathlib import Path

import pytest

from mmx.commands import StudySpec

PAGE = Path(__file__).parents[2] / "docs" / "studies.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \|", re.MULTILINE)


def rows() -> dict[str, str]:
    """Key -> what the page says of its default."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(ROW.findall(text.partition("\n## Keys\n")[2].partition("\n## ")[0]))


def test_the_page_has_a_row_for_each_key_and_for_nothing_else() -> None:
    assert list(rows()) == list(StudySpec.model_fields)


@pytest.mark.parametrize("key", list(StudySpec.model_fields))
def test_a_row_tells_the_default(key: str) -> None:
    field = StudySpec.model_fields[key]
    if field.is_required():
        assert rows()[key] == "required"
    elif field.default == "":
        assert rows()[key] == "empty"
    else:
        text = field.default if isinstance(field.default, str) else json.dumps(field.default)
        assert rows()[key] == f"`{text}`"
