"""Frozen encoders run where training runs; their features say which kind of device made them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from mmx.interfaces import Encoder
from mmx.training import enough_memory, placed, working_device


@contextmanager
def encoding_on_device(encoder: Encoder) -> Iterator[None]:
    """The encoder on the device of this process; afterwards it is where it was."""
    smaller = "evaluation.batch_size lower, or model.encoding: bf16"
    with placed(encoder, working_device()), enough_memory("a batch of frozen features", smaller):
        yield


def with_device(settings: str) -> str:
    """Settings of an encoder as part of a key of the cache, with the kind of device.

    A card adds in another order and rounds products in another way, so its features stand apart.
    """
    kind = working_device().type
    return settings if kind == "cpu" else json.dumps([settings, kind])
