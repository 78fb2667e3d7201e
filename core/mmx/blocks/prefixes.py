"""Prefixes that training code puts before the names of a network's tensors.

DataParallel writes ``module.``, torch.compile ``_orig_mod.``, a classifier around a BERT ``bert.``,
open_clip around an image tower ``visual.trunk.``.
"""

from collections.abc import Collection, Iterable, Mapping

from torch import Tensor

from mmx.errors import WeightsError

PREFIXES = (
    "module.", "_orig_mod.", "model.", "visual.trunk.", "visual.", "vision_model.", "text_model.",
    "text.transformer.", "bert.", "roberta.", "backbone.", "encoder.", "teacher.", "student.",
    "base_model.model.",
)  # fmt: skip


def known_prefixes(names: Iterable[str], also: Collection[str] = ()) -> list[str]:
    """The empty prefix, and every run of known ones that a name begins with, shorter ones first."""
    given, found = list(names), [""]
    for start in found:  # grows while it is read: a run may be followed by another prefix
        begun = [name[len(start) :] for name in given if name.startswith(start)]
        known = dict.fromkeys((*PREFIXES, *also))
        longer = [start + one for one in known if any(name.startswith(one) for name in begun)]
        found += [one for one in longer if one not in found]
    return found


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, by the rest of their names."""
    return {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}


def fitting_prefix(
    tensors: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    origin: str,
    prefixes: Collection[str],
) -> str | None:
    """The one prefix behind which all wanted names are; empty where they have none.

    Several that hold all names are told apart by the shapes of their tensors.

    Returns:
        None where no prefix holds all names.

    Raises:
        WeightsError: two hold all names and shapes, as teacher and student do.
    """
    found = [p for p in prefixes if wanted.keys() <= under(p, tensors).keys()]
    if len(found) > 1:
        found = [p for p in found if _same_shapes(under(p, tensors), wanted)] or found[:1]
    if len(found) > 1:
        named = " and ".join(repr(prefix) if prefix else "no prefix" for prefix in found)
        raise WeightsError(
            f"{origin} holds the network more than once: its tensors fit behind {named}; save the "
            "one that you mean in a file of its own"
        )
    return found[0] if found else None


def nearest_prefix(
    tensors: Mapping[str, Tensor], wanted: Collection[str], prefixes: Collection[str]
) -> str:
    """The prefix behind which the most wanted names are; the first where none does better."""
    return max(prefixes, key=lambda one: len(under(one, tensors).keys() & set(wanted)))


def _same_shapes(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> bool:
    return all(given[name].shape == tensor.shape for name, tensor in wanted.items())
