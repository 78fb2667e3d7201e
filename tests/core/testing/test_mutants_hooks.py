"""Mistakes in hooks of inference: each is caught, by the law that names it."""

from collections.abc import Callable
from typing import Literal

import pytest
import torch
from pydantic import Field

import mmx
from mmx import Batch, Images, Prediction

Failing = Callable[[mmx.Params], dict[str, str]]
Caught = Callable[[mmx.Params, str], None]
# kind of method -> mistake -> the law that says so
MISTAKES = {
    "inference": {
        "centred over the batch": "batch_independence",
        "seeds torch, hook": "random_state",
        "batch changed in place": "inputs_kept",
        "not normalised": "normalised",
    },
}

NOTE = "what is wrong; empty: nothing"


class HookMutantParams(mmx.InferenceParams):
    """Settings of a hook that hands on what is inside, with a chosen mistake."""

    type: Literal["hook_mutant"] = "hook_mutant"
    mistake: str = Field(default="", description=NOTE)

    def build(self) -> mmx.InferenceHook:
        return Passing(self.mistake)


class Passing(mmx.InferenceHook):
    def __init__(self, mistake: str) -> None:
        self.mistake = mistake

    def predict(self, next: Callable[[Batch], Prediction], batch: Batch) -> Prediction:
        found = next(batch).log_probs
        if self.mistake == "centred over the batch":
            found = (found - found.mean(dim=0)).log_softmax(dim=1)
        if self.mistake == "seeds torch, hook":
            torch.manual_seed(1)
        if self.mistake == "batch changed in place":
            images = batch.inputs["image"]
            assert isinstance(images, Images)
            images.pixels.zero_()
        if self.mistake == "not normalised":
            found = found / 2
        return Prediction(found)


METHODS: dict[str, Callable[..., mmx.Params]] = {"inference": HookMutantParams}
CASES = [(kind, *one) for kind, found in MISTAKES.items() for one in found.items()]


@pytest.mark.parametrize("kind", METHODS)
def test_the_right_ones_keep_all_laws(kind: str, failing: Failing) -> None:
    assert failing(METHODS[kind]()) == {}


@pytest.mark.parametrize(("kind", "mistake", "law"), CASES)
def test_a_mistake_is_caught_by_the_law_that_names_it(
    kind: str, mistake: str, law: str, caught: Caught
) -> None:
    caught(METHODS[kind](mistake=mistake), law)
