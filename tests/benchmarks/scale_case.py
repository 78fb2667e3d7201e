"""A drawn data set as the parts of ``scale.py`` use it, and the command that does one of them."""

import os
import resource
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scale_sets import PER_SHARD, DrawnShards, draw_shards

import mmx
from mmx.experiment.run_setup import RunSetup
from mmx.pipeline import Sources, open_sources
from mmx.runs import SilentObserver

HERE = Path(__file__).parent
COMMAND = str(HERE / "scale.py")
WIDE = HERE / "scale_encoder.py"
TINY = HERE.parent / "tiny" / "encoders.py"
GIB = 1 << 30
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A drawn data set, and where things are kept.

    Attributes:
        home: folder of runs and caches.
        shards: folder of the tar files.
        drawn: what is in them.
        memory_gb: of ``data.memory_gb``.
    """

    home: Path
    shards: Path
    drawn: DrawnShards
    memory_gb: float

    def spec(self, name: str, *overrides: str) -> mmx.Spec:
        """Tiny frozen encoders of images and notes, unless an override says another."""
        file = self.home / f"{name}.yaml"
        file.write_text(_SPEC)
        own = (
            f"name={name}", f"data.dataset.path={self.shards}",
            f"data.image.height={self.drawn.size}", f"data.image.width={self.drawn.size}",
            f"data.memory_gb={self.memory_gb}", f"data.cache.folder={self.home / 'cache'}",
        )  # fmt: skip
        return mmx.load_spec(file, overrides=[*own, *overrides], plugins=[TINY, WIDE])


_SPEC = """
data:
  dataset:
    type: table
    images: {image: [image]}
    label: finding
    group: study
    text: notes
    record: [age]
  narrative: {type: joined, column: notes}
model:
  image: tiny_image
  text: tiny_text
  fusion: concat
  projection: 8
  head: {type: mlp, hidden: 16}
train: {epochs: 2, batch_size: 32}
"""


def peak() -> float:
    """GiB that this process held at most, pages of memory maps among them."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB, 2)


def words_of(case: Case, part: str) -> list[str]:
    """The command that does one part in a process of its own."""
    drawn = case.drawn
    return [
        sys.executable, COMMAND, "--images", str(drawn.images), "--studies", str(drawn.studies),
        "--size", str(drawn.size), "--memory-gb", str(case.memory_gb), "--home", str(case.home),
        "--folder", str(case.shards), "--child", part,
    ]  # fmt: skip


def first_shards(case: Case) -> Case:
    """A case of the first shard or two."""
    folder = case.home / "first"
    folder.mkdir(exist_ok=True)
    files = sorted(case.shards.glob("*.tar"))[:2]
    for file in files:
        if not (folder / file.name).exists():
            os.link(file, folder / file.name)
    drawn = replace(case.drawn, images=min(case.drawn.images, PER_SHARD * len(files)))
    return replace(case, shards=folder, drawn=drawn, memory_gb=0.0)


def many_shards(case: Case) -> Case:
    """A case of two thousand images, fifty in a shard."""
    few = min(case.drawn.images, 2_000)
    drawn = replace(case.drawn, images=few, studies=few // 2, per_shard=50)
    shards = case.home / "many"
    if not shards.exists():
        draw_shards(shards, drawn)
    return replace(case, shards=shards, drawn=drawn, memory_gb=0.0)


def sources_of(setup: RunSetup) -> Sources:
    """Where batches come from; frozen encoders run over all rows that lack features."""
    return open_sources(
        setup.spec, setup.learner.model, setup.stores, SilentObserver(),
        rows=list(range(len(setup.prepared.manifest))),
        statistics=setup.learner.inputs.statistics,
    )  # fmt: skip
