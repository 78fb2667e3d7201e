"""How many operations a trained model needs for one sample."""

from collections.abc import Sequence
from pathlib import Path

import torch

from mmx.inference import load_trained
from mmx.pipeline import open_sources, prepare
from mmx.runs import Observer, write_sealed


def write_operations(
    path: Path, file: Path, observer: Observer, plugins: Sequence[str | Path] = ()
) -> None:
    """Count the operations of a run's model on one test row, and write them as JSON.

    What is counted is what a run computes anew in every epoch: frozen encoders are left out, as
    their features come from the cache. A multiplication and an addition are two operations;
    element-wise ones are not counted.

    Source: torch.utils.flop_counter.
    """
    from torch.utils.flop_counter import FlopCounterMode  # only where operations are counted

    trained = load_trained(path, plugins)
    prepared = prepare(trained.spec, observer)
    rows = prepared.split.rows("test").tolist()
    stores = trained.inputs.stores(prepared.rows)
    sources = open_sources(
        trained.spec, trained.model, stores, observer,
        rows=rows, statistics=trained.inputs.statistics,
    )  # fmt: skip
    batch, _ = sources.parts(prepared)["test"].batch([0])
    counter = FlopCounterMode(display=False)
    model = trained.model.eval().requires_grad_(False)  # the counter follows gradients, if any
    with torch.inference_mode(), counter:
        model(batch)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_sealed(file, {"operations": counter.get_total_flops()})
