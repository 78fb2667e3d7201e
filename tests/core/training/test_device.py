import pytest
import torch
from torch import nn

from mmx import RunError
from mmx.training.device import enough_memory, placed, working_device

CARD = torch.device("cuda")


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch as it answers on a machine with a card."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: CARD)
    monkeypatch.delenv("ACCELERATE_USE_CPU", raising=False)
    monkeypatch.delenv("LOCAL_RANK", raising=False)


@pytest.mark.usefixtures("card")
def test_a_card_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert working_device() == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert working_device() == torch.device("cuda", 3)


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("word", ["true", "1", "YES"])
def test_the_variable_of_accelerate_keeps_all_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", word)
    assert working_device() == torch.device("cpu")


def test_without_a_card_it_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    assert working_device() == torch.device("cpu")


def test_a_module_comes_back_from_where_it_was_placed() -> None:
    module = nn.Linear(2, 2)
    with pytest.raises(ZeroDivisionError), placed(module, torch.device("cpu")):
        raise ZeroDivisionError
    assert next(module.parameters()).device == torch.device("cpu")


def test_a_full_card_is_told_in_keys_of_the_spec() -> None:
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore words")
    told = pytest.raises(RunError, match=r"64 samples does not fit .*2.00 GiB")
    with told as raised, enough_memory("a step of 64 samples", "train.batch_size: 32"):
        raise full
    assert "Set train.batch_size: 32, then run the same spec again" in str(raised.value)
    assert "more words" not in str(raised.value)
