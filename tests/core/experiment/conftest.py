"""Runs that are stopped by hand in the middle of their training, wherever the clock stands."""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import mmx
from mmx.experiment import run_into, runs_folder
from mmx.interfaces import Hook


class Stopping(Hook):
    """The user, who presses Ctrl-C after the first epoch."""

    def epoch_ended(self, folder: Path, epoch: int, values: Mapping[str, float]) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def stop_in_training() -> Callable[[mmx.Spec], None]:
    """Begin a run and stop it; what an observer hears depends on the clock, epochs do not."""

    def stop(spec: mmx.Spec) -> None:
        with pytest.raises(KeyboardInterrupt):
            run_into(runs_folder(), spec, also=[Stopping()])

    return stop
