"""What a check tells: outcomes, declared failures, certificates, pytest cases."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

import mmx
from mmx import Loss, LossParams, LossValue, Outputs, PluginError
from mmx.testing import check, check_law, check_plugin, laws, parametrize_with_checks


class PlainParams(LossParams):
    """Settings of plain cross-entropy."""

    type: Literal["plain"] = "plain"

    def build(self, class_counts: Tensor) -> Loss:
        return Plain()


class Plain(Loss):
    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        total = F.cross_entropy(outputs.logits, target)
        return LossValue(total, {"plain": total.detach()})


class Undetached(PlainParams):
    expected_failures: ClassVar[Mapping[str, str]] = {"scalar": "terms keep their graph for a plot"}

    def build(self, class_counts: Tensor) -> Loss:
        return KeepsGraph()


class KeepsGraph(Loss):
    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        total = F.cross_entropy(outputs.logits, target)
        return LossValue(total, {"plain": total})


class Pessimist(PlainParams):
    expected_failures: ClassVar[Mapping[str, str]] = {"scalar": "so I thought", "nonsense": "?"}


class Needy(PlainParams):
    amount: float = Field(description="no default")

    def build(self, class_counts: Tensor) -> Loss:
        assert self.amount > 0
        return Plain()


class Exploding(PlainParams):
    def build(self, class_counts: Tensor) -> Loss:
        raise ZeroDivisionError("boom")


def test_all_laws_of_a_kind_are_tried_in_order() -> None:
    results = check(PlainParams)
    assert [one.name for one in results] == list(laws("loss"))
    assert {one.status for one in results} == {"passed"}


def test_a_declared_failure_is_shown_with_its_reason_and_is_fine() -> None:
    result = check_law(Undetached, "scalar")
    assert (result.ok, result.status) == (True, "expected failure")
    assert "terms keep their graph for a plot" in result.detail
    assert "detached" in result.detail


def test_a_declared_failure_that_passes_is_reported() -> None:
    result = check_law(Pessimist, "scalar")
    assert (result.ok, result.status) == (False, "unexpected pass")
    assert "take it out of expected_failures" in result.detail


def test_a_declared_failure_of_no_law_is_reported() -> None:
    strange = check(Pessimist)[-1]
    assert (strange.name, strange.ok) == ("nonsense", False)


def test_laws_that_need_settings_are_not_run_and_say_so() -> None:
    results = {one.name: one for one in check(Needy)}
    assert results["scalar"].status == "not run"
    assert "amount" in results["scalar"].detail
    assert results["described"].status == "passed"
    assert check_law(Needy(amount=1), "scalar").status == "passed"


def test_whatever_a_plugin_raises_is_told_once_with_its_place() -> None:
    results = {one.name: one for one in check(Exploding)}
    place, words = results["builds"].detail.split(": ", 1)
    assert (place.rpartition(":")[0], words) == (__file__, "ZeroDivisionError: boom")
    assert results["scalar"].status == "not run"
    assert results["scalar"].detail == "comes after builds, which fails"
    assert results["described"].status == "passed"


def test_an_unknown_law_or_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PluginError, match="laws: builds, scalar"):
        check_law(PlainParams, "scalars")
    with pytest.raises(PluginError, match="kinds: baseline, dataset"):
        laws("fusions")


@parametrize_with_checks([PlainParams, Needy(amount=2)])
def test_parametrizes_a_test_with_methods_and_laws(method: type[LossParams], law: str) -> None:
    assert check_law(method, law).ok


def test_a_certificate_names_the_source_of_a_method() -> None:
    certificate = check_plugin("focal")
    source = mmx.Plugins().source("loss", "focal")
    told = (certificate.key, certificate.package, certificate.version, certificate.digest)
    assert told == ("loss.focal", source.package, source.version, source.digest)
    assert certificate.ok
    assert check_plugin("loss.mmx/focal").key == "loss.focal"


def test_checking_leaves_the_random_numbers_alone() -> None:
    before = torch.get_rng_state()
    check(mmx.Plugins().find("head", "moe"))
    check(mmx.Plugins().find("fusion", "gated"))
    assert torch.equal(before, torch.get_rng_state())
