"""The split: which rows train, validate and test; no group is in two parts."""

import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas

from mmx.data.assign import assign_groups
from mmx.data.manifest import Manifest
from mmx.data.published import published_folds, published_parts
from mmx.data.tables import read_table
from mmx.data.whole_groups import UNUSED, check_groups, refuse
from mmx.errors import DataError
from mmx.files import own_words, sheet
from mmx.interfaces import Strata
from mmx.runs import write_text
from mmx.spec import PARTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.spec import SplitSpec

COLUMNS = ["sample_id", "group_id", "label", "part", "fold"]


@dataclass(frozen=True, slots=True)
class Split:
    """The part of every row.

    Attributes:
        parts: [n], str: train, validation, test, calibration, or unused for rows without a label.
        fold: which fold of a cross-validation is the test part; 0 when there is none.
        digest: SHA-256 of the split file, whatever the order of rows.
    """

    parts: "NDArray[np.str_]"
    fold: int
    digest: str

    def rows(self, part: str) -> "NDArray[np.int64]":
        """Row numbers of a part, ascending; empty when the split has no such part."""
        return np.flatnonzero(self.parts == part)


def make_split(manifest: Manifest, spec: "SplitSpec") -> Split:
    """Split by groups, stratified by label; or take the split that somebody published.

    Only the rows and ``spec`` decide, not the order of the rows. With ``folds`` > 1 the test part
    is one fold of scikit-learn's StratifiedGroupKFold, or of the column that holds folds, and the
    other parts share the rest as their fractions say. A published split without validation rows
    gets that share of its training rows.

    Raises:
        DataError: too few groups, or a published split that does not fit the rows.
    """
    if spec.file is not None:
        return read_split(spec.file, manifest)
    parts = np.full(len(manifest), UNUSED, dtype="<U11")
    if spec.published:
        parts = published_parts(manifest, spec)
        taken = {
            part: share
            for part, share in spec.shares().items()
            if part in ("validation", "calibration") and share > 0 and not (parts == part).any()
        }
        rows = np.flatnonzero(parts == "train")
        wanted = {"train": 1 - sum(taken.values()), **taken}
    else:
        rows = np.flatnonzero(manifest.known)
        wanted = {part: share for part, share in spec.shares().items() if share > 0}
        if spec.folds > 1:
            rest = _outside_fold(manifest, spec, rows, len(wanted))
            parts[rows], rows = "test", rows[rest]
            wanted.pop("test", None)
    if not wanted:
        parts[rows] = UNUSED
    elif len(wanted) > 1 or not spec.published:
        parts[rows] = _dealt(manifest, rows, wanted, spec.seed)
    return Split(parts, spec.fold, _digest(_table(manifest, parts, spec.fold)))


def _counted(
    manifest: Manifest, rows: "NDArray[np.int64]", fewest: int
) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """[G, C] rows of each class of all strata in each group, and [n] the group of each row.

    Raises:
        DataError: fewer than ``fewest`` groups.
    """
    names, group_of = np.unique(manifest.groups[rows].astype(str), return_inverse=True)
    if len(names) < fewest:
        raise DataError(
            f"{len(names)} {'group' if len(names) == 1 else 'groups'} cannot fill {fewest} parts "
            "or folds; "
            "every part needs a group of its own"
        )
    columns = [_sorted(one, rows, group_of, len(names)) for one in manifest.strata]
    return np.concatenate(columns, axis=1), group_of


def _sorted(
    strata: Strata, rows: "NDArray[np.int64]", group_of: "NDArray[np.int64]", groups: int
) -> "NDArray[np.int64]":
    """[G, C], rows of each class in each group; those of which the class is unknown in none."""
    counts, labels = np.zeros((groups, len(strata.classes)), dtype=np.int64), strata.labels[rows]
    np.add.at(counts, (group_of[labels >= 0], labels[labels >= 0]), 1)
    return counts


def _dealt(
    manifest: Manifest, rows: "NDArray[np.int64]", wanted: dict[str, float], seed: int
) -> "NDArray[np.str_]":
    """[n], the part of each of some rows; the fractions are brought to a sum of 1."""
    counts, group_of = _counted(manifest, rows, len(wanted))
    total = sum(wanted.values())
    indices = assign_groups(counts, [share / total for share in wanted.values()], seed)
    parts: NDArray[np.str_] = np.array(list(wanted))[indices][group_of]
    return parts


def write_split(path: str | Path, manifest: Manifest, split: Split) -> None:
    """Write the split as CSV, sorted by sample: sample_id, group_id, label, part, fold.

    Cells that a spreadsheet would take for formulas are guarded; ``read_split`` knows.
    """
    table = _table(manifest, split.parts, split.fold).sort_values("sample_id")
    write_text(Path(path), sheet(COLUMNS, table.itertuples(index=False, name=None)).text)


def read_split(path: str | Path, manifest: Manifest) -> Split:
    """Read a split and check it against the rows.

    Raises:
        DataError: missing columns, unknown, missing or repeated ids, another group or label than
            the rows have, a group in two parts, or an unknown part; the first ones are named.
    """
    table = read_table(path).astype(str)
    lacking = [column for column in COLUMNS if column not in table.columns]
    if lacking:
        raise DataError(f"the split {path} has no column {', '.join(lacking)}")
    labels = set(manifest.task.words(manifest.targets))
    for column, known in (
        ("sample_id", manifest.ids), ("group_id", manifest.groups), ("label", labels),
    ):  # fmt: skip
        table[column] = _own(table[column], known)
    table = table.set_index("sample_id")
    _check_ids(path, table.index, manifest.ids)
    table = table.reindex(manifest.ids.tolist())
    expected = _table(manifest, np.full(len(manifest), UNUSED), 0)
    for column, word in (("group_id", "group"), ("label", "label")):
        differ = manifest.ids[table[column].to_numpy() != expected[column].to_numpy()]
        refuse(path, f"gives another {word} than the data set to", differ)
    parts = table["part"].to_numpy().astype(str)
    refuse(path, f"names a part other than {', '.join(PARTS)}:", set(parts) - {*PARTS, UNUSED})
    unlabelled = ~manifest.known & (parts != UNUSED)
    refuse(path, "puts a part on rows without a label:", manifest.ids[unlabelled])
    check_groups(manifest, parts, str(path))
    folds = set(table["fold"])
    if len(folds) != 1 or not next(iter(folds)).isdigit():
        raise DataError(
            f"the split {path} must hold one fold, a whole number, got {sorted(folds)[:5]}"
        )
    fold = int(folds.pop())
    return Split(parts, fold, _digest(_table(manifest, parts, fold)))


def _outside_fold(
    manifest: Manifest, spec: "SplitSpec", rows: "NDArray[np.int64]", parts: int
) -> "NDArray[np.bool_]":
    """[n], which of some rows are not in fold ``spec.fold``, which is the test part."""
    if spec.column is not None:
        fold_of = published_folds(manifest, spec.column, spec.folds)
        outside: NDArray[np.bool_] = fold_of[rows] != spec.fold
        return outside
    counts, group_of = _counted(manifest, rows, max(parts, spec.folds))
    return _folds(counts, spec)[group_of]


def _folds(counts: "NDArray[np.int64]", spec: "SplitSpec") -> "NDArray[np.bool_]":
    """[G], which groups are not in fold ``spec.fold``."""
    from sklearn.model_selection import StratifiedGroupKFold  # a second of import

    group_of, label_of = (np.repeat(axis, counts[counts > 0]) for axis in np.nonzero(counts))
    splitter = StratifiedGroupKFold(spec.folds, shuffle=True, random_state=spec.seed)
    with warnings.catch_warnings():  # a class with few rows: the data report shows it by part
        warnings.filterwarnings("ignore", message="The least populated class")
        try:
            folds = list(splitter.split(np.zeros(len(label_of)), label_of, group_of))
        except ValueError as error:
            raise DataError(f"the rows cannot be cut into {spec.folds} folds: {error}") from error
    rest = np.ones(len(counts), dtype=bool)
    rest[group_of[folds[spec.fold][1]]] = False
    return rest


def _table(manifest: Manifest, parts: "NDArray[np.str_]", fold: int) -> pandas.DataFrame:
    labels = manifest.task.words(manifest.targets)
    columns = [manifest.ids, manifest.groups, labels, parts.astype(object), fold]
    return pandas.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _csv(table: pandas.DataFrame) -> str:
    text = StringIO()
    table.sort_values("sample_id").to_csv(text, index=False, lineterminator="\n")
    return text.getvalue()


def _digest(table: pandas.DataFrame) -> str:
    return hashlib.sha256(_csv(table).encode()).hexdigest()


def _own(cells: Iterable[str], known: Iterable[str]) -> list[str]:
    """Cells without the apostrophes of ``write_split``; a file of other origin stays as it is."""
    written = list(cells)
    plain = [own_words(cell) for cell in written]
    return plain if set(plain) <= {*known, ""} else written


def _check_ids(path: str | Path, given: pandas.Index, ids: "NDArray[np.object_]") -> None:
    refuse(path, "names a sample more than once:", given[given.duplicated()].unique())
    refuse(path, "names samples that the data set does not have:", set(given) - set(ids))
    refuse(path, "leaves out samples of the data set:", set(ids) - set(given))
