"""Which columns are facts that a doctor would know before the diagnosis."""

from collections import Counter
from collections.abc import Mapping, Sequence

from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of

Values = Mapping[str, Sequence[str]]
_SHOWN = 3  # cells named in a question
_CHANCE = 1e-6  # of a value that stands beside one label alone
_MOST_VALUES = 20  # of a column that is held against each of several labels


def facts(
    values: Values,
    labels: Sequence[str],
    each: Sequence[Sequence[str]] = (),
    groups: Sequence[str] = (),
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The columns that are facts; every other one, and why.

    Args:
        values: cells of the columns that no other role took.
        labels: of the rows.
        each: cells of the columns of labels, where each is learned by itself.
        groups: of the rows; empty where each row stands alone.
    """
    left_out: dict[str, str] = {}
    seen: dict[tuple[str, ...], str] = {}
    for name, cells in values.items():
        why = unfit(name, cells, labels, groups) or _of_others(name, values)
        why = why or _tells_one(cells, each)
        same = seen.setdefault(tuple(cells), name)
        if why or same != name:
            left_out[name] = why or f"it says the same as {same!r}"
    return tuple(name for name in values if name not in left_out), left_out


def unfit(
    name: str, cells: Sequence[str], labels: Sequence[str], groups: Sequence[str] = ()
) -> str | None:
    """Why a column is no fact that a doctor would know before the diagnosis; None when it is."""
    why = _by_name(name) if cells_of.known(cells) else None
    return why or _by_cells(name, cells, *_once(cells, labels, groups))


def _once(
    cells: Sequence[str], labels: Sequence[str], groups: Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Each cell and label once for the rows of a patient, which are alike in both."""
    if not groups:
        return cells, labels
    named = [group or str(row) for row, group in enumerate(groups)]
    rows = dict.fromkeys(zip(named, cells, labels, strict=True))
    return [cell for _, cell, _ in rows], [label for _, _, label in rows]


def _tells_one(cells: Sequence[str], each: Sequence[Sequence[str]]) -> str | None:
    """Why it is no fact where a case may have several labels, of which it says one."""
    if len({*cells}) > _MOST_VALUES:
        return None
    told = any(
        min(Counter(filter(None, labels)).values(), default=0) >= cells_of.FEWEST_ROWS
        and (cells_of.goes_with_one(cells, labels) or cells_of.filled_by_label(cells, labels))
        for labels in each
    )
    return "each of its values goes with one label only" if told else None


def _by_name(name: str) -> str | None:
    if names_of.counts_rows(name):
        return "it counts the rows"
    if names_of.says(name, names_of.TELLING) or names_of.tells_of_disease(name):
        return "its name speaks of the diagnosis"
    if names_of.says(name, names_of.AFTER):
        return "it is known only after the diagnosis"
    if names_of.says(name, names_of.PERSONAL):
        return "it names a person"
    if names_of.says(name, names_of.PUBLISHED):
        return "it says who published the picture"
    header = "dicom" in names_of.words_of(name) and not names_of.says(name, names_of.SHOWN)
    if names_of.says(name, names_of.TECHNICAL) or (header and not names_of.is_date(name)):
        return "it says how the picture was taken or stored"
    if names_of.says(name, names_of.READERS) and not names_of.says(name, names_of.STRICT_IDS):
        return "it says what a reader made of it, often knowing the diagnosis"
    return None


def _by_cells(
    name: str, cells: Sequence[str], once: Sequence[str], labels: Sequence[str]
) -> str | None:
    """The same by cells: those of all rows, and those of each patient beside their labels."""
    filled = cells_of.known(cells)
    distinct = {*filled}
    if cells_of.count_rows(cells):
        return "it counts the rows"
    if len(distinct) < 2:
        return "it says the same in every row"
    if cells_of.are_dates(cells) or (names_of.is_date(name) and cells_of.are_numbers(cells)):
        return "dates are no facts that a text can use"
    if cells_of.are_addresses(cells):
        return "its values are addresses"
    if cells_of.are_lists(cells):
        return "its values are lists"
    few = len(distinct) <= max(len(filled) / 10, 2)
    if names_of.says(name, names_of.STRICT_IDS) or (names_of.says(name, names_of.IDS) and not few):
        return "its name is that of an id"
    if cells_of.filled_by_label(once, labels):
        return "it is filled for some labels and blank for all others"
    if cells_of.goes_with_one(once, labels):
        return "each of its values goes with one label only"
    if cells_of.look_like_ids(cells):
        return "its values look like ids"
    if not cells_of.are_numbers(cells) and len(distinct) > max(len(filled) / 5, 2):
        return "nearly every row has a value of its own, as an id has"
    return None


def _of_others(name: str, values: Values) -> str | None:
    """Why it is no fact, beside the other columns."""
    others = [one for one in values if one != name]
    sizes = names_of.one_of_sizes(name, others) and cells_of.are_numbers(values[name])
    return "it says how the picture was taken or stored" if sizes else None


def ask_of_spelling(record: Sequence[str], values: Values) -> list[str]:
    """The question for words that differ in nothing but their case, such as ja and Ja."""
    asked = []
    for name in record:
        alike: dict[str, set[str]] = {}
        for cell in {*values[name]}:
            alike.setdefault(cell.casefold(), set()).add(cell)
        several = [" and ".join(map(repr, sorted(one))) for one in alike.values() if len(one) > 1]
        if several:
            asked.append(
                f"are {', '.join(sorted(several))} in {name!r} the same? They are read as "
                "different values; write them alike in the table"
            )
    return asked


def ask_of_words(record: Sequence[str], values: Values) -> list[str]:
    """The question for numbers among which a few words stand, such as units or >80."""
    found = {name: cells_of.words_among_numbers(values[name]) for name in record}
    return [
        f"are {', '.join(map(repr, words[:_SHOWN]))}{' and others' * (len(words) > _SHOWN)} in "
        f"{name!r} values? All other cells are numbers, and for these few the whole column is read "
        "as words; mend them, or name them in data.dataset.missing"
        for name, words in found.items()
        if words
    ]


def ask_of_telling(
    record: Sequence[str], values: Values, labels: Sequence[str], groups: Sequence[str]
) -> list[str]:
    """The question for a value that stands beside one label alone, more often than by chance.

    Args:
        record: columns of facts.
        values: cells of all columns.
        labels: of the rows.
        groups: of the rows; empty where each row stands alone.
    """
    asked = []
    for name in record:
        pairs = [*zip(*_once(values[name], labels, groups), strict=True)]
        counts = Counter(label for _, label in pairs)
        beside: dict[str, Counter[str]] = {}
        for cell, label in pairs:
            if cell and label:
                beside.setdefault(cell, Counter())[label] += 1
        for cell, found in beside.items():
            label, count = found.most_common(1)[0]
            if len(found) == 1 and (counts[label] / len(pairs)) ** count < _CHANCE:
                asked.append(
                    f"is {name!r} known before the diagnosis? All {count} cases with {cell!r} are "
                    f"{label!r}; if it follows from the diagnosis, take it out of "
                    "data.dataset.record"
                )
                break
    return asked


def ask_of_codes(record: Sequence[str], values: Values) -> list[str]:
    """The question for numbers such as -1 that may stand for what nobody knows."""
    found = {name: code for name in record if (code := cells_of.code_for_missing(values[name]))}
    codes = sorted({*found.values()})
    return [
        f"does {code} in {', '.join(repr(one) for one, own in found.items() if own == code)} mean "
        "that it is not known? It is read as a number; if so, for encoder.tabular: missing_codes: "
        f"{{COLUMN: [{code}]}}, and for texts blank cells"
        for code in codes
    ]


def ask_of_commas(record: Sequence[str], values: Values) -> list[str]:
    """The question for cells such as 1,2 that may be two codes: 1 and 2 are cells, too."""
    found = {name: cells_of.code_pair(values[name]) for name in record}
    return [
        f"are values of {name!r} such as {pair!r} numbers? Their comma is read as a decimal point; "
        "if it stands between two codes, write another sign there, such as +"
        for name, pair in found.items()
        if pair
    ]
