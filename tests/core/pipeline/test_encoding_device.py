import pytest
import torch
from torch import nn

from mmx import RunError
from mmx.pipeline.encoding_device import encoding_on_device, with_device


def test_features_of_a_card_have_a_key_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    here = with_device("settings")
    monkeypatch.setattr(
        "mmx.pipeline.encoding_device.working_device", lambda: torch.device("cuda", 0)
    )
    assert here == "settings"
    assert with_device("settings") == '["settings", "cuda"]'


def test_a_card_that_is_full_while_encoding_names_the_keys() -> None:
    told = pytest.raises(RunError, match=r"evaluation\.batch_size lower, or model\.encoding: bf16")
    with told, encoding_on_device(nn.Linear(1, 1)):  # type: ignore[arg-type]
        raise torch.OutOfMemoryError("CUDA out of memory")
