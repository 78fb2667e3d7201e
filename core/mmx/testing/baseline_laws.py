"""Laws of baselines: what they answer, and what must not change an answer."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mmx.errors import MissingExtraError
from mmx.interfaces import Baseline, BaselineParams, Record, TargetRows, Task
from mmx.testing.global_state import untouched
from mmx.testing.law import Laws, SkippedLaw, demand, same
from mmx.testing.toy_task import Classes, Labels

_NAMES = ("a", "b", "c")
_EXCLUDED = {"biopsy": "it tells the label"}
_SHOWN = 0.6  # mean probability of what is true, where a field tells it in nine of ten rows


@dataclass(frozen=True, slots=True)
class MadeUpRows:
    """Rows of a task whose field ``finding`` tells the target in nine of ten.

    Attributes:
        task: one of three classes, or three labels of which some are unknown.
        train: 150 rows.
        validation: 60 rows.
        asked: 30 records.
        truth: of these.
    """

    task: Task
    train: TargetRows
    validation: TargetRows
    asked: tuple[Record, ...]
    truth: Tensor


def made_up_rows(*, several: bool = False) -> MadeUpRows:
    """Rows of either task."""
    draw = np.random.default_rng(7)
    place = draw.integers(3, size=240)
    told = np.where(draw.random(240) < 0.9, place, draw.integers(3, size=240))
    records = [_record(row, int(told[row]), int(place[row]), draw) for row in range(240)]
    target = torch.from_numpy(place)
    if several:
        target = torch.nn.functional.one_hot(target, 3)
        target[torch.from_numpy(draw.random((240, 3)) < 0.1)] = -1
        target[::24] = torch.tensor([1, 0, 0])  # no row is unknown whole
    train, validation = (
        TargetRows(records[one], target[one], _ones(target[one]))
        for one in (slice(0, 150), slice(150, 210))
    )
    task = Labels(_NAMES) if several else Classes(_NAMES)
    return MadeUpRows(task, train, validation, tuple(records[210:]), target[210:])


def _record(row: int, told: int, place: int, draw: np.random.Generator) -> Record:
    size = float(draw.normal())
    return {
        "age": 20.0 + row % 60, "size": None if row % 7 == 0 else size,
        "finding": ("smooth", "ragged", "dark")[told], "biopsy": _NAMES[place],
    }  # fmt: skip


def _ones(target: Tensor) -> Tensor:
    return torch.ones(len(target), dtype=torch.float64)


def built(params: BaselineParams) -> Baseline:
    """The baseline.

    Raises:
        SkippedLaw: a library that it needs is not installed.
    """
    try:
        return params.build()
    except MissingExtraError as error:
        raise SkippedLaw(str(error)) from error


def answered(params: BaselineParams, rows: MadeUpRows) -> Tensor:
    """Its answers to the records that are asked."""
    found = built(params).answers(rows.task, rows.train, rows.validation, rows.asked, _EXCLUDED)
    return found.log_probs


def builds(params: BaselineParams) -> None:
    """``build`` gives a baseline."""
    baseline = built(params)
    demand(isinstance(baseline, Baseline), f"build must give a Baseline, got {type(baseline)}")


def shapes(params: BaselineParams) -> None:
    """Log-probabilities of each record, of classes and of several labels with unknown ones."""
    for several in (False, True):
        rows = made_up_rows(several=several)
        found, many = answered(params, rows), len(rows.asked)
        wanted = [many, 3, 2] if several else [many, 3]
        got = list(found.shape)
        demand(got == wanted, f"{rows.task.type}: answers must be {wanted}, got {got}")
        total = found.double().exp().sum(dim=-1)
        demand(bool(((total - 1).abs() < 1e-4).all()), "probabilities must sum to 1")


def row_independence(params: BaselineParams) -> None:
    """A record is answered the same alone as among others, one without any field too."""
    rows = made_up_rows()
    asked = (*rows.asked[:4], {})
    together = answered(params, replace(rows, asked=asked))
    for place, one in enumerate(asked):
        alone = answered(params, replace(rows, asked=(one,)))
        same({"answer": alone[0]}, {"answer": together[place]}, f"record {place} alone")


def excluded_fields(params: BaselineParams) -> None:
    """What stands in an excluded field changes nothing."""
    rows = made_up_rows()
    blank = tuple({**one, "biopsy": "z"} for one in rows.asked)
    train = replace(rows.train, records=[{**one, "biopsy": "z"} for one in rows.train.records])
    got = answered(params, replace(rows, asked=blank, train=train))
    same({"answers": got}, {"answers": answered(params, rows)}, "other excluded cells", exact=True)


def field_order(params: BaselineParams) -> None:
    """The order of the fields of a record changes nothing."""
    rows = made_up_rows()
    turned = tuple(dict(reversed(list(one.items()))) for one in rows.asked)
    got = answered(params, replace(rows, asked=turned))
    same({"answers": got}, {"answers": answered(params, rows)}, "other order of fields")


def tells_apart(params: BaselineParams) -> str:
    """Where a field tells the class in nine rows of ten, its answers say so."""
    rows = made_up_rows()
    found = answered(params, rows).exp().gather(1, rows.truth[:, None]).mean().item()
    demand(found > _SHOWN, f"mean probability of the true class is {found:.2f}")
    return f"mean probability of the true class {found:.2f}"


def class_weights(params: BaselineParams) -> None:
    """A class whose rows weigh more is more probable."""
    rows = made_up_rows()
    heavy = _ones(rows.train.target) + 8 * (rows.train.target == 0)
    train = replace(rows.train, weights=heavy / heavy.mean())
    weights = _ones(rows.validation.target) + 8 * (rows.validation.target == 0)
    validation = replace(rows.validation, weights=weights / weights.mean())
    moved = answered(params, replace(rows, train=train, validation=validation))
    rise = (moved.exp() - answered(params, rows).exp())[:, 0].mean().item()
    demand(rise > 0, f"the heavier class is {-rise:.3f} less probable")


def random_state(params: BaselineParams) -> None:
    """The same rows give the same answers, and nothing of the whole process changes."""
    rows = made_up_rows()
    first = answered(params, rows)
    with untouched("answering"):
        again = answered(params, rows)
    same({"answers": again}, {"answers": first}, "answering again", exact=True)


BASELINE: Laws = {
    law.__name__: law
    for law in (
        builds, shapes, row_independence, excluded_fields, field_order, tells_apart, class_weights,
        random_state,
    )
}  # fmt: skip
