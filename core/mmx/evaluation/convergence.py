"""Whether a validation curve was still rising where training ended."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

FEWEST = 8  # epochs; with fewer the slope of a flat curve seems to rise in 27 to 50 %
GAIN = 0.01  # over half of the epochs: a point of a share, else a hundredth of the mean score
CONFIDENCE = 0.90


@dataclass(frozen=True, slots=True)
class Convergence:
    """What the validation curve of a method says.

    Attributes:
        epochs: E, of the curve.
        judged: there are enough of them.
        rising: the score was still getting better; True where it cannot be judged.
        lower_is_better: of an error, whose curve falls.
    """

    epochs: int
    judged: bool
    rising: bool
    lower_is_better: bool = False

    @property
    def words(self) -> str:
        """For a table."""
        if not self.judged:
            many = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
            return f"{many}: convergence not judged"
        way = "falling" if self.lower_is_better else "rising"
        return f"still {way} at {self.epochs} epochs" if self.rising else "flattened"


def convergence(
    curve: Sequence[float], *, share: bool = True, lower_is_better: bool = False
) -> Convergence:
    """Judge a validation curve, the mean over the seeds after each epoch.

    A least-squares line through the last half of the epochs: it is rising if it gains a point
    there and its slope is above 0 with 90 %, by its residuals. "The best epoch is among the last"
    is no sign: so it is for a third of all flat curves.

    Args:
        curve: score after each epoch.
        share: it is in [0, 1], and gains a point; of any other score it must gain a hundredth of
            its mean over those epochs.
        lower_is_better: the score is an error.

    Source: Draper and Smith 1998, Applied Regression Analysis, 1.4 (the t test of a slope); how
        often it is right is simulated in tests/core/evaluation/test_convergence.py.
    """
    epochs = len(curve)
    if epochs < FEWEST:
        return Convergence(epochs, judged=False, rising=True, lower_is_better=lower_is_better)
    last = np.asarray(curve, dtype=np.float64)[-(epochs // 2) :]
    slope, error = _slope(-last if lower_is_better else last)
    gain = GAIN if share else GAIN * abs(float(last.mean()))
    rising = slope * len(last) >= gain and slope > error * _quantile(len(last) - 2)
    return Convergence(epochs, judged=True, rising=bool(rising), lower_is_better=lower_is_better)


def _slope(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, float]:
    """Slope of the least-squares line over 0, 1, 2, ... and its standard error."""
    indices = np.arange(len(values)) - (len(values) - 1) / 2
    spread = float((indices**2).sum())
    slope = float((indices * values).sum()) / spread
    left = values - values.mean() - slope * indices
    return slope, float(np.sqrt((left**2).sum() / (len(values) - 2) / spread))


def _quantile(freedom: int) -> float:
    return float(stdtrit(freedom, CONFIDENCE))
