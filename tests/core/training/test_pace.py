"""When a checkpoint is due: by time inside epochs, by what writing costs at their ends."""

from types import SimpleNamespace

import pytest

from mmx.training import pace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the test moves."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def save(pace_: pace.Pace, clock: SimpleNamespace, seconds: float) -> None:
    with pace_.saving():
        clock.now += seconds


def test_inside_an_epoch_the_stated_minutes_pass(clock: SimpleNamespace) -> None:
    own = pace.Pace(minutes=2)
    clock.now += 119
    assert not own.due()
    clock.now += 1
    assert own.due()
    save(own, clock, 3)
    assert not own.due()


def test_ends_of_short_epochs_are_skipped(clock: SimpleNamespace) -> None:
    own = pace.Pace(minutes=2)
    clock.now += 4.9
    assert not own.due_after_epoch()
    clock.now += 0.1
    assert own.due_after_epoch()


def test_writing_at_the_ends_of_epochs_takes_a_twentieth_of_the_time(
    clock: SimpleNamespace,
) -> None:
    own = pace.Pace(minutes=2)
    save(own, clock, 4)
    clock.now += 79
    assert not own.due_after_epoch()
    clock.now += 1
    assert own.due_after_epoch()


def test_costly_writing_never_waits_longer_than_the_stated_minutes(clock: SimpleNamespace) -> None:
    own = pace.Pace(minutes=2)
    save(own, clock, 60)
    clock.now += 120
    assert own.due_after_epoch()
