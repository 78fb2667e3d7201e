"""A number with the range that the data allow for it."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval; NaN where it is not defined.

    A share of 0 or 1 has one bound only: the other end holds with 97.5 %.

    Attributes:
        value: on the sample itself.
        low: of the interval.
        high: of the interval.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    def ends(self, form: str = ".3f") -> str:
        """Both bounds, the one bound of a share of 0 or 1, or nothing where there is none.

        Args:
            form: of a number, as ``format`` takes it.
        """
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return ""
        if self.value == self.low == 0:
            return f"at most {self.high:{form}}"
        if self.value == self.high == 1:
            return f"at least {self.low:{form}}"
        return f"{self.low:{form}} to {self.high:{form}}"
