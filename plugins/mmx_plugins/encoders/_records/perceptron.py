"""Networks over a record as one vector.

Source of the residual network: Gorishniy et al. 2021, arXiv:2106.11959; it has BatchNorm there, and
LayerNorm here, so that a sample gives the same alone as beside others.
"""

import itertools

from torch import Tensor, nn

from mmx.interfaces import Features, FeatureShape, Records
from mmx_plugins.encoders._records.network import RecordNetwork
from mmx_plugins.encoders._records.vector import RecordVector


class OverVector(RecordNetwork):
    """A network over z; the result is one token, which is also pooled, [B, dim]."""

    def __init__(self, vector: RecordVector, network: nn.Module, dim: int) -> None:
        super().__init__()
        self.shape = FeatureShape(dim)
        self.vector, self.network = vector, network

    def forward(self, records: Records) -> Features:
        """Encode [B, K]."""
        return Features.of_pooled(self.network(self.vector(records)))


def linear(vector: RecordVector) -> OverVector:
    """z itself: with a head that has no hidden layer it is a logistic regression."""
    return OverVector(vector, nn.Identity(), vector.width)


def perceptron(vector: RecordVector, dim: int, layers: int, dropout: float) -> OverVector:
    """Drop ReLU(W h) in each layer, all ``dim`` wide."""
    widths = [vector.width, *[dim] * layers]
    network = nn.Sequential()
    for here, there in itertools.pairwise(widths):
        network.extend([nn.Linear(here, there), nn.ReLU(), nn.Dropout(dropout)])
    return OverVector(vector, network, dim)


def residual(vector: RecordVector, dim: int, layers: int, dropout: float) -> OverVector:
    """W z, then residual layers, then ReLU(LN h)."""
    inner = [Residual(dim, dropout) for _ in range(layers)]
    last = [nn.LayerNorm(dim), nn.ReLU()]
    return OverVector(vector, nn.Sequential(nn.Linear(vector.width, dim), *inner, *last), dim)


class Residual(nn.Module):
    """h + Drop W_2 Drop ReLU W_1 LN(h), with a hidden layer of twice the width."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, 2 * dim),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(2 * dim, dim),
            nn.Dropout(dropout),
        )

    def forward(self, h: Tensor) -> Tensor:
        """Update h [B, D]."""
        updated: Tensor = h + self.branch(h)
        return updated
