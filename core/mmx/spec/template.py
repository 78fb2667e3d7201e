"""The commented spec that ``mmx init`` writes."""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mmx.errors import MmxError
from mmx.files import write_whole
from mmx.interfaces import IMAGE
from mmx.spec.column_roles import Columns
from mmx.spec.write import inline

_HEAD = """\
# A spec of mmx. `mmx spec check {file}` tells every mistake, `mmx run {file}` trains and evaluates.
# What is not written here has its default: `mmx spec show {file}`.
name: {name}
seed: 0
{task}
data:
"""

_SYNTHETIC = """\
  # Images and sentences made on the fly. For your own: mmx init --table cases.csv
  dataset: {type: synthetic, n: 600, classes: 4, image_size: 64}
  narrative: {type: template}   # a plain sentence from age, sex and site
"""

_PARTS = "  split: {train: 0.7, validation: 0.15, test: 0.15}   # a group is never in two parts\n"

_TAIL = """\
  image: {{height: 128, width: 128}}

model:
  # train: frozen runs an encoder once and keeps its features; last | full let it learn
{image}
{fusion}
  projection: null              # the head reads features as they are; most fusions want 256 here
  head_norm: none
  # begins as {start}, and leaves it where validation says so
  head: {{type: linear_probe, hidden: 256, dropout: 0.5}}

# {loss_why}; others: mmx plugins list --kind loss
loss: {loss}
inference: [temperature]        # as sure as validation bears out; {stays}

train:
  epochs: 60                    # at most: it ends when validation is flat
  early_stopping: 12            # epochs without a better one
  batch_size: 32
  optimizer: {{type: adamw, lr: {rate}, weight_decay: 0.1}}   # {why}
  select: {select:<21} # the best epoch by this score of the validation part
  confidence: {sure:<17} # {sure_why}
"""
_AIM = (
    "the same aim as the headline: each class counts alike", "logit_adjusted",
    "balanced_accuracy",
)  # fmt: skip
_PROBE = 'the linear model of the control "probe"'
_LINEAR = "a linear model of what it reads"
_LEVELS = f"{_LINEAR} (with loss: logit_adjusted, the probe)"
_QUICK = ("3.0e-4", "for few steps, of few rows")
_SLOW = ("1.0e-4", "for many steps")
_UNSURE = ("0.95", "that a later epoch is better than the one kept, over all that are asked")
_SURE = ("null", "any better score: so many rows teach more than chance misleads")
_AIMS = {
    "multi_label": ("each known label by itself", "bce", "macro_auroc"),
    "ordinal": ("levels in their order", "cumulative_link", "quadratic_kappa"),
}
"""Task -> why this loss, the loss, and the score that chooses the best epoch."""

_ONE = "{type: timm, arch: tf_efficientnet_lite0, weights: bundled, train: frozen}"
_TEXT = "  text: {type: transformers, model: bundled, train: frozen}\n"
_STAYS = "the answers stay"
_MOVES = "a level, the median, may change with it"
_PLACES = 32  # that the positions of a sequence know unless more are asked for
_SEVERAL = (
    "  # a case has several pictures, each in its place: a sequence model around one encoder\n"
)

_KINDS = "  # each kind of pictures has an encoder of its own\n"
_RECORD = "  # mmx init --record makes the facts of the record a modality of their own\n"
_MANY = 1000  # training rows from which on an epoch has steps enough for the smaller rate
_PLENTY = 3000  # from which on training gains by more than is lost where an epoch is kept by chance
_TRAINING = 0.7  # share of the rows, in the split that is written

_OTHERS = "                # others: mmx plugins list --kind fusion"


def write_template(
    out: Path,
    *,
    table: Path | None = None,
    columns: Columns | None = None,
    force: bool = False,
    reading: Mapping[str, object] | None = None,
) -> None:
    """Write a commented spec for synthetic data, or for a table whose columns are known.

    Args:
        out: the file to write; its stem becomes the name of the experiment.
        table: the user's table; goes with ``columns``.
        columns: what ``guess_columns`` found.
        force: overwrite a file that is there.
        reading: how the table is read, such as ``{"encoding": "gbk"}``, where that is known.

    Raises:
        MmxError: the file is there already, or cannot be written.
    """
    if out.exists() and not force:
        raise MmxError(f"{out} is there already; --force overwrites it, --out names another file")
    data = _SYNTHETIC + _PARTS
    if table is not None and columns is not None:
        data = _table(out, table, columns, reading or {})
    head = _HEAD.format(file=out.name, name=_experiment(out.stem), task=_task(columns))
    text = head + data + _tail(columns)
    try:
        write_whole(out, text.encode())
    except OSError as error:
        raise MmxError(f"{out} cannot be written: {error.strerror}") from None


def _task(columns: Columns | None) -> str:
    """The task, where a case has not simply one class."""
    if columns is None or not columns.task:
        return ""
    task = dict(columns.task)
    short = inline(task["type"] if len(task) == 1 else task)
    return f"# {columns.reasons['task']}\ntask: {short}\n"


def _experiment(stem: str) -> str:
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem)
    return kept.strip("-")[:80] or "experiment"


def _tail(columns: Columns | None) -> str:
    """The model: what reads the pictures that a case has, and a fusion of what there is."""
    if columns is None:
        return _filled(f"  image: {_ONE}", f"{_TEXT}  fusion: concat{_OTHERS}", 0, "", _PROBE)
    text = _TEXT if _has_text(columns) else ""
    record = _RECORD if columns.record else ""
    if columns.encoder:
        record = f"  # {columns.reasons['encoder']}\n  record: {inline(dict(columns.encoder))}\n"
    task = str(columns.task.get("type", ""))
    # the probe reads no encoder that learns, and knows no order of levels
    learns = columns.encoder or max(columns.shown.values(), default=1) > 1
    start = _LINEAR if learns else _LEVELS if task == "ordinal" else _PROBE
    return _filled(_image(columns), text + record + _fusion(columns), columns.rows, task, start)


def _has_text(columns: Columns) -> bool:
    """Whether there is something that a text could say, beside pictures of several kinds.

    Pictures of one kind keep their text encoder, which ``fusion: image_only`` does not read.
    """
    if columns.encoder:
        return columns.text is not None
    return columns.text is not None or bool(columns.record) or len(columns.shown) < 2


def _filled(image: str, fusion: str, rows: int, task: str, start: str) -> str:
    """The same with the rate and the confidence that fit so many rows, and the task's loss."""
    training = _TRAINING * rows
    rate = _QUICK if training < _MANY else _SLOW
    loss_why, loss, select = _AIMS.get(task, _AIM)
    sure = _UNSURE
    if training >= _PLENTY and task not in _AIMS:
        select, sure = "balanced_nll", _SURE
    return _TAIL.format(
        stays=_MOVES if task == "ordinal" else _STAYS,
        image=image, fusion=fusion, start=start, rate=rate[0], why=rate[1], loss_why=loss_why,
        loss=loss, select=select, sure=sure[0], sure_why=sure[1],
    )  # fmt: skip


def _image(columns: Columns) -> str:
    """What reads the pictures."""
    shown = columns.shown
    several = _SEVERAL if max(shown.values(), default=1) > 1 else ""
    if [*shown] == [IMAGE]:
        return f"{several}  image: {_reader(shown[IMAGE])}"
    if not shown:
        return "  # no image: the table names no pictures"
    lines = [f"    {name}: {_reader(most)}" for name, most in shown.items()]
    return "\n".join([f"{_KINDS}{several}  encoders:", *lines])


def _reader(most: int) -> str:
    """What reads the pictures of a modality, of which a case has so many at most."""
    if most == 1:
        return _ONE
    longest = f", longest: {most}" if most > _PLACES else ""
    return f"{{type: sequence, backbone: {_ONE}{longest}}}"


def _fusion(columns: Columns) -> str:
    """What joins what there is."""
    if not columns.images and not columns.encoder:
        return "  fusion: text_only             # the table names no pictures"
    if columns.text is None and not columns.record and len(columns.shown) == 1:
        return "  fusion: image_only            # the table holds no text and no record"
    return f"  fusion: concat{_OTHERS}"


def _table(out: Path, table: Path, columns: Columns, stated: Mapping[str, object]) -> str:
    folder = out.absolute().parent
    own = table.absolute() if table.is_dir() else table.absolute().parent
    root = os.path.normpath(own / columns.root)
    settings: dict[str, object] = {
        "path": _beside(folder, table.absolute()),
        **stated,
        **_joined(folder, columns),
        "root": _beside(folder, Path(root)),
        **_files(folder, table, columns),
        **_pictures(columns),
        **columns.cases.settings,
        **_texts(columns),
        **_labels(columns),
        "group": columns.group,
        **({"group_pattern": columns.group_pattern} if columns.group_pattern else {}),
        **({"group_missing": "alone"} if columns.alone else {}),
        **({"record": list(columns.record)} if columns.record else {}),
        **({"roles": dict(columns.roles)} if columns.roles else {}),
    }
    lines = ["  # Guessed from the columns of the table; mend what is wrong.", "  dataset:"]
    lines += ["    type: table", *_reasoned(settings, columns)]
    for name, why in columns.left_out.items():
        lines.append(f"    # left out: {inline(name)} ({why})")
    lines += [f"  # QUESTION: {' '.join(one.split())}" for one in columns.questions]
    if _has_text(columns):
        lines.append(f"  narrative: {inline(_narrative(columns))}")
    if columns.lacking:
        most = math.ceil(100 * columns.lacking / columns.rows) / 100
        what = "cases lack a label or a picture" if columns.cases.case else "rows lack a label"
        lines.append(f"  # {columns.lacking} of {columns.rows} {what}")
        lines.append(f"  max_bad: {most}")
    if columns.split:
        lines.append(f"  # {columns.reasons['split']}")
        lines.append(f"  split: {inline(_split(folder, columns))}")
    return "\n".join([*lines, "" if columns.split else _PARTS])


def _reasoned(settings: Mapping[str, object], columns: Columns) -> Iterator[str]:
    """Keys of the table, each below the reason why it was guessed."""
    for key, value in settings.items():
        role = "label" if key == "labels" and columns.label is None else key
        role = "text" if key == "text_files" else role
        why = columns.reasons.get(role)
        yield from [f"    # {why}"] if why else []
        yield f"    {key}: {inline(value)}"


def _files(folder: Path, table: Path, columns: Columns) -> dict[str, object]:
    """Further folders and the ending of image files, where there are such."""
    found: dict[str, object] = {}
    if columns.roots:
        indices = [os.path.normpath(table.absolute().parent / root) for root in columns.roots]
        found["roots"] = [_beside(folder, Path(location)) for location in indices]
    return found | ({"suffix": columns.suffix} if columns.suffix else {})


def _pictures(columns: Columns) -> dict[str, object]:
    """The columns of images, each a modality where they are of several kinds; none where none."""
    if columns.kinds:
        return {"images": {name: [name] for name in columns.images}}
    return {"images": list(columns.images)} if columns.images else {}


def _joined(folder: Path, columns: Columns) -> dict[str, object]:
    """Further tables of the same cases."""
    found = [_beside(folder, table.absolute()) for table in columns.join]
    return {"join": found} if found else {}


def _split(folder: Path, columns: Columns) -> dict[str, object]:
    """The published split; its files as they lie."""
    files = {part: _beside(folder, file) for part, file in columns.split.get("files", {}).items()}
    return {**columns.split, **({"files": files} if files else {})}


def _labels(columns: Columns) -> dict[str, object]:
    """The label and how its cells are read, or the columns of labels."""
    if columns.label is not None:
        cells = {"labels": dict(columns.cells)} if columns.cells else {}
        return {"label": columns.label, **cells}
    if columns.labels:
        return {"labels": list(columns.labels)}
    return {"labels": {"columns": list(columns.label_columns)}}


def _texts(columns: Columns) -> dict[str, object]:
    """The columns of sentences, where there are such."""
    if columns.text is None:
        return {}
    if columns.text_files:
        return {"text_files": [columns.text]}
    return {"text": [columns.text, *columns.texts] if columns.texts else columns.text}


def _narrative(columns: Columns) -> dict[str, object]:
    """What writes all that the table tells of a case."""
    if columns.text is None:
        return {"type": "template"}
    kind = "joined" if columns.record and not columns.encoder else "column"
    if not columns.texts:
        return {"type": kind, "column": columns.text}
    names = [columns.text, *columns.texts]
    return {"type": kind, "columns": names, "headings": [*names]}  # YAML would write an alias


def _beside(folder: Path, file: Path) -> str:
    """Relative to the spec where that is possible, so that both can move together."""
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # another drive
        return file.as_posix()
