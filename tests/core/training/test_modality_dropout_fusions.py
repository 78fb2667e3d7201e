"""Modality dropout: training works with every installed fusion; a share of 0 is the identity."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import pytest
import torch
from torch import Tensor

import mmx
from mmx import (
    Batch,
    Encoder,
    EncoderParams,
    Features,
    FeatureShape,
    ImageEncoder,
    Images,
    TextEncoder,
    Texts,
)
from mmx.blocks import Softmax
from mmx.model import Model, assemble
from mmx.runs import RunFolder
from mmx.spec import ModelSpec
from mmx.spec.model import ProjectionSpec
from mmx.training.modality_dropout import drop_modalities

WIDTH, CLASSES = 8, 3
FUSIONS = sorted(one.type for one in mmx.Plugins().installed() if one.kind == "fusion")


class GivenParams(EncoderParams):
    """Settings of an encoder that never runs: the rows hold its features."""

    modality: ClassVar[str] = "image"
    type: Literal["given"] = "given"

    def build(self) -> Encoder:
        return Given()


class Given(ImageEncoder):
    """States the widths of given features."""

    shape = FeatureShape(WIDTH, (WIDTH, WIDTH))

    def __init__(self) -> None:
        super().__init__()
        self.weights = {"origin": "none"}

    def forward(self, images: Images) -> Features:
        raise AssertionError("the rows hold features")


class GivenTextParams(GivenParams):
    """The same for texts."""

    modality: ClassVar[str] = "text"

    def build(self) -> Encoder:
        return GivenText()


class GivenText(TextEncoder):
    """States the widths of given features."""

    shape = FeatureShape(WIDTH, (WIDTH, WIDTH))

    def __init__(self) -> None:
        super().__init__()
        self.weights = {"origin": "none"}

    def tokenize(self, texts: Sequence[str]) -> Texts:
        raise AssertionError("the rows hold features")

    def forward(self, texts: Texts) -> Features:
        raise AssertionError("the rows hold features")


class Rows:
    """Random features with two levels, both sides there."""

    def __init__(self, rows: int) -> None:
        self.labels = torch.arange(rows) % CLASSES
        self.groups = tuple(map(str, range(rows)))

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, positions: Sequence[int]) -> tuple[Batch, Tensor]:
        batch, places = len(positions), list(positions)
        present = torch.ones(batch, 2, dtype=torch.bool)
        inputs = {"image": _features(batch, 6), "text": _features(batch, 4)}
        return Batch(inputs, present), self.labels[places]


def _features(batch: int, tokens: int, levels: int = 2) -> Features:
    mask = torch.ones(batch, tokens, dtype=torch.bool)
    deeper = tuple(_features(batch, tokens, 0) for _ in range(levels))
    return Features(torch.randn(batch, tokens, WIDTH), mask, levels=deeper)


def _model(fusion: str) -> Model:
    found = mmx.Plugins().find("fusion", fusion)
    assert issubclass(found, mmx.FusionParams)
    head = mmx.Plugins().find("head", "mlp")()
    assert isinstance(head, mmx.HeadParams)
    projection = ProjectionSpec(dim=64)  # the width that every default fits
    spec = ModelSpec.model_construct(
        encoders={"image": GivenParams(), "text": GivenTextParams()},
        fusion=found(), head=head, projection=projection,
    )  # fmt: skip
    return assemble(spec, Softmax(CLASSES))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_trains_on_samples_that_lost_a_side(
    tiny: Any, folder: RunFolder, fusion: str
) -> None:
    torch.manual_seed(0)
    model, seen = _model(fusion), list[Tensor]()
    before = {name: value.clone() for name, value in model.trainable_state().items()}
    model.register_forward_pre_hook(
        lambda module, given: seen.append(given[0].present) if module.training else None
    )
    spec = tiny.tiny_spec(modality_dropout=0.9, epochs=1)
    parts = {"train": Rows(16), "validation": Rows(6)}
    history = tiny.tiny_train(folder.path, model, spec, parts=parts)
    present = torch.cat(seen)
    assert present.any(dim=1).all()
    assert (~present).any(dim=0).all()  # now one side is lost, now the other
    assert torch.tensor(history.epochs[0].loss).isfinite()
    after = model.trainable_state()
    assert all(value.isfinite().all() for value in after.values())
    assert any(not torch.equal(value, before[name]) for name, value in after.items())


def test_a_share_of_none_is_the_identity() -> None:
    present = torch.tensor([[True, True], [True, False], [False, True], [True, True]])
    for draws in (torch.zeros(4, 2), torch.rand(4, 2), torch.full((4, 2), 0.999)):
        assert torch.equal(drop_modalities(present, draws, 0.0), present)
