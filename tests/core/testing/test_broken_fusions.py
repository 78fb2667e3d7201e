"""The kit catches fusions that break a law, each by that law."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from mmx import Features, FeatureShape, FusionParams, PairFusion, PairFusionParams
from mmx.testing import check


class FaultyParams(PairFusionParams):
    """Settings of a fusion with a chosen fault."""

    type: Literal["faulty"] = "faulty"
    fault: str = Field(default="", description="law that it breaks; empty: none")

    def build_pair(self, image: FeatureShape, text: FeatureShape) -> PairFusion:
        if self.fault == "builds":
            return NoFusion(image, text)  # type: ignore[return-value]
        return Faulty(image, text, self.fault)


class NoFusion(nn.Module):
    """Does all that a fusion does, but is none."""

    dim = 12
    fault = ""

    def __init__(self, image: FeatureShape, text: FeatureShape) -> None:
        super().__init__()
        self.image, self.text = nn.Linear(image.dim, 12), nn.Linear(text.dim, 12)

    def forward(self, image: Features, text: Features) -> Features:
        return fuse(self, image, text)


class Faulty(PairFusion):
    """Adds two projections, with one fault."""

    def __init__(self, image: FeatureShape, text: FeatureShape, fault: str) -> None:
        super().__init__()
        self.fault, self.dim = fault, 13 if fault == "shapes" else 12
        self.image, self.text = nn.Linear(image.dim, 12), nn.Linear(text.dim, 12)
        if fault == "state":
            self.register_buffer("noise", torch.randn(12), persistent=False)
        if fault == "seed":
            generator = torch.Generator()
            generator.seed()
            self.image.weight.data = torch.randn(12, image.dim, generator=generator)
        if fault == "size":
            self.factors = [torch.ones(12, requires_grad=True)]

    def forward(self, image: Features, text: Features) -> Features:
        return fuse(self, image, text)


def fuse(module: Faulty | NoFusion, image: Features, text: Features) -> Features:
    fault = module.fault
    a, t = (vector(side, fault) for side in (image, text))
    if fault == "gradient":
        t = t.detach()
    result = module.image(a) + module.text(t)
    if fault == "bfloat16":
        rows = torch.arange(len(result))
        result = torch.zeros(len(result), 12).index_add(0, rows, result)
    if fault == "batch_independence":
        result = result - result.mean(dim=0)
    if fault == "batch_permutation":
        result = result * torch.arange(1.0, len(result) + 1)[:, None]
    if fault == "random_state":
        torch.rand(1)
    if fault == "inputs_kept":
        image.tokens.data.clamp_(max=0.5)
    if fault == "spread":
        result = 0.1 * result + torch.arange(12)
    if fault == "state":
        result = result + module.noise  # type: ignore[operator]
    explain = {"sum": result if fault == "explain" else result.detach()}
    parts = {} if fault == "parts" else {"first": a, "second": t}
    mask = torch.ones(len(result), 1, dtype=torch.bool, device=result.device)
    there = image.present | text.present
    return Features(result[:, None], mask, result, present=there, parts=parts, explain=explain)


def vector(side: Features, fault: str) -> Tensor:
    pooled = side.tokens.mean(dim=1) if fault == "padding" else side.pooled
    return pooled if fault == "missing" else pooled.masked_fill(~side.present[:, None], 0)


class BatchNormLike(FaultyParams):
    expected_failures: ClassVar[Mapping[str, str]] = {"batch_independence": "uses batch statistics"}


class Undescribed(FaultyParams):
    secret: int = 3


class WrongClaim(FaultyParams):
    @classmethod
    def reduces_to(cls) -> Mapping[str, Callable[[], tuple[Tensor, Tensor]]]:
        return {"two is three": lambda: (torch.tensor(2.0), torch.tensor(3.0))}


IN_FORWARD = [
    "builds", "shapes", "bfloat16", "batch_independence", "padding", "gradient", "missing", "state",
    "seed", "random_state", "inputs_kept", "size", "explain", "parts", "spread",
]  # fmt: skip


def failing(method: FusionParams | type[FusionParams]) -> list[str]:
    return [one.name for one in check(method) if one.status == "failed"]


def test_a_sound_fusion_keeps_all_laws() -> None:
    assert failing(FaultyParams) == []


@pytest.mark.parametrize("law", IN_FORWARD)
def test_a_fault_is_caught_by_its_law(law: str) -> None:
    assert law in failing(FaultyParams.model_validate({"fault": law}))


def test_an_order_that_matters_is_caught_even_where_batches_may_couple() -> None:
    broken = failing(BatchNormLike.model_validate({"fault": "batch_permutation"}))
    assert "batch_permutation" in broken


def test_a_setting_without_description_is_caught() -> None:
    assert failing(Undescribed) == ["settings_read", "described"]


def test_a_wrong_claim_is_caught() -> None:
    assert failing(WrongClaim) == ["reduces_to"]


def test_a_heavy_import_is_caught(tmp_path: Path) -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    heavy = "try:\n    import mamba_ssm\nexcept ImportError:\n    mamba_ssm = None\n"
    file = tmp_path / "heavy_fusion.py"
    file.write_text(source + heavy, encoding="utf-8")
    module = loaded(file)
    assert failing(module.FaultyParams) == ["light_import"]


def loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("heavy_fusion", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["heavy_fusion"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
