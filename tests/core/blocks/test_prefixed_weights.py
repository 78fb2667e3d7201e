"""Known prefixes before the names of a checkpoint are taken off, and told."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mmx.blocks import load_tensors, read_tensors
from mmx.blocks.prefixes import PREFIXES
from mmx.errors import WeightsError


def network(width: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))


def behind(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in module.state_dict().items()}


@pytest.mark.parametrize("prefix", [*PREFIXES, "module.model.", "_orig_mod.module.backbone."])
def test_a_prefix_is_taken_off_and_told(prefix: str) -> None:
    source, target = network(), network()
    (told,) = load_tensors(target, behind(prefix, source), "x.pth")
    assert told == f"x.pth: 7 tensors were read without their prefix {prefix!r}"
    for name, value in source.state_dict().items():
        assert torch.equal(target.state_dict()[name], value)


def test_names_without_a_prefix_say_nothing() -> None:
    assert load_tensors(network(), network().state_dict(), "x.pth") == ()


def test_an_unknown_prefix_is_not_taken_off() -> None:
    with pytest.raises(WeightsError, match=r"x.pth: 6 tensors missing: 0.bias"):
        load_tensors(network(), behind("mine.", network()), "x.pth")


def test_what_stands_outside_of_the_prefix_is_told() -> None:
    given = {**behind("bert.", network()), "cls.bias": torch.ones(1), "cls.a": torch.ones(1)}
    (told,) = load_tensors(network(), given, "x.pth")
    assert told.endswith("; 2 others were not read, such as cls.a")


def test_two_copies_are_refused(tmp_path: Path) -> None:
    copies = {"teacher": network().state_dict(), "student": network().state_dict(), "epoch": 3}
    torch.save(copies, tmp_path / "dino.pth")
    with pytest.raises(WeightsError, match=r"fit behind 'teacher.' and 'student.'"):
        load_tensors(network(), read_tensors(tmp_path / "dino.pth"), "dino.pth")


def test_two_copies_of_different_width_are_told_apart() -> None:
    source, target = network(3), network(3)
    load_tensors(target, behind("student.", source) | behind("teacher.", network(5)), "x.pth")
    assert torch.equal(target.state_dict()["0.weight"], source.state_dict()["0.weight"])


def test_another_shape_is_told_with_both() -> None:
    words = r"x.pth, without the prefix 'module.': 6 tensors of another shape: 0.bias \[5\] for"
    with pytest.raises(WeightsError, match=words + r" \[3\]"):
        load_tensors(network(3), behind("module.", network(5)), "x.pth")


def test_what_is_missing_behind_a_prefix_is_named() -> None:
    given = behind("module.", network())
    del given["module.0.bias"]
    with pytest.raises(WeightsError, match=r"prefix 'module.': 1 tensors missing: 0.bias"):
        load_tensors(network(), given, "x.pth")


class Tied(nn.Module):
    """Two names of one parameter, as T5 has for its table of words."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Embedding(4, 2)
        self.inner = nn.Embedding(4, 2)
        self.inner.weight = self.shared.weight


@pytest.mark.parametrize("name", ["shared", "inner", "model.shared", "model.inner"])
def test_one_name_of_a_tied_parameter_is_enough(name: str) -> None:
    module, value = Tied(), torch.randn(4, 2)
    load_tensors(module, {f"{name}.weight": value}, "x.pth")
    assert torch.equal(module.shared.weight, value)
    assert torch.equal(module.inner.weight, value)


def test_no_name_of_a_tied_parameter_is_too_few() -> None:
    with pytest.raises(WeightsError, match="missing: shared.weight"):
        load_tensors(Tied(), {"other.weight": torch.randn(4, 2)}, "x.pth")
