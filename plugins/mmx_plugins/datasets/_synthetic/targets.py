"""Synthetic targets of other kinds: several labels a lesion, and ordered levels.

Several labels are normal variables with one common correlation, cut so that each label has its
prevalence; the picture shows one of the labels that are present, the text tells most of them.
Levels show in the picture as a darker and more ragged lesion, and in the text as a score.
"""

import numpy as np
from numpy.typing import NDArray

from mmx.interfaces import Value

LEVELS = ("minimal", "mild", "moderate", "severe", "extreme", "ruinous")
"""From the lowest to the highest; in their order they are no words in alphabetical order."""

_TOLD = 0.55  # share of the labels of a lesion that its text tells
_COARSE = 0.7  # standard deviation of what text and picture say, in levels


class SeveralLabels:
    """Labels of each lesion, and which of them picture and text show.

    Attributes:
        there: [lesions, L], bool.
        look: [lesions], the label that the picture shows; -1 for none.
        told: [lesions, L], bool: labels that the text tells.
    """

    def __init__(
        self,
        lesions: int,
        prevalences: NDArray[np.float64],
        correlation: float,
        unknown: float,
        noise: float,
        stream: tuple[int, ...],
    ) -> None:
        draw, many = np.random.default_rng(stream), len(prevalences)
        common = draw.normal(size=(lesions, 1)) * correlation**0.5
        latent = common + draw.normal(size=(lesions, many)) * (1 - correlation) ** 0.5
        cut = np.array([np.quantile(latent[:, k], 1 - p) for k, p in enumerate(prevalences)])
        self.there = latent > cut
        picked = np.where(self.there, draw.random((lesions, many)), -1.0)
        self.look = np.where(self.there.any(axis=1), picked.argmax(axis=1), -1)
        self.told = self.there & (draw.random((lesions, many)) < _TOLD)
        wrong = draw.random(lesions) < noise
        self.look[wrong] = draw.integers(-1, many, size=int(wrong.sum()))
        self.told ^= draw.random((lesions, many)) < noise / 4
        self._unknown = draw.random((lesions, many)) < unknown

    def one_of(self, stream: tuple[int, ...]) -> NDArray[np.int64]:
        """[lesions], any of the labels that are present; -1 where none is."""
        chance = np.random.default_rng(stream).random(self.there.shape)
        picked = np.where(self.there, chance, -1.0).argmax(axis=1)
        return np.where(self.there.any(axis=1), picked, -1)

    def cells(self, lesion: int, names: tuple[str, ...]) -> dict[str, Value]:
        """1, 0 or None for unknown, by label."""
        row = zip(names, self.there[lesion], self._unknown[lesion], strict=True)
        return {name: None if blank else float(there) for name, there, blank in row}


class OrderedLevels:
    """How dark the picture and how high the score of a lesion of each level is.

    Attributes:
        look: [lesions], level that the picture shows, with fractions.
        score: [lesions], whole number from 0, that the text tells.
    """

    def __init__(self, level: NDArray[np.int64], noise: float, stream: tuple[int, ...]) -> None:
        draw, most = np.random.default_rng(stream), int(level.max(initial=1))
        shown = level + draw.normal(0, _COARSE, size=len(level))
        score = level + draw.normal(0, _COARSE, size=len(level))
        wrong = draw.random(len(level)) < noise
        score[wrong] = draw.uniform(0, most, size=int(wrong.sum()))
        self.look = np.clip(shown, -1, most + 1) / most
        self.score = np.clip(np.rint(2 * score + 1), 0, None).astype(np.int64)
