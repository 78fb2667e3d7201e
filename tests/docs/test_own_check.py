"""The check of one's own on docs/audit.md is found by an audit."""

import re
from collections.abc import Callable
from pathlib import Path

import mmx

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"


def test_the_check_of_the_page_finds_what_it_says(
    home: Path, tiny_spec: Path, tiny_plugin: Path, load: Callable[..., mmx.Spec]
) -> None:
    text = re.findall(r"^```python empty_texts\.py\n(.*?)^```", PAGE.read_text(), re.M | re.S)[0]
    file = home / "empty_texts.py"
    file.write_text(text)
    spec = mmx.load_spec(tiny_spec, overrides=["hooks=[empty_texts]"], plugins=[tiny_plugin, file])
    audited = mmx.audit_spec(spec, out=home / "audit")
    assert audited.folder is not None
    assert "samples without a text" in (audited.folder / "audit.html").read_text()
    assert not any(one.check == "empty_texts" for one in audited.findings)
    others = mmx.audit_spec(load(), out=home / "without")
    assert others.folder is not None
    assert "empty_texts" not in (others.folder / "audit.html").read_text()
