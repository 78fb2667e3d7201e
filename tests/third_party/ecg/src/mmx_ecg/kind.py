"""The input kind in the list of methods, with recordings that its checks are tried on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from mmx import Params, Sample, hookimpl
from mmx.interfaces import InputParams

from mmx_ecg.encoder import Ecg
from mmx_ecg.leads import LEADS, LeadsInput

MMX_API = 2
LENGTH = 60


class EcgInputParams(InputParams):
    """Twelve leads of an electrocardiogram; encoders name the class as their input."""

    type: Literal["ecg"] = "ecg"
    input = LeadsInput

    def encoder(self) -> Ecg:
        """What reads it, for the checks."""
        return Ecg(LENGTH, 8)

    def example(self, name: str, folder: Path) -> Sequence[Sample]:
        """Four recordings of noise, and one sample without any."""
        draw = np.random.default_rng(0)
        samples = []
        for row in range(5):
            file = folder / f"{row}.npy"
            np.save(file, draw.normal(size=(LEADS, LENGTH)))
            inputs = {} if row == 1 else {name: file}
            samples.append(Sample(f"row {row}", f"patient {row}", inputs=inputs))
        return samples


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    """Give the input kind."""
    return [EcgInputParams]
