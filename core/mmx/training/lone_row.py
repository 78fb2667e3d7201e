"""A batch of one row, from which layers with batch statistics may not learn."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmx.errors import DataError


@contextmanager
def more_than_one_row(rows: int) -> Iterator[None]:
    """Say in plain words that a model cannot learn from a batch of one row, if it cannot.

    Batch normalisation over a single value has no spread, and torch refuses it where an image is
    one pixel wide by then; most models take one row, so it is not refused before.

    Raises:
        DataError: the model raised ValueError on a single row.
    """
    try:
        yield
    except ValueError as error:
        if rows != 1:
            raise
        raise DataError(
            f"the model cannot learn from a batch of one row (torch says: {error}); choose a "
            "train.batch_size of which no single training row is left over, or larger images"
        ) from error
