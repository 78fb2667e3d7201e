"""Whether the rows of a table are the pictures of one case, each a row of its own."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mmx.errors import DataError
from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of
from mmx.spec.case_keys import CaseKey, case_keys
from mmx.spec.view_names import are_of_sides, kinds_of_views
from mmx.spec.write import inline

Values = Mapping[str, Sequence[str]]

NO_CASE = "none"
"""What a user says instead of a column, where every row is a case."""

_VIEWS = 12  # of a case, at most
_UNDO = "--case none makes each row a case of its own instead"


@dataclass(frozen=True)
class CaseColumns:
    """Rows that are the pictures of one case.

    Attributes:
        case: columns that name the case of a row; empty where each row is a case.
        pattern: of the part of its cells that is the case; empty for all of it.
        view: columns that name what a picture shows.
        views: kind -> cells of ``view``, where each kind is a modality.
        places: cells of ``view`` in their places, one row each.
        order: column that sorts the pictures of a case; None: as rows stand.
        most: modality -> pictures of a case, at most.
        keys: case of each row.
        unread: rows whose view is none of those.
        blind: cases without a picture that is read.
        why: it was taken.
        question: what the table does not answer; empty when there is none.
    """

    case: tuple[str, ...] = ()
    pattern: str = ""
    view: tuple[str, ...] = ()
    views: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    order: str | None = None
    most: Mapping[str, int] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    unread: int = 0
    blind: frozenset[str] = frozenset()
    why: str = ""
    question: str = ""

    @property
    def taken(self) -> tuple[str, ...]:
        """Columns that are no facts of a case."""
        return (*self.case[:1], *self.view, *([self.order] if self.order else ()))

    @property
    def settings(self) -> dict[str, object]:
        """Keys of ``data.dataset``."""
        views = {kind: [*cells] for kind, cells in self.views.items()} or [*self.places]
        found = {
            "case": _one(self.case), "case_pattern": self.pattern, "view": _one(self.view),
            "views": views, "order": self.order,
        }  # fmt: skip
        return {key: value for key, value in found.items() if value}

    @property
    def told(self) -> str:
        """The same in words."""
        told = [f"{key}: {inline(value)}" for key, value in self.settings.items()]
        return ", ".join(told).removeprefix("case: ")

    def differing(self, values: Values) -> list[str]:
        """Columns of facts that rows of one case state differently."""
        if not self.case:
            return []
        return [name for name, cells in values.items() if not agree(self.keys, cells)]

    def stated(self, cells: Sequence[str]) -> set[str]:
        """Cases of which a row states something; rows where each is a case."""
        filled = zip(self.keys or map(str, range(len(cells))), cells, strict=True)
        return {key for key, cell in filled if cell}


def guess_cases(
    values: Values,
    images: Sequence[str],
    fixed: Values,
    pattern: str,
    said: str | None = None,
    group: str | None = None,
) -> CaseColumns:
    """Find the rows that belong together.

    Args:
        values: cells of all columns.
        images: columns of pictures.
        fixed: what must be the same in all rows of a case: label, group, split and texts.
        pattern: of the group in the names of files; empty where it has none there.
        said: the column of the case, as the user says it; ``none`` for none.
        group: column of the group.

    Raises:
        DataError: the stated case does not fit.
    """
    if said == NO_CASE or (said is None and not images):
        return CaseColumns()
    asked = ""
    for key in case_keys(values, images, pattern, said) if images else ():
        shown = _shown(values, key)
        torn = _torn(key, fixed)
        if shown is not None and not torn and len(images) == 1:
            return replace(shown, why=_why(shown, said))
        if group in torn and group not in images:
            key = key.within(group, fixed[group])
            torn = _torn(key, fixed)
        asked = asked or _asked(key, shown, torn, values)
    if said is not None:
        raise DataError(
            f"--case {said}: its rows are no pictures of one case that mmx init can write: "
            f"{asked or _unshown(values[said], images)}"
        )
    return CaseColumns(question=asked)


def _unshown(cells: Sequence[str], images: Sequence[str]) -> str:
    """Why nothing tells the pictures of a stated case apart."""
    if not images:
        return "the table names no pictures"
    if not all(cells):
        return f"{cells.count('')} of {len(cells)} rows have none"
    if len({*cells}) == len(cells):
        return "no two rows have the same one"
    if len({*cells}) == 1:
        return "all rows have the same one"
    return (
        "no column holds views that are known, such as PA and LATERAL, or numbers of slices; to "
        "write it by hand: docs/data.md, A row for each image"
    )


def _one(names: Sequence[str]) -> object:
    return names[0] if len(names) == 1 else [*names]


def agree(keys: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether rows with one key never have different cells; blank ones contradict nothing."""
    first: dict[str, str] = {}
    filled = ((key, cell) for key, cell in zip(keys, cells, strict=True) if cell)
    return all(first.setdefault(key, cell) == cell for key, cell in filled)


def _torn(key: CaseKey, fixed: Values) -> list[str]:
    """What rows of one case state differently."""
    return [name for name, cells in fixed.items() if not agree(key.of_rows, cells)]


def _shown(values: Values, key: CaseKey) -> CaseColumns | None:
    """What tells the pictures of a case apart; None where nothing does."""
    own = CaseColumns(case=key.columns, pattern=key.pattern, keys=tuple(key.of_rows))
    found = [_by_view(own, values, name) for name in values if name not in key.columns]
    known = [one for one in found if one is not None]
    if known:
        return min(known, key=lambda one: one.unread)
    return next(_by_order(own, values), None)


def _by_view(own: CaseColumns, values: Values, name: str) -> CaseColumns | None:
    """Cases whose pictures differ in their view."""
    kinds = kinds_of_views(values[name])
    if not kinds:
        return None
    sides = [one for one in values if names_of.says(one, names_of.LATERALITY)]
    aside = are_of_sides(kinds) and sides and sides[0] not in own.case
    view = (sides[0], name) if aside else (name,)
    rows = zip(*(values[one] for one in view), strict=True)
    cells = [" ".join(row) if all(row) else "" for row in rows]
    return _with_views(replace(own, view=view), cells, kinds_of_views(cells) or kinds)


def _with_views(
    own: CaseColumns, cells: Sequence[str], kinds: Mapping[str, tuple[str, ...]]
) -> CaseColumns:
    """The same with a place for each view where no case has one twice, else with their kinds."""
    kind_of = {cell: kind for kind, views in kinds.items() for cell in views}
    read = [(key, cell) for key, cell in zip(own.keys, cells, strict=True) if cell in kind_of]
    blind = frozenset(own.keys) - {key for key, _ in read}
    own = replace(own, unread=len(cells) - len(read), blind=blind)
    if are_of_sides(kinds) and len({*read}) == len(read):
        return replace(own, places=tuple(sorted(kind_of)), most={"image": len(kind_of)})
    counts = Counter((key, kind_of[cell]) for key, cell in read)
    most = {kind: max(n for (_, one), n in counts.items() if one == kind) for kind in kinds}
    return replace(own, views=kinds, most=most)


def _by_order(own: CaseColumns, values: Values) -> Iterator[CaseColumns]:
    """Cases whose pictures are slices, in the order of their numbers."""
    sizes = Counter(own.keys)
    for name, cells in values.items():
        numbered = names_of.says(name, names_of.SLICES) and cells_of.are_numbers(cells)
        once = len({*zip(own.keys, cells, strict=True)}) == len(cells)
        if numbered and all(cells) and once:
            yield replace(own, order=name, most={"image": max(sizes.values())})


def _why(found: CaseColumns, said: str | None) -> str:
    case = " and ".join(map(repr, found.case))
    if found.pattern:
        case = f"case in {case}"
    which = "you said so; " if said else ""
    shows = " and ".join(map(repr, found.view)) or repr(found.order)
    told = f"{shows} tells them apart, and labels and groups agree in each"
    left = f"; {found.unread} rows of other views are not read" if found.unread else ""
    return (
        f"{which}the rows of one {case} are its pictures: {told}; {len(found.keys)} rows are "
        f"{len({*found.keys})} cases{left}; {_UNDO}"
    )


def _asked(key: CaseKey, shown: CaseColumns | None, torn: Sequence[str], values: Values) -> str:
    """The question about rows that may be pictures of one case; empty where nothing says so."""
    named = [name for name, cells in values.items() if _named_as_views(name, cells)]
    view = shown.view if shown is not None else tuple(named[:1])
    order = shown.order if shown is not None else None
    if not view and order is None:
        return ""
    why = f"the values of {', '.join(map(repr, view))} are no views that are known"
    ways = f"order: {order} (" if order else f"view: {', '.join(view)}, and views ("
    if torn:
        why = f"rows of one differ in {', '.join(map(repr, torn))}"
    elif key.counted_in:
        why = f"{key.columns[-1]!r} may count anew in each {key.counted_in!r}"
    elif shown is not None:
        why = "each row has several pictures itself"
    told = inline(key.columns[0] if len(key.columns) == 1 else [*key.columns])
    return (
        f"are the rows of one {' and '.join(map(repr, key.columns))} pictures of one case? Each is "
        f"a case of its own here, for {why}; to show a model all of them together: "
        f"data.dataset.case: {told}, {ways}docs/data.md, A row for each image)"
    )


def _named_as_views(name: str, cells: Sequence[str]) -> bool:
    named = names_of.says(name, names_of.VIEWS)
    return bool(named) and 1 < len({*cells_of.known(cells)}) <= _VIEWS
