"""Splits that somebody published: a column of the table, or one file for each part."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmx.data.listed_parts import listed_parts
from mmx.data.manifest import Manifest
from mmx.data.whole_groups import UNUSED, check_groups
from mmx.errors import DataError
from mmx.spec import part_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmx.spec import SplitSpec

_SHOWN = 10


def published_parts(manifest: Manifest, spec: "SplitSpec") -> "NDArray[np.str_]":
    """[n], the part of every row as published; rows without a usable label are unused.

    Raises:
        DataError: a value or a row that no part has, a row in two, or a group in two parts.
    """
    if spec.column is not None:
        parts, name = _by_column(manifest, spec), f"in the column {spec.column!r}"
    else:
        parts, name = listed_parts(manifest, spec), "in data.split.files"
    parts[~manifest.known] = UNUSED
    check_groups(manifest, parts, name)
    return parts


def published_folds(manifest: Manifest, column: str, folds: int) -> "NDArray[np.int64]":
    """[n], the fold of every row, from 0, by the values of a column in their order.

    Raises:
        DataError: an empty cell, another number of values than folds, or a group in two folds.
    """
    values = _column(manifest, column)
    known = manifest.known
    found = sorted(set(values[known]), key=_in_order)
    if "" in found or len(found) != folds:
        raise DataError(
            f"the column {column!r} holds {len(found)} values "
            f"({_listed([value or '(empty)' for value in found])}) and data.split."
            f"folds says {folds}; each value is one fold, and no cell may be empty"
        )
    indices = {value: index for index, value in enumerate(found)}
    fold_of = np.array([indices.get(value, -1) for value in values], dtype=np.int64)
    names = np.where(known, fold_of.astype(str), UNUSED)
    check_groups(manifest, names, f"in the column {column!r}")
    return fold_of


def _column(manifest: Manifest, name: str) -> "NDArray[np.object_]":
    return np.array(list(manifest.dataset.column(name)), dtype=object)


def _by_column(manifest: Manifest, spec: "SplitSpec") -> "NDArray[np.str_]":
    column = spec.column or ""
    values, told = _column(manifest, column), spec.values()
    part_of = {value: part for part, named in told.items() for value in named}
    there = sorted(set(values[manifest.known]), key=_in_order)  # others have no part
    for value in there:
        usual = part_named(value)
        if value not in part_of and usual is not None and usual not in told:
            part_of[value] = usual
    _check_values(column, there, part_of, told)
    return np.array([part_of.get(value, UNUSED) for value in values], dtype="<U11")


def _check_values(
    column: str, there: Sequence[str], part_of: Mapping[str, str], told: Mapping[str, Sequence[str]]
) -> None:
    """Refuse values that no part has, and names that no row has."""
    unknown = [value or "(empty)" for value in there if value not in part_of]
    if unknown:
        raise DataError(
            f"no part is known for {_listed(unknown)} in the split column {column!r}; its values "
            f"are {_listed([value or '(empty)' for value in there])}. Name them: data.split: "
            f"{{column: {column}, train: [...], validation: [...], test: [...], unused: [...]}}; "
            "known by themselves are train, val, valid, validation, dev, test. Where each value "
            f"is one fold: {{column: {column}, folds: {len(there)}, fold: 0}}"
        )
    lost = [value for named in told.values() for value in named if value not in there]
    if lost:
        raise DataError(
            f"no row has {_listed(lost)} in the split column {column!r}; its values are "
            f"{_listed(there)}"
        )


def _in_order(value: str) -> tuple[bool, float, str]:
    """Whole numbers by size, before words."""
    number = re.fullmatch(r"\d+", value)
    return number is None, float(value) if number else 0.0, value


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(values[:_SHOWN])
    return shown + (f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else "")
