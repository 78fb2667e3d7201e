"""A record as one vector: numbers, flags of what is missing, and one place for each category."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from mmx.interfaces import Records
from mmx_plugins.encoders._records.columns import Category, Column, Number


class RecordVector(nn.Module):
    """z = [u, 0 where missing; missing flags of numbers; one-hot of each category], [B, width].

    A category has a place for each common value, for ``other`` where training had rare values, and
    for ``missing``. Elsewhere an unknown value is zeros.

    Args:
        columns: what was fitted.
        flags: tell what is missing; else there is no place for it.
    """

    number_indices: Tensor

    def __init__(self, columns: Sequence[Column], *, flags: bool = True) -> None:
        super().__init__()
        self.flags = flags
        numbers = [k for k, one in enumerate(columns) if isinstance(one, Number)]
        self.categories = {k: one for k, one in enumerate(columns) if isinstance(one, Category)}
        self.register_buffer("number_indices", torch.tensor(numbers, dtype=torch.long), False)
        sizes = [len(one.values) + one.other_seen + flags for one in self.categories.values()]
        self.width = len(numbers) * (1 + flags) + sum(sizes)

    def forward(self, records: Records) -> Tensor:
        """z [B, width] of records [B, K]."""
        known = records.known
        values = records.values.masked_fill(~known, 0)[:, self.number_indices]
        found = [values]
        if self.flags:
            found.append((~known[:, self.number_indices]).to(values.dtype))
        for k, column in self.categories.items():
            count = len(column.values)
            indices = torch.where(known[:, k], records.codes[:, k], count + 1)
            kept = [*range(count), *([count] if column.other_seen else [])]
            kept += [count + 1] if self.flags else []
            found.append(one_hot(indices, count + 2)[:, kept].to(values.dtype))
        return torch.cat(found, dim=1)
