"""Laws of tasks: what a study asks of them to compare methods, and the controls beside these."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mmx.interfaces import MethodAnswers, Score, TaskParams
from mmx.testing.law import Laws, demand, finite, shape
from mmx.testing.task_rows import TaskRows, rows_of_task

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR = 1e-6
WORDS = 4  # features of the probe


def compared(params: TaskParams) -> str:
    """Metrics of a study are those of the report, with the better one on the better side."""
    asked, words = rows_of_task(params), params.compares
    if not words:
        return "it names no metric to compare methods by, so there can be no study of it"
    other = asked.log_probs(asked.raw(len(asked.known), seed=1)).detach()
    seeds = {"poor": [asked.random, other], "good": [asked.fitting, asked.fitting]}
    found = _scores(asked, seeds, tuple(words))
    demand([*found] == [*words], f"compared gives {', '.join(found)}, not {', '.join(words)}")
    whole = [asked.evaluated(one).metrics for one in seeds["poor"]]
    for name, score in found.items():
        demand(name in whole[0], f"{name} is compared, and is no metric of the report")
        told = np.array([metrics[name].value for metrics in whole])
        gap = float(np.abs(score.by_seed("poor") - told).max())
        demand(gap < NEAR, f"{name} is {gap:.3g} off what the report of the same answers says")
        lower = words[name].lower
        agrees = params.selects.get(name, not lower) != lower
        demand(agrees, f"{name}: compares and selects do not agree which is better")
        demand(score.lower_is_better == lower, f"{name}: its score and its words do not agree")
        better = score.difference("good", "poor") * (-1 if lower else 1) > 0
        demand(better, f"{name} calls answers that fit worse than answers by chance")
        _exchanged(name, score, asked)
    return ", ".join(found)


def _exchanged(name: str, score: Score, asked: TaskRows) -> None:
    """Groups change places between two methods, or between a method and itself."""
    many = len(set(asked.groups))
    shares = score.shares
    whole = shares.shape == (many,) and abs(float(shares.sum()) - 1) < NEAR
    demand(whole, f"{name}: shares of {many} groups must be {many} numbers of sum 1")
    pair, ones = ("good", "poor"), np.ones((1, many))
    gap = score.difference(*pair)
    for signs, wanted in ((ones, gap), (-ones, -gap)):
        got = float(score.flipped(signs, *pair)[0])
        words = f"{name}: with all signs {signs[0, 0]:+.0f} the difference is {got:.4g}"
        demand(abs(got - wanted) < NEAR, f"{words}, not {wanted:.4g}")
    alike = score.silent("poor", "poor") and abs(score.difference("poor", "poor")) < NEAR
    demand(alike, f"{name}: a method differs from itself")


def _scores(
    asked: TaskRows, seeds: dict[str, list[Tensor]], metrics: Sequence[str]
) -> dict[str, Score]:
    """What the task makes of answers to the known rows, as a study would hold them."""
    answers = {name: _answered(asked, of) for name, of in seeds.items()}
    truths = asked.task.truths(asked.scored)
    return dict(asked.task.compared(answers, truths, asked.groups, metrics))


def _answered(asked: TaskRows, seeds: Sequence[Tensor]) -> MethodAnswers:
    values = [asked.task.values(one).double().numpy() for one in seeds]
    columns: list[dict[str, NDArray[np.generic]]] = [asked.task.answers(one) for one in seeds]
    return MethodAnswers(
        np.stack(values), {name: np.stack([one[name] for one in columns]) for name in columns[0]}
    )


def breakdown(params: TaskParams) -> str:
    """What stands beside a comparison is a share of each class or label, or a confidence."""
    asked = rows_of_task(params)
    answers, truths = _answered(asked, [asked.random] * 2), asked.task.truths(asked.scored)
    broken = asked.task.breakdown(answers, truths)
    if broken is not None:
        inside = all(0 <= one <= 1 for one in broken.values.values())
        demand(inside, f"values by {broken.one} must be in 0 to 1: {dict(broken.values)}")
    points = asked.task.reliability(answers, truths)
    inside = all(0 <= one <= 1 for point in points for one in point)
    demand(inside, "points of reliability must be in 0 to 1")
    return f"by {broken.one}" if broken else "it gives none"


def controls(params: TaskParams) -> str:
    """Constants, the probe and prompts give answers: of the right shape, and finite."""
    asked = rows_of_task(params)
    constants = asked.task.constants(asked.scored)
    names = [one.name for one in constants]
    demand(len(set(names)) == len(names), f"two constants have one name: {names}")
    for one in constants:
        _is_answer(asked, one.log_probs[None].expand(3, *one.log_probs.shape), 3, one.name)
    sparse, dense = _probed(asked, params)
    if sparse is not None:
        _is_answer(asked, sparse, 5, "the probe")
    demand((sparse is None) == (dense is None), "the probe takes only one of sparse and dense")
    if dense is not None:
        _is_answer(asked, dense, 5, "the probe on dense features")
    for alone in (False, True):
        prompted = asked.task.prompted(_logits(asked), alone=alone)
        if prompted is not None:
            _is_answer(asked, prompted, 5, "the answer from prompts")
    return ", ".join([*names, *(["a probe"] if sparse is not None else [])]) or "it gives none"


def _probed(asked: TaskRows, params: TaskParams) -> tuple[Tensor | None, Tensor | None]:
    """Answers of its probe to five rows of drawn words, sparse ones and the same dense."""
    from scipy.sparse import csr_matrix  # only this law needs it

    draw = np.random.default_rng(0)
    seen, other = (
        draw.integers(2, size=(rows, WORDS)).astype(np.float64) for rows in (len(asked.known), 5)
    )
    counts = asked.task.counts(asked.scored).double() if params.exclusive else None
    probe, target = asked.task.probe, asked.scored
    sparse: Any = csr_matrix  # scipy ships no types
    return (
        probe(sparse(seen), target, sparse(other), counts, 1.0),
        probe(seen, target, other, counts, 1.0),
    )


def _logits(asked: TaskRows) -> Tensor:
    """How well a prompt for each name fits five rows, drawn."""
    shown = (5, len(asked.task.names))
    return torch.randn(shown, generator=torch.Generator().manual_seed(0))


def _is_answer(asked: TaskRows, log_probs: Tensor, rows: int, name: str) -> None:
    one = asked.random[0]
    wanted = torch.zeros(rows, *one.shape)
    words = f"{name}: log_probs are {shape(log_probs)}, and those of a model {shape(wanted)}"
    demand(log_probs.shape == wanted.shape, words)
    finite({"values": asked.task.values(log_probs)}, f"of {name}")
    demand(len(asked.task.answers(log_probs)["predicted"]) == rows, f"{name}: no answer a row")


COMPARING: Laws = {law.__name__: law for law in (compared, breakdown, controls)}
