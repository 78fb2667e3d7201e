"""The commented spec that ``mmx init`` writes."""

import os
from pathlib import Path

from mmx.errors import MmxError
from mmx.files import write_whole
from mmx.spec.columns import Columns
from mmx.spec.write import inline

_HEAD = """\
# A spec of mmx. `mmx spec check {file}` tells every mistake, `mmx run {file}` trains and evaluates.
# What is not written here has its default: `mmx spec show {file}`.
name: {name}
seed: 0

data:
"""

_SYNTHETIC = """\
  # Images and sentences made on the fly. For your own: mmx init --table cases.csv
  dataset: {type: synthetic, n: 600, classes: 4, image_size: 64}
  narrative: {type: template}   # a plain sentence from age, sex and site
"""

_TAIL = """\
  split: {train: 0.7, validation: 0.15, test: 0.15}   # a group is never in two parts
  image: {height: 128, width: 128}

model:
  # train: frozen runs an encoder once and keeps its features; last | full let it learn
  image: {type: timm, arch: tf_efficientnet_lite0, weights: bundled, train: frozen}
  text: {type: transformers, model: bundled, train: frozen}
  fusion: concat                # others: mmx plugins list --kind fusion
  head: {type: mlp, hidden: 256, dropout: 0.5}

loss: cross_entropy             # others: mmx plugins list --kind loss

train:
  epochs: 20
  batch_size: 32
  optimizer: {type: adamw, lr: 1.0e-3}
  select: balanced_accuracy     # the best epoch by this score of the validation part
"""


def write_template(
    out: Path, *, table: Path | None = None, columns: Columns | None = None, force: bool = False
) -> None:
    """Write a commented spec for synthetic data, or for a table whose columns are known.

    Args:
        out: the file to write; its stem becomes the name of the experiment.
        table: the user's table; goes with ``columns``.
        columns: what ``guess_columns`` found.
        force: overwrite a file that is there.

    Raises:
        MmxError: the file is there already, or cannot be written.
    """
    if out.exists() and not force:
        raise MmxError(f"{out} is there already; --force overwrites it, --out names another file")
    data = _SYNTHETIC if table is None or columns is None else _table(out, table, columns)
    text = _HEAD.format(file=out.name, name=_experiment(out.stem)) + data + _TAIL
    try:
        write_whole(out, text.encode())
    except OSError as error:
        raise MmxError(f"{out} cannot be written: {error.strerror}") from None


def _experiment(stem: str) -> str:
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem)
    return kept.strip("-")[:80] or "experiment"


def _table(out: Path, table: Path, columns: Columns) -> str:
    folder = out.absolute().parent
    root = os.path.normpath(table.absolute().parent / columns.root)
    settings = {
        "path": _beside(folder, table.absolute()),
        "root": _beside(folder, Path(root)),
        "images": list(columns.images),
        "text": columns.text,
        "label": columns.label,
        "group": columns.group,
        "record": list(columns.record),
    }
    lines = ["  # Guessed from the columns of the table; mend what is wrong.", "  dataset:"]
    lines.append("    type: table")
    for key, value in settings.items():
        why = columns.reasons.get(key)
        lines += [f"    # {why}"] if why else []
        lines.append(f"    {key}: {inline(value)}")
    for name, why in columns.left_out.items():
        lines.append(f"    # left out: {inline(name)} ({why})")
    narrative = {"type": "template"}
    if columns.text is not None:
        narrative = {"type": "column", "column": columns.text}
    return "\n".join([*lines, f"  narrative: {inline(narrative)}", ""])


def _beside(folder: Path, file: Path) -> str:
    """Relative to the spec where that is possible, so that both can move together."""
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # another drive
        return file.as_posix()
