"""Which column holds the label, or which columns do, and what is learned of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mmx.blocks import check_spelling, several_labels, split_labels
from mmx.errors import DataError
from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of
from mmx.spec.column_found import SAID
from mmx.spec.column_levels import levels_of, speaks_of_levels

SINGLE = "single_label"
MULTI = "multi_label"
ORDINAL = "ordinal"
_BLOCK = 3  # columns side by side from which on they are labels, whatever their names
_MANY = 5  # of them, from which on one that is named like a disease is a label like the others
_KNOWN = 0.5  # share of rows in which a label must be known to be taken before another
_SHOWN = 14  # columns that are named

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class LabelColumns:
    """What is learned, and of which columns.

    Attributes:
        why: it was taken.
        label: column of class names; None where each class or label has a column.
        one_hot: one column a class, of which one is 1.
        each: one column a label, of which a case may have several.
        cells: settings of ``data.dataset.labels`` for cells that hold several labels.
        task: settings of the task; empty for one class a case.
        task_why: the task was taken.
        questions: what the table does not answer.
    """

    why: str
    label: str | None = None
    one_hot: tuple[str, ...] = ()
    each: tuple[str, ...] = ()
    cells: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    task_why: str = ""
    questions: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that hold labels."""
        return (*((self.label,) if self.label is not None else ()), *self.one_hot, *self.each)

    def of_rows(self, values: Values) -> list[str]:
        """What each row is labelled, in one word; empty where nothing is known."""
        if self.label is not None:
            return list(values[self.label])
        rows = zip(*(values[name] for name in self.columns), strict=True)
        return [_named(self.columns, row) for row in rows]


def guess_labels(values: Values, given: Mapping[str, str], task: str | None) -> LabelColumns:
    """Find the label.

    Args:
        values: cells of the columns that may hold it.
        given: role -> column, as the user says it.
        task: as the user says it; None: as the cells speak.

    Raises:
        DataError: no column looks like a label, or the stated task does not fit.
    """
    taken = _taken(values, given)
    if taken.label is None:
        return _checked(taken, task)
    return _read(taken, values[taken.label], task)


def _taken(values: Values, given: Mapping[str, str]) -> LabelColumns:
    """The columns, before their cells are looked at."""
    if "label" in given:
        return LabelColumns(SAID, given["label"])
    free = {name: cells for name, cells in values.items() if name not in given.values()}
    block = _block(free)
    if len(block) < _MANY and any(map(names_of.tells_of_disease, block)):
        block = ()  # cancer beside biopsy and invasive: one disease, and what follows from it
    named = [name for name in _by_name(free) if name not in block]
    if block and (len(block) >= _BLOCK or not named):
        return _of_columns(block, free)
    if not named:
        raise DataError(
            f"no column is named like a label ({', '.join(names_of.LABELS[:9])}, ...); say "
            f"which one it is with --label COLUMN. There are: {', '.join(values)}"
        )
    name, *others = named
    asked = [*_ask_of_name(name), *([_ask_of_others(others, free)] if others else [])]
    why = f"by its name, {_classes(free[name])} classes"
    return LabelColumns(why, name, questions=tuple(asked))


def _by_name(values: Values) -> list[str]:
    """Columns that are named like a label: the most telling names first, sparse ones last."""
    found = []
    for place, (name, cells) in enumerate(values.items()):
        word = names_of.ends_with(name, (*names_of.LABELS, *names_of.GRADES))
        if word and 1 < _classes(cells) <= max(len(cells) / 3, 2):
            known = len(cells_of.known(cells)) >= _KNOWN * len(cells)
            rank = (*names_of.LABELS, *names_of.GRADES).index(word)
            longer = len(names_of.words_of(name)) > 1 or (not word.isascii() and word != name)
            found.append((not known, longer, rank, place, name))
    grades = [one for one in found if one[2] >= len(names_of.LABELS)]
    labels = [one for one in found if one not in grades]
    diseases = [*_of_diseases(values)]
    ranks = (
        [one[-1] for one in sorted(labels)],
        [*_of_first_words(values)],
        [name for name in diseases if names_of.tells_of_disease(name)],
        [one[-1] for one in sorted(grades)],
        diseases,  # that may accompany what is graded, as diabetes does
    )
    return next(filter(None, ranks), [])


def _of_first_words(values: Values) -> Iterator[str]:
    """Columns whose names begin with that of a label, such as Diagnostic retenu."""
    for name, cells in values.items():
        fits = 1 < _classes(cells) <= max(len(cells) / 3, 2) and not cells_of.are_dates(cells)
        about = names_of.says(name, names_of.ABOUT_LABELS)
        if fits and not about and names_of.begins_with(name, names_of.LABELS):
            yield name


def _of_diseases(values: Values) -> Iterator[str]:
    """Columns that say of one disease whether it is there."""
    for name, cells in values.items():
        if names_of.is_of_disease(name) and _classes(cells) == 2:
            yield name


def _ask_of_name(name: str) -> Iterator[str]:
    """The question for a label whose name does not end with that of one."""
    if not names_of.ends_with(name, (*names_of.LABELS, *names_of.GRADES)):
        yield (
            f"is {name!r} the label? Its name does not end like that of one; --label COLUMN learns "
            "another column"
        )


def _block(values: Values) -> tuple[str, ...]:
    """The longest run of columns side by side that hold 1, 0, -1 and blanks alone."""
    runs: list[list[str]] = [[]]
    for name, cells in values.items():
        if _are_marks(cells):
            runs[-1].append(name)
        else:
            runs.append([])
    longest = max(runs, key=len)
    return tuple(longest) if len(longest) > 1 else ()


def _are_marks(cells: Sequence[str]) -> bool:
    return {*cells} <= {"0", "1", "0.0", "1.0", "-1", "-1.0", ""} and any(map(_one, cells))


def _of_columns(block: tuple[str, ...], values: Values) -> LabelColumns:
    """One column a class where each row has one 1, else one a label."""
    rows = [*zip(*(values[name] for name in block), strict=True)]
    if all(sum(map(_one, row)) == 1 for row in rows):
        return LabelColumns("one column a class: in each row exactly one of them is 1",
                            one_hot=block)  # fmt: skip
    told = ", ".join(block[:_SHOWN]) + (f" and {len(block) - _SHOWN} more" * (len(block) > _SHOWN))
    asked = (
        f"are {told} the labels? Each is learned by itself, -1 and blanks as unknown; a column "
        "that is a fact of the patient instead belongs into data.dataset.record. --label COLUMN "
        "learns one column"
    )
    why = "one column a label, side by side: 1, 0, -1 and blanks, and rows with several or none"
    return LabelColumns(
        why, each=block, task={"type": MULTI}, task_why="a case may have several labels",
        questions=(asked,),
    )  # fmt: skip


def _checked(taken: LabelColumns, task: str | None) -> LabelColumns:
    """The same, unless another task is stated than these columns can have."""
    own = taken.task.get("type", SINGLE)
    if task is None or task == own:
        return taken
    if own == SINGLE and task == MULTI:
        return LabelColumns(SAID, each=taken.one_hot, task={"type": MULTI},
                            task_why=SAID)  # fmt: skip
    raise DataError(
        f"--task {task} does not fit columns of which each is a label: {taken.why}; say --label "
        "COLUMN"
    )


def _read(taken: LabelColumns, cells: Sequence[str], task: str | None) -> LabelColumns:
    """The same with what its cells say of the task."""
    several = several_labels(cells) or _in_lists(cells)
    if several and task in (None, MULTI):
        return _several(taken, cells, several[0], several[1][0])
    levels = levels_of(cells)
    if task == ORDINAL and not levels:
        raise DataError(
            f"the values of {taken.label!r} do not say their order; leave --task out, and write "
            "task: {type: ordinal, levels: [lowest, ..., highest]} into the spec"
        )
    name = taken.label or ""
    if levels and (task == ORDINAL or (task is None and speaks_of_levels(name))):
        why = SAID if task else "its name is that of grades, and its values count them"
        return replace(taken, task={"type": ORDINAL, "levels": [*levels]}, task_why=why)
    asked = [
        *_ask_of_one(name, several), *_ask_of_levels(levels, task), *_ask_of_spelling(cells),
    ]  # fmt: skip
    return replace(taken, questions=(*taken.questions, *asked))


def _in_lists(cells: Sequence[str]) -> tuple[str, list[str]] | None:
    """Cells that are lists of several labels, where all are lists, and what parts them if not."""
    held = [cell for cell in {*cells_of.known(cells)} if len(split_labels(cell, "|")) > 1]
    return ("|", sorted(held)) if held and cells_of.are_lists(cells) else None


def _several(taken: LabelColumns, cells: Sequence[str], separator: str, first: str) -> LabelColumns:
    """Cells such as a|b: each name is a label that the case has or has not."""
    parts = [split_labels(cell, separator) for cell in cells if cell]
    names = {one for held in parts for one in held}
    joined = {one for held in parts if len(held) > 1 for one in held}
    nothing = sorted(one for one in names - joined if names_of.says_nothing(one))
    settings: dict[str, Any] = {"several": "each"}
    settings |= {"separator": separator} if separator != "|" else {}
    settings |= {"none": nothing} if nothing else {}
    told = f", {', '.join(map(repr, nothing))} stands for none" if nothing else ""
    asked = (
        f"are cells of {taken.label!r} such as {first!r} several labels of a case? They are read "
        f"so{told}; for one class a case: {_ways_to_one(separator, first)}, and no task"
    )
    why = f"cells such as {first!r} name several labels"
    counted = f"by its name, {len(names) - len(nothing)} labels"
    return replace(
        taken, why=taken.why if taken.why == SAID else counted, cells=settings,
        task={"type": MULTI}, task_why=why, questions=(*taken.questions, asked),
    )  # fmt: skip


def _ask_of_one(label: str, several: tuple[str, list[str]] | None) -> Iterator[str]:
    """The question for cells of several labels, where one class a case is asked for."""
    if several:
        separator, (first, *_) = several
        yield (
            f"cells of {label!r} such as {first!r} seem to hold several labels, and a run refuses "
            f"them until the spec says which is the class: {_ways_to_one(separator, first)}"
        )


def _ways_to_one(separator: str, first: str) -> str:
    """How cells of several labels become one class each."""
    if first.startswith("["):
        return "write it into a column of its own"
    return f'labels: {{several: first, separator: "{separator}"}}, or labels: {{several: own}}'


def _ask_of_levels(levels: Sequence[str], task: str | None) -> Iterator[str]:
    if levels and task is None:
        yield (
            f"are {', '.join(levels)} levels in this order, such as grades? If so, --task ordinal "
            f"writes task: {{type: ordinal, levels: [{', '.join(levels)}]}}, which learns the "
            "order; they are taken as classes without one"
        )


def _ask_of_spelling(cells: Sequence[str]) -> Iterator[str]:
    try:
        check_spelling(cells)
    except DataError as error:
        yield str(error)


def _ask_of_others(others: Sequence[str], values: Values) -> str:
    told = ", ".join(f"{name!r}" for name in others)
    are = "are" if len(others) > 1 else "is"
    each = "; ".join(
        f"{name}: {_classes(values[name])} classes, known in "
        f"{100 * len(cells_of.known(values[name])) / len(values[name]):.0f} % of the rows"
        for name in others
    )
    return f"{told} {are} named like {'labels' if len(others) > 1 else 'a label'} too ({each}); " \
        f"to learn it instead: --label {others[0]}"  # fmt: skip


def _named(names: Sequence[str], row: Sequence[str]) -> str:
    """The labels of a row; blank where all are unknown."""
    held = [name for name, cell in zip(names, row, strict=True) if _one(cell)]
    known = any(cell in ("0", "0.0") for cell in row)
    return "|".join(held) or ("none" if known else "")


def _one(cell: str) -> bool:
    return cell in ("1", "1.0")


def _classes(cells: Sequence[str]) -> int:
    return len({*cells} - {""})
