"""A tiny model, a tiny part and a spec; as a script it trains when told to, in forked processes."""

import hashlib
import json
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmx.blocks import Softmax
from mmx.data import ImageStore
from mmx.interfaces import (
    Batch,
    Features,
    Images,
    Link,
    Loss,
    LossParams,
    LossValue,
    Outputs,
    Sample,
    TaskParams,
)
from mmx.runs import RunFolder, SilentObserver
from mmx.spec import EvaluationSpec, ImageSpec, Spec, TrainSpec
from mmx.training import History, Trainee, TrainingData, train
from mmx_plugins.losses.bce import BceParams
from mmx_plugins.losses.cumulative_link import CumulativeLinkParams
from mmx_plugins.readers.webdataset import ShardImage, WebdatasetReader
from mmx_plugins.tasks.multi_label import MultiLabelParams
from mmx_plugins.tasks.ordinal import OrdinalParams
from mmx_plugins.tasks.single_label import SingleLabelParams


class Plain(Loss):
    """Cross-entropy."""

    def forward(self, outputs: Outputs, target: Tensor, progress: float) -> LossValue:
        loss = cross_entropy(outputs.logits, target)
        return LossValue(loss, {"cross_entropy": loss.detach()})


class Tiny(nn.Module):
    """Two linear encoders and a head, with batch normalisation and dropout unless ``plain``."""

    def __init__(
        self, seed: int = 0, plain: bool = False, size: int = 6, link: Link | None = None
    ) -> None:
        super().__init__()
        torch.manual_seed(seed)
        norm, dropout = (nn.Identity(), 0.0) if plain else (nn.BatchNorm1d(8), 0.3)
        image = nn.Sequential(nn.Linear(size, 8), norm)
        self.encoders = nn.ModuleDict({"image": image, "text": nn.Linear(4, 8)})
        self.link = link or Softmax(3)
        last = nn.Linear(16, self.link.inputs)
        self.head = nn.Sequential(nn.LayerNorm(16), nn.Dropout(dropout), last)
        self.seen: list[Batch] = []

    def forward(self, batch: Batch) -> Outputs:
        self.seen = [*self.seen[-9:], batch]
        seen, text = batch.inputs["image"], batch.inputs["text"]
        if isinstance(seen, Images):
            image = seen.pixels.float().mean(dim=(1, 3, 4)).repeat(1, 2) / 255
        else:
            assert isinstance(seen, Features)
            image = seen.pooled
        assert isinstance(text, Features)
        sides = [self.encoders["image"](image), self.encoders["text"](text.pooled)]
        kept = [s * batch.present[:, i : i + 1] for i, s in enumerate(sides)]
        return Outputs(self.link(self.head(torch.cat(kept, dim=1))), present=batch.present)

    def trainable_state(self) -> dict[str, Tensor]:
        return dict(self.state_dict())

    def load_trainable(self, state: Mapping[str, Tensor]) -> None:
        self.load_state_dict(state)


class TinyPart:
    """Rows whose class shows in both modalities."""

    def __init__(self, rows: int, seed: int, pixels: bool = False, several: bool = False) -> None:
        draws = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(3, (rows,), generator=draws)
        self.groups = tuple(str(row // 2) for row in range(rows))
        self.files = [f"{row // 4}.tar" for row in range(rows)]
        signal = nn.functional.one_hot(self.labels, 3).float()
        self.image = torch.cat([signal, torch.zeros(rows, 3)], 1)
        self.image += torch.randn(rows, 6, generator=draws)
        self.text = torch.cat([signal, torch.zeros(rows, 1)], 1)
        self.text += torch.randn(rows, 4, generator=draws)
        if several:  # the same as labels side by side, of which every seventh is unknown
            self.labels = signal.long()
            self.labels.view(-1)[::7] = -1
        self.pixels = None
        if pixels:
            self.pixels = torch.randint(256, (rows, 1, 3, 6, 8), generator=draws).to(torch.uint8)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, positions: Sequence[int]) -> tuple[Batch, Tensor]:
        rows = torch.tensor(positions)
        image: Images | Features = Features.of_pooled(self.image[rows])
        if self.pixels is not None:
            image = Images(self.pixels[rows], torch.ones(len(rows), 1, dtype=torch.bool))
        present = torch.ones(len(rows), 2, dtype=torch.bool)
        inputs = {"image": image, "text": Features.of_pooled(self.text[rows])}
        return Batch(inputs, present), self.labels[rows]


class ShardedPart(TinyPart):
    """Rows whose images lie in shards; which of them training reads is noted.

    Args:
        rows: of the part; the shards hold as many.
        seed: of all but the images.
        folder: of the shards.
    """

    def __init__(self, rows: int, seed: int, folder: Path) -> None:
        super().__init__(rows, seed)
        images = list(WebdatasetReader().read(folder).cells["image"])
        samples = [
            Sample(str(row), str(row), images={"image": (images[row],)}) for row in range(rows)
        ]
        spec = ImageSpec(height=6, width=8)
        cache = folder / f"cache {os.getpid()}"
        self.store = ImageStore(samples, spec, folder=cache, memory_gb=0)
        self.files = [self.store.file_of(row) for row in range(rows)]
        self.read: list[str] = []

    def batch(self, positions: Sequence[int]) -> tuple[Batch, Tensor]:
        batch, target = super().batch(positions)
        plain = ShardImage.head

        def noted(image: ShardImage, size: int) -> bytes:
            self.read.append(image.shard.name)
            return plain(image, size)

        with mock.patch.object(ShardImage, "head", noted):
            pixels = self.store.collate(positions)
        if len(positions) == 1:  # a look at the first row, before training begins
            self.read.clear()
        return replace(batch, inputs={**batch.inputs, "image": pixels}), target


TASKS: dict[str, tuple[TaskParams, LossParams | None]] = {
    "single_label": (SingleLabelParams(), None),
    "multi_label": (MultiLabelParams(), BceParams()),
    "ordinal": (OrdinalParams(levels=("a", "b", "c")), CumulativeLinkParams()),
}
LEVEL_COUNTS = torch.tensor([20, 20, 10])  # where the thresholds of ordered levels start
LABEL_COUNTS = torch.tensor([[30, 15, 5]] * 3)


def _counts(spec: Spec) -> Tensor:
    return LABEL_COUNTS if isinstance(spec.task, MultiLabelParams) else LEVEL_COUNTS


def link(spec: Spec) -> Link:
    """That of the loss, else that of the task."""
    return (spec.loss and spec.loss.link(_counts(spec))) or spec.task.build("abc").link()


def built_loss(spec: Spec) -> Loss:
    """Of the spec; plain cross-entropy where it names none."""
    return spec.loss.build(_counts(spec)) if spec.loss else Plain()


def tiny_spec(seed: int = 0, **settings: Any) -> Spec:
    """A spec with these training settings; no data and no real model are named."""
    task, loss = TASKS[settings.pop("task", "single_label")]
    chosen = {"epochs": 4, "batch_size": 8, "threads": 1, "checkpoint_minutes": 0.0} | settings
    encoders = {name: SimpleNamespace(auxiliary_defaults={}) for name in ("image", "text")}
    return Spec.model_construct(
        name="tiny",
        seed=seed,
        task=task,
        loss=loss,
        data=SimpleNamespace(workers=0),
        model=SimpleNamespace(encoders=encoders, used=tuple(encoders), kinds={}),
        train=TrainSpec.model_validate(chosen),
        evaluation=EvaluationSpec(),
    )


def tiny_train(path: Path, model: Tiny, spec: Spec, **options: Any) -> History:
    """Train the tiny model on 50 rows in a run folder."""
    pixels = options.pop("pixels", False)
    rows, observer = options.pop("rows", 50), options.pop("observer", SilentObserver())
    several = isinstance(spec.task, MultiLabelParams)
    parts = {
        name: TinyPart(many, seed, pixels, several)
        for name, many, seed in (("train", rows, 1), ("validation", 31, 2))
    }
    parts |= options.pop("parts", {})
    sampler = spec.train.sampler.build(parts["train"].labels, spec.seed)
    if sampler.lanes:
        sampler.set_files(parts["train"].files)
    loss = options.pop("loss", built_loss(spec))
    task = spec.task.build("abc")
    described = {k: options.pop(k) for k in ("allowed_views", "sample_names") if k in options}
    trainee, data = Trainee(model, loss, sampler, task), TrainingData(parts, **described)
    return train(trainee, data, spec, RunFolder(path), observer, **options)


def digest(model: nn.Module) -> str:
    """SHA-256 of all weights and buffers."""
    found = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        found.update(name.encode() + value.numpy().tobytes())
    return found.hexdigest()


def serve() -> None:
    """Fork a training for each line of the input: importing torch each time would take seconds.

    ``{"path": ..., "settings": ..., "plain": ..., "environment": ..., "slow": seconds}`` starts one
    and answers its process id; ``{"wait": pid}`` answers how it ended.
    """
    for late in ("accelerate.utils", "torch._dynamo"):  # training imports them on first use
        import_module(late)
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        else:
            answer = os.fork()
            if not answer:
                try:
                    _child(order)
                except BaseException:
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _child(order: dict[str, Any]) -> None:
    os.environ.update(order.get("environment", {}))
    sync, slow = os.fsync, order.get("slow", 0)
    os.fsync = lambda handle: (time.sleep(slow), sync(handle))[1]
    path, spec = Path(order["path"]), tiny_spec(**order["settings"])
    model = Tiny(plain=order.get("plain", False), link=link(spec))
    rows = order.get("rows", 50)
    sharded = ShardedPart(rows, 1, Path(order["shards"])) if "shards" in order else None
    parts = {} if sharded is None else {"train": sharded}
    history = tiny_train(path, model, spec, rows=rows, parts=parts)
    epochs = [[epoch.loss, dict(epoch.scores)] for epoch in history.epochs]
    name = f"result-{os.environ.get('RANK', 0)}.json"
    found = {"digest": digest(model), "epochs": epochs}
    if sharded is not None:
        found["read"] = sharded.read
        found["weights"] = {name: value.tolist() for name, value in model.state_dict().items()}
    (path / name).write_text(json.dumps(found))


__all__ = ["Plain", "Tiny", "TinyPart", "digest", "tiny_spec", "tiny_train"]

if __name__ == "__main__":
    serve()
