"""docs/plugins.md does what it says: files are written, commands run, links lead somewhere."""

import re
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest
from warm_processes import WarmPython

from mmx import interfaces
from mmx.plugins import KINDS
from mmx.scaffold import new_plugin

REPOSITORY = Path(__file__).parents[2]
GUIDE = (REPOSITORY / "docs" / "plugins.md").read_text(encoding="utf-8")


class Fresh(Protocol):
    """What the fixture `fresh` gives."""

    folder: Path
    python: Path

    @property
    def warm(self) -> WarmPython: ...

    def run(self, *words: str | Path, cwd: Path | None = None) -> str: ...


class Block(NamedTuple):
    """A fenced block: its language, what stands behind that, and its lines."""

    language: str
    about: str
    text: str


BLOCKS = [Block(*found) for found in re.findall(r"^```(\w+) ?(.*)\n((?s:.*?))^```$", GUIDE, re.M)]


def test_every_block_is_of_a_form_that_these_tests_know() -> None:
    assert len(BLOCKS) == GUIDE.count("```") / 2
    forms = {(block.language, bool(block.about)) for block in BLOCKS}
    assert forms == {
        ("sh", False), ("sh", True), ("python", True), ("yaml", True), ("toml", False),
    }  # fmt: skip
    assert {block.about for block in BLOCKS if block.language == "sh"} == {"", "network"}


@pytest.mark.slow
def test_from_nothing_to_a_wheel_by_the_commands_of_the_guide(fresh: Fresh) -> None:
    work, programs = fresh.folder / "guide", fresh.folder / "programs"
    work.mkdir()
    programs.mkdir()
    fresh.warm.write_command(programs / "mmx")
    script = "\n".join([f"export PATH={programs}:$PATH", *map(as_shell, BLOCKS)])
    printed = fresh.run("bash", "-euxo", "pipefail", "-c", script, cwd=work)
    assert re.search(r"fusion +cross_talk +mmx-cross-talk +0\.1\.0 +2 +found", printed)
    assert printed.count("28 of 28 checks passed") == 3
    assert "fusion.cross_talk  (local sha256:" in printed
    assert "balanced accuracy" in printed
    package = work / "mmx-cross-talk"
    assert [file.name for file in (package / "dist").iterdir()] == [
        "mmx_cross_talk-0.1.0-py3-none-any.whl"
    ]


def as_shell(block: Block) -> str:
    """What a reader does at a block: runs commands, or puts a file in place."""
    if block.language == "sh" and not block.about:
        return block.text
    if block.language in ("python", "yaml"):
        return f"cat > {block.about} <<'END OF FILE'\n{block.text}END OF FILE"
    return ""


def test_what_needs_the_network_is_marked_and_complete() -> None:
    marked = "".join(block.text for block in BLOCKS if block.about == "network")
    assert marked.split("\n")[:-1] == [
        'pip install "mmx[bundled]"', "pip install build twine", "python -m build",
        "twine check dist/*", "twine upload dist/*",
    ]  # fmt: skip


def test_the_entry_point_shown_is_the_one_written(tmp_path: Path) -> None:
    (shown,) = [block.text for block in BLOCKS if block.language == "toml"]
    root = new_plugin("fusion", "cross_talk", tmp_path)
    assert shown in (root / "pyproject.toml").read_text()


def test_every_link_leads_to_a_file_and_every_kind_to_its_interface() -> None:
    links = re.findall(r"\]\(([^)#]+)", GUIDE)
    assert [link for link in links if not (REPOSITORY / "docs" / link).exists()] == []
    for kind in KINDS:
        assert f"[{kind}](../core/mmx/interfaces/{kind}.py)" in GUIDE
        assert hasattr(interfaces, f"{kind.capitalize()}Params")


def test_every_message_in_the_guide_is_one_that_mmx_gives() -> None:
    table = GUIDE.split("| mmx says |")[1]
    messages = re.findall(r"^\| `([^`]+)` \|", table, re.M)
    assert len(messages) == 19
    core = REPOSITORY / "core" / "mmx"
    source = "".join(file.read_text(encoding="utf-8") for file in sorted(core.rglob("*.py")))
    assert [words for words in messages if words not in source] == []
