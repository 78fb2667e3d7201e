"""A batch that does not fit: a message that says what to set, and never a traceback."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

import torch
from check import Given, Row, held
from pictures import table_of
from step_encoding import write_spec
from tiny_runs import PLUGINS
from torch import nn

import mmx


def main(given: Given) -> Iterator[Row]:
    """One run with a batch that no card holds; without a card a full one is pretended."""
    count, batch, size = (40, 16, 64) if given.tiny else (4096, 2800, 512)
    table = table_of(given.folder / "pictures", count, 64)
    file = write_spec(given, "too-much", table, "fp32")
    changes = [f"train.batch_size={batch}", "model.image.train=full", "train.precision=fp32",
               f"data.image.height={size}", f"data.image.width={size}"]  # fmt: skip
    spec = mmx.load_spec(file, overrides=changes, plugins=PLUGINS)
    try:
        with nullcontext() if given.on_card else full():
            mmx.run(spec)
    except mmx.RunError as error:
        words = str(error)
        good = all(key in words for key in ("batch_size", "accumulate", "precision"))
        yield held("out of memory", words.replace("\n", " "), good)
    else:
        yield held("out of memory", "the batch fitted", good=False)


def full() -> AbstractContextManager[Any]:
    """Convolutions that learn find no memory."""
    forward = nn.Conv2d.forward

    def refused(layer: nn.Conv2d, pixels: torch.Tensor) -> torch.Tensor:
        if layer.training and torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return forward(layer, pixels)

    return patch.object(nn.Conv2d, "forward", refused)
