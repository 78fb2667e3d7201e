"""Hospitals and devices of synthetic lesions: a shortcut of chosen strength.

A share of the lesions is seen at the hospital that stands for its diagnosis, the others at any. Of
its photographs most are taken by the device of the hospital, which may leave a cast of colour in
every pixel, so that even skin tells the diagnosis.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mmx.interfaces import Value

HOSPITALS = (
    "Northfield", "Lakeside", "Westgate", "Eastbrook", "Hillcrest", "Riverton", "Stonebridge",
    "Fairview",
)  # fmt: skip
_OWN = 0.8  # share of lesions that the device of their hospital photographs


class Sites:
    """Where each lesion is seen, and by which device.

    Attributes:
        hospital: [lesions], place in ``HOSPITALS``.
        device: [lesions], from 0.
    """

    def __init__(
        self, label: NDArray[np.int64], sites: int, shortcut: float, stream: tuple[int, ...]
    ) -> None:
        """Draw them.

        Args:
            label: [lesions], what a hospital may stand for; -1: nothing.
            sites: how many hospitals there are.
            shortcut: share of lesions that are seen at the hospital of their label.
            stream: of random numbers of their own.
        """
        draw, lesions = np.random.default_rng(stream), len(label)
        any_site = draw.integers(sites, size=lesions)
        told = (draw.random(lesions) < shortcut) & (label >= 0)
        self.hospital = np.where(told, label % sites, any_site)
        own = draw.random(lesions) < _OWN
        self.device = np.where(own, self.hospital, draw.integers(sites, size=lesions))

    def cells(self, lesion: int) -> Mapping[str, Value]:
        """Fields of the record of one lesion."""
        device = "ABCDEFGH"[self.device[lesion]]
        return {"hospital": HOSPITALS[self.hospital[lesion]], "device": f"camera {device}"}
