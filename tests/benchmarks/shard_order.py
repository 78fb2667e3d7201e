"""Whether learning suffers from `sampler.shards` where shards are sorted by hospital.

    python tests/benchmarks/shard_order.py

Drawn pictures of four classes lie in shards of fifty, eight shards of one hospital after the other.
Each hospital has its own shares of the classes, brightness and contrast: the worst case for an
order that sees some shards at a time. A small convolutional network with batch normalisation learns
from them by `shuffle`, by `shards` as it is, and by one shard at a time; each seed draws weights
and order, and the difference to `shuffle` is taken seed by seed and printed with its standard
error. It has no limit: none was set before the first figures were seen. One shard at a time should
be worse; where it is not, the drawing tells nothing of the other orders either.
"""

import argparse
import io
import json
import tarfile
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

import mmx
from mmx.pipeline import PreparedData, build_learner, open_sources, prepare, tell_files
from mmx.runs import RunFolder, SilentObserver
from mmx.training import TrainingData, train
from mmx.training.scoring import known_log_probs

SIZE, CLASSES, PER_SHARD, SHARDS_OF_ONE = 32, 4, 50, 8
ARMS = {
    "shuffle": "shuffle",
    "shards, 8 lanes of 4": "shards",
    "shards, one at a time": "{type: shards, lanes: 1, window: 1}",
}
_SPEC = """
name: shard_order
data:
  dataset:
    type: table
    images: {image: [image]}
    label: class
    group: patient
    record: [hospital]
  narrative: {type: joined, column: hospital}
  image: {height: 32, width: 32}
  split: {train: 0.6, validation: 0.1, test: 0.3}
model:
  image: {type: small_network, train: full}
  fusion: image_only
  head: {type: mlp, hidden: 16}
train:
  epochs: 8
  threads: 1
  precision: fp32
  optimizer: {lr: 0.003, rates: {image: 0.003}}
"""


class SmallNetworkParams(mmx.EncoderParams):
    """Three convolutions with batch normalisation."""

    modality: ClassVar[str] = "image"
    type: Literal["small_network"] = "small_network"

    def build(self) -> "SmallNetwork":
        return SmallNetwork()


class SmallNetwork(mmx.SingleImageEncoder):
    def __init__(self) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.shape, self.weights = mmx.FeatureShape(32), {"origin": "random"}
        widths = (3, 16, 32, 32)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(i, o, 3, 2, 1), nn.BatchNorm2d(o), nn.ReLU())
                for i, o in pairwise(widths)
            )
        )

    def encode(self, pixels: Tensor) -> mmx.Features:
        tokens = self.layers(pixels).flatten(2).transpose(1, 2).float()
        mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        return mmx.Features(tokens, mask)


@mmx.hookimpl
def mmx_components() -> Sequence[type[mmx.Params]]:
    return [SmallNetworkParams]


def picture(draw: np.random.Generator, shown: int, look: tuple[float, float]) -> bytes:
    """A faint grating in the direction of the class, in the brightness and contrast of a hospital.

    Args:
        draw: of phase and noise.
        shown: class, 0 to 3.
        look: brightness and contrast.
    """
    down, across = np.mgrid[:SIZE, :SIZE]
    angle = shown * np.pi / CLASSES
    wave = np.sin((across * np.cos(angle) + down * np.sin(angle)) * 0.9 + draw.uniform(0, 6.3))
    noise: NDArray[np.float64] = draw.normal(size=(SIZE, SIZE))
    shows = draw.uniform(0, 0.6)  # from nothing, so that no network is right of all
    grey = (look[0] + look[1] * (shows * wave + noise)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")
    return buffer.getvalue()


def draw_hospitals(folder: Path, hospitals: int) -> None:
    """Shards of each hospital, one after the other."""
    folder.mkdir(parents=True)
    draw, row = np.random.default_rng(5), 0
    for hospital in range(hospitals):
        shares = draw.dirichlet(np.full(CLASSES, 0.5))
        look = (draw.uniform(70, 180), draw.uniform(15, 45))
        for part in range(SHARDS_OF_ONE):
            file = folder / f"{hospital:03}-{part}.tar"
            with tarfile.open(file, "w") as shard:
                for _ in range(PER_SHARD):
                    shown = int(draw.choice(CLASSES, p=shares))
                    cells = {
                        "class": f"class {shown}", "patient": f"p{row}", "hospital": f"h{hospital}"
                    }  # fmt: skip
                    add(shard, f"{row:06}.png", picture(draw, shown, look))
                    add(shard, f"{row:06}.json", json.dumps(cells).encode())
                    row += 1


def add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    """One file of a shard."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    shard.addfile(member, io.BytesIO(content))


def reached(spec: mmx.Spec, prepared: PreparedData) -> tuple[float, float]:
    """Balanced accuracy and mean negative log-likelihood on the test part, after training."""
    learner = build_learner(spec, prepared.manifest, prepared.split)
    tell_files(spec, learner.sampler, prepared)
    stores, rows = learner.inputs.stores(prepared.rows), range(len(prepared.manifest))
    sources = open_sources(
        spec, learner.model, stores, SilentObserver(), rows=list(rows), statistics={}
    )
    parts = sources.parts(prepared)
    with tempfile.TemporaryDirectory() as place:
        run = RunFolder(Path(place))
        train(learner.trainee, TrainingData(parts), spec, run, SilentObserver())
    test = parts["test"]
    found = known_log_probs(learner.trainee, test, batch_size=256, precision="fp32")
    right = (found.argmax(1) == test.labels).double()
    recalls = [right[test.labels == one].mean() for one in range(CLASSES)]
    likely = found.gather(1, test.labels[:, None]).mean()
    return float(torch.stack(recalls).mean()), -float(likely)


def main(hospitals: int, seeds: int, home: Path) -> None:
    """Draw, train, print the table."""
    torch.set_num_threads(1)
    file = home / "spec.yaml"
    file.write_text(_SPEC)
    draw_hospitals(home / "shards", hospitals)
    own = [f"data.dataset.path={home / 'shards'}", f"data.cache.folder={home / 'cache'}"]
    plugin = [Path(__file__)]
    specs = {
        name: [
            mmx.load_spec(
                file, overrides=[*own, f"train.sampler={order}", f"seed={seed}"], plugins=plugin
            )
            for seed in range(seeds)
        ]
        for name, order in ARMS.items()
    }
    prepared = prepare(specs["shuffle"][0], SilentObserver())
    base = torch.tensor([reached(spec, prepared) for spec in specs.pop("shuffle")])
    print("| order | balanced accuracy | to shuffle | NLL | to shuffle |\n|---|---|---|---|---|")
    print(f"| shuffle | {base[:, 0].mean():.3f} | | {base[:, 1].mean():.3f} | |", flush=True)
    for name, asked in specs.items():
        found = torch.tensor([reached(spec, prepared) for spec in asked])
        gap, error = (found - base).mean(0), (found - base).std(0) / seeds**0.5
        cells = [f"{found[:, k].mean():.3f} | {gap[k]:+.4f} ({error[k]:.4f})" for k in range(2)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--hospitals", type=int, default=12)
    options.add_argument("--seeds", type=int, default=6)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        main(given.hospitals, given.seeds, Path(folder))
