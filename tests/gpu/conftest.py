"""Each test runs on the CPU in the ordinary suite, so that no slip is found on a card's minutes.

``pytest -m gpu tests/gpu`` is the same tests on the card, beside the CPU.
"""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # the steps of check.py and what they share


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    """Where the second of two computations runs."""
    name = str(request.param)
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch sees no card")
    return name
