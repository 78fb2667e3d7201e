"""Trainings that begin at the same time in one process."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from accelerate.state import AcceleratorState, PartialState

from mmx.training.start import _accelerator


def test_trainings_in_threads_all_know_their_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accelerate shares its state in a process; others see it as soon as it is begun."""
    prepare = PartialState._prepare_backend

    def slowly(state: PartialState, *given: Any) -> object:
        time.sleep(0.05)
        return prepare(state, *given)

    monkeypatch.setattr(PartialState, "_prepare_backend", slowly)
    AcceleratorState._reset_state(reset_partial_state=True)
    together = Barrier(3)

    def device(_: int) -> object:
        together.wait()
        return _accelerator().device

    with ThreadPoolExecutor(3) as pool:
        found = set(pool.map(device, range(3)))
    assert len(found) == 1
    assert None not in found
