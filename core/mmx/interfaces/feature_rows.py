"""Rows of features, whether an array or a sparse matrix holds them."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FeatureRows(Protocol):
    """[n, F], as an array of numpy or a sparse one of scipy."""

    @property
    def shape(self) -> tuple[int, ...]:
        """n and F."""
        ...

    @property
    def T(self) -> "FeatureRows":  # noqa: N802 - numpy's name
        """[F, n]."""
        ...

    def __matmul__(self, other: "NDArray[np.float64]", /) -> "NDArray[np.float64]":
        """[n, F] @ [F, ...] -> [n, ...]."""
        ...

    def __getitem__(self, rows: "NDArray[np.bool_]", /) -> "FeatureRows":
        """[m, F], those of the rows that are chosen."""
        ...
