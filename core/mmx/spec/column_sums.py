"""Rows that are no cases: sums below a table, such as its mean or total, and names of columns."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

_SUMS = frozenset({
    "mean", "average", "avg", "median", "sum", "total", "totals", "subtotal", "count", "sd", "std",
    "mittelwert", "durchschnitt", "summe", "gesamt", "gesamtsumme", "anzahl", "standardabweichung",
    "合计", "总计", "总数", "平均", "平均值", "均值", "中位数", "标准差",
    "moyenne", "médiane", "media", "promedio", "suma", "mediana",
})  # fmt: skip
_MOST = 4  # words named in a question


def ask_of_sums(values: Mapping[str, Sequence[str]], labels: Sequence[str]) -> list[str]:
    """The question for rows that say it in any column, and have no label, or one of their own.

    Args:
        values: cells of the columns that may say it.
        labels: of the rows.
    """
    found = dict.fromkeys(_words(values, labels))
    if not found:
        return []
    told = ", ".join(f"{word!r} in {name!r}" for name, word in [*found][:_MOST])
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return [
        f"are the rows with {told}{more} cases? They look like a mean or a sum below the table, "
        "which is read as a row like any other; remove them from the table"
    ]


def ask_of_names(label: str | None, labels: Sequence[str]) -> list[str]:
    """The question for a class that has the name of its column, as a repeated header would."""
    alike = (
        [] if label is None else [one for one in {*labels} if one.casefold() == label.casefold()]
    )
    return [
        f"is {cell!r} in {label!r} a class? It is the name of the column: where a table was pasted "
        "from several, a line of names may stand in it; remove that line"
        for cell in sorted(alike)
    ]


def _words(values: Mapping[str, Sequence[str]], labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    counts = Counter(labels)
    rows = [
        row for row, label in enumerate(labels)
        if not label or counts[label] == 1 or _sums_up(label)
    ]  # fmt: skip
    for name, cells in values.items():
        for row in rows:
            if _sums_up(cells[row]) and cells.count(cells[row]) == 1:
                yield name, cells[row]


def _sums_up(cell: str) -> bool:
    return cell.strip(" :.=").casefold() in _SUMS
