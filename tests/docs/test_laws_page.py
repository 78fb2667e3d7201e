"""The page of laws lists each law, and each mistake that a test shows to be caught.

``python tests/docs/test_laws_page.py`` writes the page.
"""

import importlib.util
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from mmx.testing import laws

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "laws.md"
KINDS = (
    "fusion",
    "head",
    "loss",
    "encoder",
    "dataset",
    "reader",
    "narrative",
    "input",
    "sampler",
    "inference",
    "task",
    "baseline",
    "hook",
)
INTRO = """# Laws of methods

`mmx plugins check NAME` tries these laws on a method; `mmx.testing` does so in pytest.
[plugins.md](plugins.md) says what a law that fails means for its author. A test compares this
page with the program, and makes each mistake of the last table, to see that the law beside it
fails with one sentence.

- Each law starts from a random state of its own and leaves the global state as it was.
- Where `builds`, `declared` or `shapes` (`scalar` for losses) fails, the later ones are not run:
  all would say the same.
- A law that was not run is no law that holds: it is counted apart, and the exit status is 3 when
  nothing else is wrong.
- A loss is tried on every task that it declares, in models of an image and a text, of one modality
  and of three with other names, as far as it takes them. Of a task that mmx does not know the rows
  are those of its `example`; what such a loss is not asked, and why, stands beside the law.
- `trains` assembles a model of the smallest parts around the method, takes steps in the training
  loop of a run on rows of which some miss a modality, and loads the weights into a new model, which
  must answer alike.
- `device` runs a method with shapes and devices but without numbers, as if it were moved to
  another device; no such device is needed. Where the way of a method depends on numbers it is
  followed to that place, and the certificate says so.
- Encoders are tried with random weights, at the first of 64, 32, 48, 96, 128, 112, 224, 256 and
  384 pixels that they read.
"""


def described(law: Any) -> str:
    """The first sentence of a law's own docstring."""
    while isinstance(law, partial):
        law = law.args[0] if law.args else law.func
    first: str = (law.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(first.split()).replace("``", "`")


def catalogue(name: str) -> ModuleType:
    """A file of mutants, read as a module."""
    file = ROOT / "tests" / "core" / "testing" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"page_{name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mistakes() -> list[tuple[str, str, str]]:
    """Kind, mistake and law."""
    files = (
        "fusions",
        "any_number",
        "heads",
        "encoders",
        "losses",
        "any_loss",
        "rows",
        "readers",
        "inputs",
        "hooks",
        "wrapping",
        "tasks",
        "baselines",
    )
    named = [one for file in files for one in catalogue(f"test_mutants_{file}").MISTAKES.items()]
    return [(kind, one, law) for kind, found in named for one, law in found.items()]


def page() -> str:
    """The whole page."""
    lines = [INTRO]
    for kind in KINDS:
        lines += [f"## Laws of {kind} methods\n", "| law | says |", "|---|---|"]
        lines += [f"| `{name}` | {described(law)} |" for name, law in laws(kind).items()]
        lines += [""]
    lines += ["## Mistakes that are caught\n", "| kind | mistake | law |", "|---|---|---|"]
    # the same mistake in another kind has its kind behind a comma
    ends = [
        f", {word}"
        for word in ("text", "image", "head", "loss", "hook", "reader", "input", "baseline")
    ]
    shown = [
        (kind, next((one.removesuffix(e) for e in ends if one.endswith(e)), one), law)
        for kind, one, law in mistakes()
    ]
    lines += [f"| {kind} | {one} | `{law}` |" for kind, one, law in shown]
    return "\n".join(lines) + "\n"


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python tests/docs/test_laws_page.py"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
