"""One token for each column of a record."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mmx.interfaces import Records
from mmx_plugins.encoders._records.columns import Category, Column, Number

Numbers = Callable[[Sequence[Number]], nn.Module]


class ColumnTokens(nn.Module):
    """T_c = b_c + content of the cell, or the learned w_c where it is missing; [B, K, dim].

    The content of a number is what ``numbers`` makes of it, of a category E_c[i]. What is rare in
    training is ``other``; where no training value was, ``other`` is b_c alone, not a random vector.
    Columns have no position but a bias of their own, and stand in the order of their names.

    Args:
        columns: what was fitted.
        dim: width of a token.
        numbers: makes the module for the columns of numbers.
        placeholder: learn a w_c for missing cells; else their token is b_c, which others leave
            out.
    """

    number_indices: Tensor
    category_indices: Tensor

    def __init__(
        self, columns: Sequence[Column], dim: int, numbers: Numbers, *, placeholder: bool = True
    ) -> None:
        super().__init__()
        self.bias = vectors(len(columns), dim)
        self.missing = vectors(len(columns), dim) if placeholder else None
        found = [one for one in columns if isinstance(one, Number)]
        categories = [one for one in columns if isinstance(one, Category)]
        self.numbers = numbers(found) if found else None
        self.categories = CategoryVectors(categories, dim) if categories else None
        is_number = torch.tensor([isinstance(one, Number) for one in columns])
        for name, indices in (("number_indices", is_number), ("category_indices", ~is_number)):
            # not kept with the weights: it follows from what was fitted
            self.register_buffer(name, indices.nonzero().flatten(), persistent=False)

    def forward(self, records: Records) -> Tensor:
        """Tokens [B, K, dim] of records [B, K]."""
        # a product with zero would let NaN and its gradient through: fill before any arithmetic
        values = records.values.masked_fill(~records.known, 0)
        codes = records.codes.masked_fill(~records.known, 0)
        content = []
        if self.numbers is not None:
            content.append(self.numbers(values[:, self.number_indices]))
        if self.categories is not None:
            content.append(self.categories(codes[:, self.category_indices]))
        order = torch.cat([self.number_indices, self.category_indices]).argsort()
        tokens = self.bias + torch.cat(content, dim=1)[:, order]
        instead = self.bias if self.missing is None else self.missing
        return torch.where(records.known[..., None], tokens, instead)


class CategoryVectors(nn.Module):
    """Indices [B, K] -> E_c[i], [B, K, dim]; zeros for ``other`` where training had no rare value.

    Args:
        columns: of categories.
        dim: width of a vector.
    """

    start: Tensor
    trained: Tensor

    def __init__(self, columns: Sequence[Category], dim: int) -> None:
        super().__init__()
        sizes = torch.tensor([len(one.values) + 1 for one in columns])
        self.weight = vectors(int(sizes.sum()), dim)
        trained = torch.ones(int(sizes.sum()), 1, dtype=torch.bool)
        trained[sizes.cumsum(0) - 1, 0] = torch.tensor([one.other_seen for one in columns])
        self.register_buffer("start", sizes.cumsum(0) - sizes, persistent=False)
        self.register_buffer("trained", trained, persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """Embed indices [B, K]."""
        return self.weight.masked_fill(~self.trained, 0)[codes + self.start]


def vectors(count: int, dim: int) -> nn.Parameter:
    """Learned vectors [count, dim], uniform within dim^-1/2 of zero at the start."""
    return nn.Parameter(torch.empty(count, dim).uniform_(-(dim**-0.5), dim**-0.5))
