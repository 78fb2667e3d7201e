"""A module that a page tells readers to run does something: Python runs any, most do nothing."""

import re
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_modules_that_pages_run_have_something_to_run() -> None:
    pages = [page.read_text(encoding="utf-8") for page in PAGES]
    named = {name for text in pages for name in re.findall(r"-m (mmx[\w.]*)", text)}
    assert "mmx_cli" in named
    for name in named:
        inside = find_spec(f"{name}.__main__") if "." not in name else None
        assert inside is not None, f"python -m {name} does nothing"
