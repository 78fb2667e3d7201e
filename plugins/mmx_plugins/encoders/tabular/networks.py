"""The network that the settings ask for, for columns that were fitted."""

from collections.abc import Sequence

from torch import nn

from mmx_plugins.encoders._records.columns import Column, Number
from mmx_plugins.encoders._records.perceptron import OverVector, linear, perceptron, residual
from mmx_plugins.encoders._records.vector import RecordVector
from mmx_plugins.encoders.tabular.numbers import (
    LinearNumbers,
    PeriodicNumbers,
    PiecewiseLinearNumbers,
)
from mmx_plugins.encoders.tabular.settings import TabularSettings
from mmx_plugins.encoders.tabular.tokens import ColumnTokens
from mmx_plugins.encoders.tabular.transformer import Transformer


def build_network(params: TabularSettings, columns: Sequence[Column]) -> Transformer | OverVector:
    """Records [B, K] to features."""
    dim = params.width
    if params.model == "ft" and dim is not None:
        return _transformer(params, columns, dim)
    vector = RecordVector(columns, flags=params.missing == "token")
    if dim is None:
        return linear(vector)
    build = perceptron if params.model == "mlp" else residual
    return build(vector, dim, params.blocks, params.hidden_dropout)


def _transformer(params: TabularSettings, columns: Sequence[Column], dim: int) -> Transformer:
    tokens = ColumnTokens(
        columns,
        dim,
        lambda found: _numbers(params, found, dim),
        placeholder=params.missing == "token",
    )
    return Transformer(
        tokens,
        dim,
        blocks=params.blocks,
        heads=params.heads,
        dropout=(params.attention_dropout, params.hidden_dropout),
        skip_missing=params.missing == "mask",
    )


def _numbers(params: TabularSettings, columns: Sequence[Number], dim: int) -> nn.Module:
    if params.numbers == "ple":
        return PiecewiseLinearNumbers([one.edges for one in columns], dim)
    if params.numbers == "linear":
        return LinearNumbers(len(columns), dim)
    return PeriodicNumbers(len(columns), dim, params.sigma)
