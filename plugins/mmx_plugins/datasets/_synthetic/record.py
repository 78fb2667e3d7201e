"""Clinical findings of synthetic lesions, which may tell the label as pictures and texts do.

Each lesion has a marker, a class or none, that decides its diameter and how fast it grows. In a
share of the lesions the marker is the label. In others the label is told by picture, text and
record only together: label = (look + site + marker) mod C, where any two of them are independent
of it. Cells are missing at random, whatever the label.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mmx.interfaces import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GROWTH = ("none", "slow", "fast")
_SMALLEST = 3.0  # mm, of class 0
_STEP = 2.5  # mm, from class to class
_SPREAD = 0.5  # mm, around both
_MISSING = 0.1  # share of cells
_ANY = 0.25  # share of lesions with a marker whose growth is drawn whatever it is


class Findings:
    """Diameter and growth of each lesion.

    Attributes:
        marker: [lesions], the class that the findings point to; -1: to none.
        shift: [lesions], what the marker adds to the site of lesions that only all three tell.
    """

    def __init__(
        self,
        label: "NDArray[np.int64]",
        synergy: "NDArray[np.bool_]",
        classes: int,
        shares: tuple[float, float, float],
        seed: tuple[int, ...],
    ) -> None:
        """Draw them.

        Args:
            label: [lesions]; -1: there is none to tell.
            synergy: [lesions], whose label only several modalities together tell.
            classes: C.
            shares: of other lesions whose marker is the label; of those of ``synergy`` that need
                the record as well; of markers that are drawn anew.
            seed: of a stream of their own, so that pictures and texts stay as they are.
        """
        draw = np.random.default_rng(seed)
        lesions, (tells, joins, noise) = len(label), shares
        joined = synergy & (draw.random(lesions) < joins)
        chance = draw.integers(classes, size=lesions)
        told = ~synergy & (draw.random(lesions) < tells) & (label >= 0)
        self.shift = np.where(joined, chance, 0)
        self.marker = np.where(joined, chance, np.where(told, label, -1))
        wrong = (draw.random(lesions) < noise) & (self.marker >= 0)
        self.marker[wrong] = draw.integers(classes, size=int(wrong.sum()))
        self._diameter = self._diameters(draw, classes)
        growth = draw.integers(len(_GROWTH), size=lesions)
        follows = (self.marker >= 0) & (draw.random(lesions) >= _ANY)
        self._growth = np.where(follows, self.marker % len(_GROWTH), growth)
        self._known = draw.random((2, lesions)) >= _MISSING

    def _diameters(self, draw: np.random.Generator, classes: int) -> "NDArray[np.float64]":
        """[lesions], mm: about that of the marker's class, or of a class drawn at random."""
        any_class = draw.integers(classes, size=len(self.marker))
        middle = _SMALLEST + _STEP * np.where(self.marker >= 0, self.marker, any_class)
        return np.asarray((middle + draw.normal(0, _SPREAD, len(self.marker))).round(1))

    def cells(self, lesion: int) -> Mapping[str, Value]:
        """Fields of the record of one lesion."""
        diameter, growth = self._known[:, lesion]
        return {
            "diameter": float(self._diameter[lesion]) if diameter else None,
            "growth": _GROWTH[self._growth[lesion]] if growth else None,
        }
