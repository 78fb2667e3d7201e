"""Trees in threads, between whose nodes Python changes threads."""

import ast
import gc
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmx.plugins import syntax


@pytest.fixture
def interrupted() -> Iterator[None]:
    """Other threads run whenever the garbage collector does, in the middle of a tree too."""

    def let_others_run(phase: str, info: dict[str, int]) -> None:
        time.sleep(0.0001)

    before, every = gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(let_others_run)
    gc.set_threshold(50, 1000, 1000)
    sys.setswitchinterval(1e-5)
    yield
    gc.callbacks.remove(let_others_run)
    gc.set_threshold(*before)
    sys.setswitchinterval(every)


@pytest.mark.usefixtures("interrupted")
def test_trees_are_made_in_threads() -> None:
    content = Path(syntax.__file__).read_bytes()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(syntax.syntax_tree, [content] * 40))
    assert {ast.dump(one) for one in found} == {ast.dump(ast.parse(content))}


def test_nothing_else_makes_trees() -> None:
    root = Path(syntax.__file__).parents[3]
    files = [file for part in ("core", "plugins", "cli") for file in (root / part).rglob("*.py")]
    made = [file for file in files if "ast.parse(" in file.read_text(encoding="utf-8")]
    assert made == [Path(syntax.__file__)]
