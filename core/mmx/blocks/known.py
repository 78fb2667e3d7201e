"""Several labels of which some are unknown: what losses over them share."""

from torch import Tensor


def known_labels(target: Tensor) -> tuple[Tensor, Tensor]:
    """Which labels [B, L] are known, and which are present (False where unknown).

    Args:
        target: [B, L] in {0, 1, -1}, -1 for unknown.
    """
    return target >= 0, target > 0


def labels_per_row(counts: Tensor) -> float:
    """Mean number of known labels of a training row; 1 where there is none.

    Args:
        counts: [L, 3], training rows in which a label is absent, present, unknown.
    """
    rows, known = float(counts[0].sum()), float(counts[:, :2].sum())
    return known / rows if known > 0 else 1.0


def mean_over_known(each: Tensor, known: Tensor, per_row: float) -> Tensor:
    """Sum over the known labels, over the rows of the batch and over ``per_row``.

    The divisor does not depend on which labels of the batch are known, so that batches add up:
    gradients that are gathered over small batches are those of the whole one.

    Args:
        each: [B, L], of every label; finite where it is unknown, too.
        known: [B, L], bool.
        per_row: mean number of known labels of a training row.
    """
    return each.where(known, 0).sum() / (len(each) * per_row)


def prevalence(counts: Tensor) -> Tensor:
    """Share [L] of training rows with the label among those where it is known, in (0, 1).

    Half a row is added to either side, so that a label that is always or never there has one, too.

    Args:
        counts: [L, 3], training rows in which a label is absent, present, unknown.
    """
    absent, present = counts[:, 0].double(), counts[:, 1].double()
    return (present + 0.5) / (absent + present + 1)
