"""Named tensors into a network: every one must find its place."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from itertools import islice

import torch
from torch import Tensor, nn

from mmx.blocks.prefixes import fitting_prefix, known_prefixes, nearest_prefix, under
from mmx.errors import WeightsError


# length: more than half of it says what a caller must know
def load_tensors(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    origin: str,
    *,
    unused: Iterable[str] = (),
    prefixes: Collection[str] = (),
) -> tuple[str, ...]:
    """Load tensors by name, whatever known prefix stands before all names.

    Behind the prefix every tensor must find its place. A name may be absent where another name of
    the same parameter is there.

    Args:
        module: what is loaded.
        tensors: by the names of the module's state dict, with or without a prefix.
        origin: named in errors.
        unused: beginnings of names, behind the prefix, that may be absent, too many or of another
            shape, as they are cut off later (the classifier).
        prefixes: known ones besides the usual, such as the name of the family of the network.

    Returns:
        Sentences on a prefix that was taken off, and on what stands outside of it.

    Raises:
        WeightsError: naming some of the tensors that are missing, unexpected or of another shape;
            or the tensors fit behind two prefixes.
    """
    without = tuple(unused)
    state = {n: v for n, v in module.state_dict().items() if not n.startswith(without)}
    needed = _needed(state, tensors)
    known = known_prefixes(tensors, prefixes)
    prefix = fitting_prefix(tensors, needed, origin, known)
    whole = prefix is not None
    if prefix is None:
        prefix = nearest_prefix(tensors, needed, known)
    behind = under(prefix, tensors)
    given = {name: value for name, value in behind.items() if not name.startswith(without)}
    read = f"{origin}, without the prefix {prefix!r}" if prefix else origin
    if not whole:
        _refuse(read, "missing", needed.keys() - given.keys())
    _refuse(read, "unexpected", given.keys() - state.keys())
    _refuse(read, "of another shape", _other_shapes(given, state))
    module.load_state_dict(given, strict=False)
    return _told(origin, prefix, len(given), [n for n in tensors if not n.startswith(prefix)])


def _needed(state: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What must be there: one name of each parameter.

    Checkpoints from before torch 0.4.1 have no counters of batches, and inference never reads them.
    """
    names: dict[tuple[int, torch.Size], str] = {}
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        where = (value.data_ptr() or id(value), value.shape)
        known = names.get(where)
        if known is None or (_there(name, tensors) and not _there(known, tensors)):
            names[where] = name
    return {name: state[name] for name in names.values()}


def _there(name: str, tensors: Mapping[str, Tensor]) -> bool:
    """Whether a tensor has this name, behind any prefix."""
    return any(one == name or one.endswith(f".{name}") for one in tensors)


def _other_shapes(given: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    return [
        f"{name} {list(value.shape)} for {list(state[name].shape)}"
        for name, value in given.items()
        if value.shape != state[name].shape
    ]


def _told(origin: str, prefix: str, count: int, outside: list[str]) -> tuple[str, ...]:
    if not prefix:
        return ()
    left = f"; {len(outside)} others were not read, such as {min(outside)}" if outside else ""
    return (f"{origin}: {count} tensors were read without their prefix {prefix!r}{left}",)


def load_by_position(module: nn.Module, tensors: Mapping[str, Tensor], origin: str) -> None:
    """Load tensors in the order they stand in, where only the names differ.

    Raises:
        WeightsError: another count, or a tensor of another shape or role (last part of its name).
    """
    wanted = module.state_dict()
    if len(wanted) != len(tensors):
        raise WeightsError(f"{origin} has {len(tensors)} tensors, the model {len(wanted)}")
    wrong = [
        f"{given} for {name}"
        for (name, value), (given, tensor) in zip(wanted.items(), tensors.items(), strict=True)
        if value.shape != tensor.shape or name.rsplit(".")[-1] != given.rsplit(".")[-1]
    ]
    _refuse(origin, "out of place", wrong)
    module.load_state_dict(dict(zip(wanted, tensors.values(), strict=True)))


def _refuse(origin: str, what: str, names: Iterable[str]) -> None:
    """Raise an error that names the first few of the tensors at fault."""
    faults = sorted(names)
    if faults:
        shown = ", ".join(islice(faults, 4)) + (", ..." if len(faults) > 4 else "")
        raise WeightsError(f"{origin}: {len(faults)} tensors {what}: {shown}")


def state_digest(module: nn.Module, *, without: str | None = None) -> str:
    """SHA-256 over names, types, shapes and values of all parameters and buffers of a module.

    Buffers outside the state dict count too: an encoder's mean and standard deviation stand there.

    Args:
        module: whose state is told.
        without: names that hold this do not count.
    """
    digest = hashlib.sha256()
    everything = {**dict(module.named_buffers()), **module.state_dict()}
    for name, value in sorted(everything.items()):
        if without is not None and without in name:
            continue
        digest.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
