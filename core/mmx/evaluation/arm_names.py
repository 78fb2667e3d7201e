"""What arms with missing or shuffled modalities are called, wherever they are named."""

from collections.abc import Collection, Sequence

LOSS_RATES = (0.25, 0.5, 0.75)
"""Shares of the rows that lose a modality at random, in the report of missing modalities."""


def in_a_row(names: Sequence[str]) -> str:
    """Several names in a sentence: image; image and text; image, text and record."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def arm_name(kept: Collection[str], names: Sequence[str]) -> str:
    """What is there of these modalities, in words.

    Such as "image and text" (all), "image only", "without record", and "neither", or "none" of
    more than two.
    """
    there = [name for name in names if name in kept]
    if not there:
        return "neither" if len(names) == 2 else "none"
    if len(there) == len(names):
        return in_a_row(there)
    if len(there) == 1:
        return f"{there[0]} only"
    return f"without {in_a_row([name for name in names if name not in kept])}"


def loss_name(name: str, rate: float) -> str:
    """A modality that a share of the rows has lost at random, in words."""
    return f"{name} missing in {rate:.0%}"


def shuffled_name(name: str) -> str:
    """The control whose rows change their inputs of a modality with one another."""
    return f"{name} shuffled"
