"""The views that a wrapping encoder shows its backbone, one by one, and their cached features."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mmx.data.cached import CachedFeatures
from mmx.data.image_store import ImageStore
from mmx.interfaces import Features, Images, Views, WrappingEncoder, one_by_one


class ViewStore:
    """Every view of every row as an input of its own; number = row * views per row + view.

    A view that is an image as it comes has the key of a row with that image alone, so that methods
    over the same photographs, and the backbone without a wrapping encoder, share features.

    Attributes:
        keys: [n * V], digest of all that decides a view.
        masks: as in ``Views``, of all rows.
        centre: [n], as in ``Views``.
        per_row: V, views of a row in all.
    """

    def __init__(self, store: ImageStore, encoder: WrappingEncoder) -> None:
        self._store, self._encoder = store, encoder
        keys = store.view_keys()
        mask = store.mask
        centre = store.centre
        self.centre = encoder.view_centre(mask, centre)
        self.masks: list[Tensor] = []
        for wrapper in _wrappers(encoder):
            keys = _keys(keys, mask, centre, wrapper)
            mask = wrapper.view_mask(mask)
            self.masks.append(mask)
            mask, keys = mask.reshape(-1, 1), [[key] for row in keys for key in row]
            centre = torch.zeros(len(mask), dtype=torch.int64)  # each stands alone now
        self.keys = [key for row in keys for key in row]
        self.per_row = len(self.keys) // len(store)
        self.size = store.size

    def numbers(self, rows: Sequence[int]) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
        """[B, V], numbers of all views of these rows."""
        first = np.asarray(rows, dtype=np.int64)[:, None] * self.per_row
        return first + np.arange(self.per_row)

    def real(self, rows: Sequence[int], first: int | None = None) -> list[int]:
        """Numbers of the views of these rows that are there, or of the first few of each row."""
        numbers = self.numbers(rows)[:, :first].ravel()
        there: list[int] = numbers[self.masks[-1].numpy().ravel()[numbers]].tolist()
        return there

    def file_of(self, row: int) -> str:
        """The file that the row of a view lies in."""
        return self._store.file_of(row // self.per_row)

    def collate(self, rows: Sequence[int]) -> Images:
        """Views [B, 1, C, H, W] by their numbers; all views of an image are drawn together."""
        numbers = np.asarray(rows, dtype=np.int64)
        own, at = np.unique(numbers // self.per_row, return_inverse=True)
        shown = self._store.collate(own.tolist())
        for wrapper in _wrappers(self._encoder):
            shown = one_by_one(wrapper.views(shown))
        chosen = torch.from_numpy(at * self.per_row + numbers % self.per_row)
        boxes = None if shown.boxes is None else shown.boxes[chosen]
        return Images(shown.pixels[chosen], shown.mask[chosen], boxes)  # each stands alone


class CachedViews:
    """What a frozen backbone made of the views of each row.

    Args:
        features: of all views of ``rows``.
        store: the views.
        rows: rows of the manifest.
        tokens: features with tokens, where only the first ``token_views`` of each row have them.
        token_views: how many.

    Attributes:
        encoded: how often the backbone ran for this call.
    """

    def __init__(
        self,
        features: CachedFeatures,
        store: ViewStore,
        rows: Sequence[int],
        tokens: CachedFeatures | None = None,
        token_views: int | None = None,
    ) -> None:
        self._features, self._store = features, store
        self._any = store.real(rows)[:1]  # stands where a view is absent
        self._tokens, self._token_views = tokens, token_views
        self.encoded = features.encoded + (tokens.encoded if tokens else 0)

    def collate(self, rows: Sequence[int]) -> Views:
        """The features of all views of these rows of the manifest."""
        numbers, masks = self._store.numbers(rows), []
        chosen = torch.as_tensor(list(rows))
        for mask in self._store.masks:
            by_row = mask.reshape(len(self._store.masks[0]), -1, mask.shape[1])
            masks.append(by_row[chosen].flatten(end_dim=1))
        real = masks[-1].flatten().numpy()
        wanted = np.where(real, numbers.ravel(), self._any)
        found = self._features.collate(wanted.tolist())
        if self._tokens is not None:
            first = wanted.reshape(numbers.shape)[:, : self._token_views]
            found = _with_tokens(found, self._tokens.collate(first.ravel().tolist()), len(rows))
        present = found.present & torch.from_numpy(real)
        centre = self._store.centre[chosen]
        return Views(replace(found, present=present), tuple(masks), self._store.size, centre)


def _with_tokens(found: Features, first: Features, rows: int) -> Features:
    """Features of all views [B*V], the first views of each row with their tokens."""
    views, some = len(found.pooled) // rows, len(first.pooled) // rows
    _, count, width = first.tokens.shape
    tokens, mask = torch.zeros(rows, views, count, width), torch.zeros(rows, views, count).bool()
    tokens[:, :some] = first.tokens.reshape(rows, some, count, width)
    mask[:, :some] = first.mask.reshape(rows, some, count)
    mask[:, some:, 0] = True  # the pooled vector stands for the others
    tokens[:, some:, 0] = found.pooled.reshape(rows, views, width)[:, some:]
    return Features(tokens.flatten(0, 1), mask.flatten(0, 1), found.pooled, present=found.present)


def _wrappers(encoder: object) -> list[WrappingEncoder]:
    """Wrapping encoders from the outermost in."""
    found = []
    while isinstance(encoder, WrappingEncoder):
        found.append(encoder)
        encoder = encoder.backbone
    return found


def _keys(
    keys: Sequence[Sequence[str]], mask: Tensor, centre: Tensor, wrapper: WrappingEncoder
) -> list[list[str]]:
    """Keys of the views of each row, from its own images [V] up to the last and their centre."""
    if not wrapper.recipe:
        return [list(row) for row in keys]
    views = wrapper.view_mask(mask).shape[1]
    last = (torch.arange(1, mask.shape[1] + 1) * mask).amax(dim=1).tolist()
    told = [
        (list(row[:own]), wrapper.recipe, *([middle] if middle else []))
        for row, own, middle in zip(keys, last, centre.tolist(), strict=True)
    ]
    return [[_digest(*row, view) for view in range(views)] for row in told]


def _digest(*what: object) -> str:
    return hashlib.blake2b(repr(what).encode(), digest_size=20).hexdigest()
