"""The kit catches broken life-cycle hooks, each by its law."""

import re
from typing import Any, Literal

import pytest
import torch

import mmx
from mmx.testing import check_law, laws


class Quiet(mmx.Hook):
    """Does nothing."""


class QuietParams(mmx.HookParams):
    type: Literal["quiet"] = "quiet"

    def build(self) -> mmx.Hook:
        return Quiet()


KEPT = Quiet()


class SameParams(QuietParams):
    def build(self) -> mmx.Hook:
        return KEPT


class NoneParams(QuietParams):
    def build(self) -> Any:
        return None


class Slip(mmx.Hook):
    def epoch_end(self, folder: object, epoch: int, values: object) -> None: ...


class SlipParams(QuietParams):
    def build(self) -> mmx.Hook:
        return Slip()


class Short(mmx.Hook):
    def finished(self, folder: object) -> None:  # type: ignore[override]
        ...


class ShortParams(QuietParams):
    def build(self) -> mmx.Hook:
        return Short()


class Words(mmx.Hook):
    def audit_checks(self) -> Any:
        return ["empty_texts"]


class WordsParams(QuietParams):
    def build(self) -> mmx.Hook:
        return Words()


class SeedsParams(QuietParams):
    def build(self) -> mmx.Hook:
        torch.manual_seed(0)
        return Quiet()


@pytest.mark.parametrize("law", laws("hook"))
def test_a_quiet_hook_keeps_all_laws(law: str) -> None:
    assert check_law(QuietParams, law).status == "passed"


@pytest.mark.parametrize(
    ("method", "law", "words"),
    [
        (SameParams, "builds", "the same object twice"),
        (NoneParams, "builds", "must give a Hook"),
        (SlipParams, "moments", "epoch_end is never called; nearest: epoch_ended"),
        (ShortParams, "moments", r"finished is called with \(folder, metrics\)"),
        (WordsParams, "checks", "'empty_texts', which is no mmx.Check"),
        (SeedsParams, "random_state", "build"),
    ],
)
def test_each_mistake_is_caught(method: type[mmx.HookParams], law: str, words: str) -> None:
    result = check_law(method, law)
    assert result.status == "failed"
    assert re.search(words, result.detail), result.detail
