"""Means over the samples of an epoch, and the guard against losses that are not finite."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmx.errors import RunError


class Meter:
    """Sums of named values over samples, kept on the device until somebody asks."""

    def __init__(self, sums: Mapping[str, float] | None = None, samples: int = 0) -> None:
        self.samples = samples
        # in double precision, so that a sum survives a checkpoint as JSON bit for bit
        self._sums = {
            name: torch.tensor(value, dtype=torch.float64) for name, value in (sums or {}).items()
        }

    def add(self, values: Mapping[str, Tensor], weight: float, samples: int) -> None:
        """Add means over ``weight`` samples of this process, of ``samples`` over all processes."""
        self.samples += samples
        for name, value in values.items():
            added = value.detach().double() * weight
            self._sums[name] = self._sums[name].to(added.device) + added if name in self else added

    def __contains__(self, name: str) -> bool:
        return name in self._sums

    def sums(self) -> dict[str, float]:
        """Sums so far; waits for the device."""
        return {name: float(value) for name, value in self._sums.items()}

    def means(self) -> dict[str, float]:
        """Means over all samples so far."""
        return {name: value / max(1, self.samples) for name, value in self.sums().items()}


class FiniteGuard:
    """Stops training at the first loss or gradient that is not finite.

    Args:
        every: steps between looks; 1 on a CPU, more where a look waits for the device.
        names: of the training samples, or empty.
    """

    def __init__(self, every: int, names: Sequence[str]) -> None:
        self.every, self.names = every, names
        self._seen: list[tuple[int, str, Tensor, Sequence[int]]] = []
        self._last = -every

    def note(self, step: int, what: str, value: Tensor, positions: Sequence[int]) -> None:
        """Remember a value of a step and the samples that it came from."""
        self._seen.append((step, what, value.detach(), positions))

    def look(self, step: int, *, now: bool = False) -> None:
        """Look at what was noted, every few steps or ``now``.

        Raises:
            RunError: a value was not finite; names step and samples.
        """
        if not self._seen or (step - self._last < self.every and not now):
            return
        self._last = step
        fine = torch.stack([value for _, _, value, _ in self._seen]).isfinite()
        if not fine.all():
            raise RunError(self._words(int(fine.logical_not().nonzero()[0])))
        self._seen.clear()

    def _words(self, index: int) -> str:
        step, what, value, positions = self._seen[index]
        shown = [self.names[p] if self.names else f"row {p}" for p in positions[:32]]
        more = f" and {len(positions) - 32} more" if len(positions) > 32 else ""
        return (
            f"the {what} is {float(value)} at step {step + 1}; its batch holds the training "
            f"samples {', '.join(shown)}{more}. Look at these samples; or lower "
            "train.optimizer.lr, set train.clip_norm, or train with precision: fp32. The last "
            "checkpoint from before it is kept"
        )
