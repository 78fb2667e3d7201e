"""A linear probe that is fitted before training, and a hidden layer that learns what it leaves.

The probe is the linear model of the control ``probe`` of each run. Training begins at it, and
leaves it only where validation improves.

Source: Kumar et al. 2022, Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution, arXiv:2202.10054 (linear probing first).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx import hookimpl
from mmx.blocks import PROBE_STRENGTHS, best_before_worse
from mmx.interfaces import Features, Head, HeadOutput, HeadParams, HeadRows, Params

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEPS = 2000  # of L-BFGS, at most
SLOPE = 1e-8  # of the mean loss, at which the fit is done


class LinearProbeParams(HeadParams):
    """Settings of the linear probe."""

    source: ClassVar[str] = "Kumar et al. 2022, arXiv:2202.10054"

    type: Literal["linear_probe"] = "linear_probe"
    hidden: PositiveInt | None = Field(
        default=256, description="width of the hidden layer beside the probe, channels; null: none"
    )
    dropout: float = Field(default=0.5, ge=0, lt=1, description="share of hidden channels dropped")

    def build(self, dim: int, classes: int) -> "LinearProbe":
        return LinearProbe(dim, self.hidden, classes, self.dropout)


class LinearProbe(Head):
    """Pooled [B, D] -> V z + b + W2 Drop(ReLU(W1 z)); W2 = 0 once V and b are fitted."""

    fits_first = True

    def __init__(self, dim: int, hidden: int | None, classes: int, dropout: float) -> None:
        super().__init__()
        self.probe = nn.Linear(dim, classes)
        self.hidden: nn.Sequential | None = None
        if hidden is not None:
            self.hidden = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Dropout(dropout))
            self.last = nn.Linear(hidden, classes, bias=False)

    def forward(self, features: Features) -> HeadOutput:
        logits = self.probe(features.pooled)
        if self.hidden is None:
            return HeadOutput(logits)
        return HeadOutput(logits + self.last(self.hidden(features.pooled)))

    def fit(self, rows: HeadRows) -> None:
        weight, bias = fitted(rows, self.probe.out_features)
        with torch.no_grad():
            self.probe.weight.copy_(weight)
            self.probe.bias.copy_(bias)
            if self.hidden is not None:
                self.last.weight.zero_()


def fitted(rows: HeadRows, outputs: int) -> tuple[Tensor, Tensor]:
    """Weight [R, D] and bias [R] of the linear map that is best on validation.

    Of each strength C it minimises n C loss(V z + b) + |V|^2 / 2 with z = (x - mean) / sd of the
    training rows, as scikit-learn's LogisticRegression does. The strongest penalty comes first;
    without validation rows it is kept.
    """
    mean, spread = rows.train.mean(dim=0), rows.train.std(dim=0, correction=0)
    spread = torch.where(spread < 1e-6, 1, spread)  # a channel that never changes says nothing
    z, asked = (rows.train - mean) / spread, (rows.validation - mean) / spread

    def tried() -> Iterator[tuple[Tensor, float]]:
        found = torch.zeros(outputs, z.shape[1] + 1, dtype=torch.float64)
        for strength in PROBE_STRENGTHS:
            found = _minimised(_penalised(z, rows.loss, strength), found)
            if not len(asked):
                yield found, 0.0
                return
            yield found, rows.quality(_outputs(found, asked))

    best = best_before_worse(tried())
    assert best is not None
    weight = best[:, :-1] / spread
    return weight, best[:, -1] - weight @ mean


def _outputs(map_: Tensor, z: Tensor) -> Tensor:
    """[n, R] of z [n, D], by weights and biases [R, D + 1]."""
    return z @ map_[:, :-1].T + map_[:, -1]


def _penalised(
    z: Tensor, loss: Callable[[Tensor], Tensor], strength: float
) -> Callable[[Tensor], Tensor]:
    """The mean loss of a map, and the penalty of its weights."""
    share = 1 / (2 * strength * len(z))
    return lambda map_: loss(_outputs(map_, z)) + share * map_[:, :-1].square().sum()


def _minimised(objective: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """Where a convex function is smallest, by L-BFGS."""
    from scipy.optimize import minimize  # where a probe is fitted alone

    def value(flat: "NDArray[np.float64]") -> "tuple[float, NDArray[np.float64]]":
        at = torch.from_numpy(flat.reshape(start.shape)).requires_grad_()
        found = objective(at)
        (slope,) = torch.autograd.grad(found, at)
        return float(found.detach()), slope.numpy().ravel()

    options = {"maxiter": STEPS, "gtol": SLOPE, "ftol": 0, "maxls": 50}
    found = minimize(value, start.numpy().ravel(), jac=True, method="L-BFGS-B", options=options)
    return torch.from_numpy(found.x).reshape(start.shape)


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [LinearProbeParams]
