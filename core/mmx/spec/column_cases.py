"""Whether the rows of a table may be the pictures of one case, each a row of its own."""

from collections.abc import Mapping, Sequence

from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of

Values = Mapping[str, Sequence[str]]
_VIEWS = 12  # of a case, at most


def ask_of_cases(values: Values, labels: Sequence[str]) -> list[str]:
    """The question for tables of studies with a column of views, such as those of radiology.

    Args:
        values: cells of all columns.
        labels: of the rows; the rows of a case must agree in them.
    """
    views = [name for name, cells in values.items() if _are_views(name, cells)]
    sides = [name for name in values if names_of.says(name, names_of.LATERALITY)]
    studies = [name for name, cells in values.items() if _are_studies(name, cells)]
    for study in studies:
        for case in ([study], *([study, side] for side in sides)):
            if views and _agree([values[name] for name in case], labels):
                return [_question(case, views[0])]
    return []


def _are_views(name: str, cells: Sequence[str]) -> bool:
    named = names_of.says(name, ("view", "projection", "ansicht", "incidence", "proyeccion"))
    return bool(named) and 1 < len({*cells_of.known(cells)}) <= _VIEWS


def _are_studies(name: str, cells: Sequence[str]) -> bool:
    filled = cells_of.known(cells)
    named = names_of.says(name, ("study", "exam", "untersuchung", "检查号", "uid"))
    id_like = names_of.says(name, names_of.IDS) and not names_of.is_date(name)
    return bool(named and id_like) and 1 < len({*filled}) < len(filled)


def _agree(keys: Sequence[Sequence[str]], labels: Sequence[str]) -> bool:
    """Whether rows repeat their keys, and those with the same ones have the same label."""
    of_case = dict[tuple[str, ...], str]()
    for key, label in zip(zip(*keys, strict=True), labels, strict=True):
        if label and of_case.setdefault(key, label) != label:
            return False
    return 1 < len(of_case) < len(labels)


def _question(case: Sequence[str], view: str) -> str:
    key = case[0] if len(case) == 1 else f"[{', '.join(case)}]"
    return (
        f"are the rows of one {' and '.join(map(repr, case))} pictures of one case? Each is a case "
        f"of its own here; to show a model all of them together: data.dataset.case: {key}, view: "
        f"{view}, and views (docs/data.md, A row for each image)"
    )
