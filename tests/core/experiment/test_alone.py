"""The answer to a case never depends on other cases: alone, in another order, beside larger ones.

What a run keeps comes from cached features of the whole part; a case that is asked later comes as
pixels and words. Both must say the same, for every fusion, every encoder around others, and hooks.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import mmx
from mmx.data import ImageStore, Part, TextStore, make_split, read_manifest
from mmx.inference.prediction import Chain, PartPrediction
from mmx.interfaces import Dataset, Sample, TextEncoder
from mmx.model import Model
from mmx.pipeline.learner import Learner, build_learner
from mmx.pipeline.prepare import PreparedData
from mmx.pipeline.processes import heard
from mmx.pipeline.sources import Sources, open_sources
from mmx_plugins.tasks.single_label import SingleLabelParams

Load = Callable[..., mmx.Spec]
TOLERANCE = 1e-4
FUSIONS = sorted(
    one.key.partition(".")[2] for one in mmx.Plugins().installed() if one.key.startswith("fusion.")
)
RAGGED = (1, 4, 2, 5, 3, 1, 2, 4)  # images of each row
SETTINGS = ("data.image.height=40", "data.image.width=56", "evaluation.batch_size=3")
BACKBONE = "backbone: tiny_image"
WRAPPERS = {
    "bilstm": f"{{type: sequence, {BACKBONE}, width: 4}}",
    "bilstm around the centre": f"{{type: sequence, {BACKBONE}, width: 4, pool: centre}}",
    "transformer": f"{{type: sequence, {BACKBONE}, width: 4, model: transformer, heads: 2}}",
    "waves": f"{{type: sequence, {BACKBONE}, model: none, positions: sinusoidal, pool: mean}}",
    "photos": f"{{type: multi_view, {BACKBONE}, heads: 2, width: 4}}",
    "photos by place": f"{{type: multi_view, {BACKBONE}, heads: 2, view_embedding: true}}",
    "crops": f"{{type: multi_view, {BACKBONE}, heads: 2, width: 4, views: crops}}",
    "slices": f"{{type: pseudo_3d, {BACKBONE}}}",
    "experts by view": f"{{type: sequence, width: 4, backbone: {{type: dual_expert, {BACKBONE}}}}}",
    "crops by view": f"{{type: sequence, width: 4, backbone: {{type: global_local, {BACKBONE}}}}}",
}
HOOKS = {
    "tta": "[{type: tta, views: crops}]",
    "mc_dropout": "[{type: mc_dropout, samples: 4}]",
    "both": "[{type: tta, views: scales}, {type: mc_dropout, samples: 3}]",
}


class Cases(Dataset):
    """Rows with so many images each, with gaps, and texts of as many lengths."""

    classes = ("a", "b")

    def __init__(self, folder: Path, images: Sequence[int]) -> None:
        generator = np.random.default_rng(0)
        self.rows = []
        for row, count in enumerate(images):
            files: list[Path | None] = []
            for view in range(count):
                files.append(folder / f"{row}-{view}.png")
                light = 60 * (row % 4) + generator.integers(0, 70, (1, 1, 3))
                noise = generator.integers(0, 256 - light, (40, 56, 3))
                pixels = (light + noise).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{row}-{view}.png")
            if count == 4:
                files[1] = None  # a place that stays empty
            text = " ".join(f"word{number}" for number in range(3 * row))
            label = self.classes[row % 2]
            self.rows.append(
                Sample(
                    f"case {row}",
                    f"group {row}",
                    {"image": tuple(files)},
                    record={"text": text},
                    label=label,
                )
            )

    def samples(self) -> Sequence[Sample]:
        return self.rows


class World:
    """A model at its start, awake, and the rows that it is asked about."""

    def __init__(self, spec: mmx.Spec, folder: Path, images: Sequence[int]) -> None:
        self.spec, self.folder = spec, folder
        self.samples = Cases(folder, images).samples()
        manifest = read_manifest(Cases(folder, images), 0.0, SingleLabelParams())
        split = make_split(manifest, spec.data.split)
        self.texts = [str(sample.record["text"]) for sample in self.samples]
        self.store = self.images(self.samples)
        self.prepared = PreparedData(manifest, split, {"text": self.texts}, {"image": self.store})
        self.learner: Learner = build_learner(spec, manifest, split)
        awake(self.learner.model)
        self.chain = Chain(
            spec.inference,
            self.learner.model,
            self.learner.loss,
            self.learner.task,
            spec.model.encoding,
        )

    def images(self, samples: Sequence[Sample]) -> ImageStore:
        folder = self.folder / "images"
        return ImageStore(samples, self.spec.data.image, folder=folder, memory_gb=0.0)

    def kept(self) -> PartPrediction:
        """All rows as a run predicts them."""
        rows = list(range(len(self.samples)))
        found: Sources = open_sources(
            self.spec, self.learner.model, self.learner.inputs.stores(self.prepared.rows),
            heard(None),
            rows=rows, statistics={},
        )  # fmt: skip
        if any(params.reads_pixels for params in self.spec.inference):
            found = found.pixels()
        return self._over(found.by_name["image"], found.by_name["text"], rows)

    def asked(self, rows: Sequence[int]) -> PartPrediction:
        """These rows as they are asked about later, and no others."""
        encoder = self.learner.model.encoder("text")
        assert isinstance(encoder, TextEncoder)
        images = self.images([self.samples[row] for row in rows])
        texts = TextStore([self.texts[row] for row in rows], encoder)
        return self._over(images, texts, list(range(len(rows))))

    def _over(self, image: object, text: object, rows: list[int]) -> PartPrediction:
        groups = [f"named {row}" for row in rows]
        sources: Any = {"image": image, "text": text}
        part = Part(rows, sources, torch.full((len(rows),), -1), groups)
        size = self.spec.evaluation.batch_size
        return self.chain.over(part, size, lambda done: None)[-1]


def awake(model: Model) -> None:
    """Move what starts at zero, so that everything takes part."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad and not parameter.any():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
        for parameter in model.heads.parameters():
            parameter *= 2  # so that answers lie far apart


def check(world: World) -> None:
    """Kept by a run, asked alone and in another order, the answers are the same."""
    kept = answers(world.kept())
    assert float((kept[1:] - kept[:-1]).abs().max()) > 30 * TOLERANCE  # cases differ at all
    rows = list(range(len(kept)))
    for row in rows:
        differ(answers(world.asked([row])), kept[[row]], f"row {row} alone")
    order = rows[::-1]
    differ(answers(world.asked(order)), kept[order], "in another order")


def answers(found: PartPrediction) -> Tensor:
    """[n, K], probabilities and the columns of hooks."""
    columns = [value.flatten(start_dim=1) for value in found.extras.values() if value.ndim > 1]
    columns += [value[:, None] for value in found.extras.values() if value.ndim == 1]
    return torch.cat([found.log_probs.exp(), *(one.float() for one in columns)], dim=1)


def differ(got: Tensor, want: Tensor, words: str) -> None:
    far = float((got - want).abs().max())
    assert far < TOLERANCE, f"{words}: {far:.2g}"


@pytest.fixture
def world(load: Load, home: Path) -> Callable[..., World]:
    """``world("model.fusion=gated", images=(1, 1))``."""

    def make(*overrides: str, images: Sequence[int] = RAGGED) -> World:
        (home / "cases").mkdir(exist_ok=True)
        return World(load(*SETTINGS, *overrides), home / "cases", images)

    return make


@pytest.mark.parametrize("fusion", FUSIONS)
def test_under_every_fusion(world: Callable[..., World], fusion: str) -> None:
    if fusion == "hierarchical":  # levels of one image, of a frame that is no square
        check(world("model.fusion={type: hierarchical, pool: 2}", images=[1] * 8))
        return
    check(world(f"model.fusion={fusion}", f"model.image={WRAPPERS['photos']}"))


@pytest.mark.parametrize("name", WRAPPERS)
def test_under_every_encoder_around_another_one(world: Callable[..., World], name: str) -> None:
    check(world(f"model.image={WRAPPERS[name]}"))


@pytest.mark.parametrize("name", ["transformer", "slices", "photos"])
@pytest.mark.parametrize("fusion", ["cross_attention", "mamba"])
def test_where_the_backbone_learns(world: Callable[..., World], name: str, fusion: str) -> None:
    image = WRAPPERS[name].replace("{", "{train: full, ", 1)
    check(world(f"model.image={image}", f"model.fusion={fusion}", "train.precision=bf16"))


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("train", ["frozen", "full"])
def test_under_hooks_that_ask_several_times(
    world: Callable[..., World], name: str, train: str
) -> None:
    image = WRAPPERS["transformer"].replace("{", f"{{train: {train}, ", 1)
    head = "model.head={type: mlp, hidden: 16, dropout: 0.5}"
    check(world(f"model.image={image}", head, f"inference={HOOKS[name]}"))
