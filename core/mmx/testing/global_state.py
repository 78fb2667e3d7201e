"""Global state: each law starts from its own, and a method must leave it alone."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zlib import crc32

import numpy as np
import torch

from mmx.testing.law import demand

DRAWS = "the random numbers of torch"


def _parts() -> dict[str, Callable[[], object]]:
    """How to look at each part of the global state, by its name in sentences."""
    return {
        DRAWS: lambda: torch.get_rng_state().numpy().tobytes(),
        "the seed of torch": torch.initial_seed,
        "the random numbers of numpy": lambda: repr(np.random.get_state(legacy=False)),
        "the random numbers of Python": random.getstate,
        "the default type of torch": torch.get_default_dtype,
        "whether torch keeps gradients": torch.is_grad_enabled,
        "the number of threads of torch": torch.get_num_threads,
        "deterministic algorithms of torch": torch.are_deterministic_algorithms_enabled,
        "the precision of products of torch": torch.get_float32_matmul_precision,
        "the working folder": os.getcwd,
    }


@contextmanager
def untouched(doing: str, *, draws: bool = False) -> Iterator[None]:
    """Demand that a block leaves all global state as it was.

    Args:
        doing: what the block does, for the sentence of a failure.
        draws: it may draw random numbers of torch, but not seed them.
    """
    parts = {name: look for name, look in _parts().items() if not (draws and name == DRAWS)}
    before = {name: look() for name, look in parts.items()}
    yield
    changed = [name for name, look in parts.items() if look() != before[name]]
    demand(not changed, f"{doing} changes {' and '.join(changed[:2])} of the whole process")


@contextmanager
def fresh_state(name: str) -> Iterator[None]:
    """Random states that follow from a name; afterwards all global state is as before."""
    arrays, own = np.random.get_state(legacy=False), random.getstate()
    grad = torch.is_grad_enabled()
    dtype = torch.get_default_dtype()
    threads = torch.get_num_threads()
    exact, folder = torch.are_deterministic_algorithms_enabled(), os.getcwd()
    product = torch.get_float32_matmul_precision()
    seed = crc32(name.encode())
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            torch.rand(7)  # a state that no call of manual_seed gives
            np.random.seed(seed)
            random.seed(seed)
            yield
    finally:
        np.random.set_state(arrays)
        random.setstate(own)
        torch.set_grad_enabled(grad)
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(exact)
        torch.set_float32_matmul_precision(product)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        os.chdir(folder)
