"""What each rule of a whole spec reads, so that no rule is asked about keys that are wrong.

What stands in for a wrong key, a default or an unknown method, would accuse what is right.
"""

from collections.abc import Callable, Iterable, Sequence

from mmx.spec.agreement import Faults

Path = tuple[str | int, ...]
Reads = Sequence[Path]
WRONG = "wrong"  # in the context of a validation: paths of keys whose faults are told
ANY = "*"

DATASET: Path = ("data", "dataset")
FUSION: Path = ("model", "fusion")
HEAD: Path = ("model", "head")
LOSS: Path = ("loss",)
TASK: Path = ("task",)
ENCODERS: Path = ("model", "encoders")
NARRATIVES: Path = ("data", "narratives")
MODALITIES: Path = (*ENCODERS, "[names]")
"""Names of the modalities, whatever their encoders are."""
KINDS: Path = (*ENCODERS, ANY, "type")
"""The kinds of data that encoders read, whatever else is set of them."""
WRITTEN: Path = (*NARRATIVES, "[names]")
"""Modalities that texts are written for, whatever the narratives are."""
CORRECTIONS: Reads = (
    ("train", "sampler"), ("train", "class_weights"), LOSS, ("allow_double_correction",),
)  # fmt: skip


def that_hold(rules: Iterable[tuple[Reads, Callable[[], Faults]]], wrong: Reads) -> Faults:
    """Faults of rules that hold whatever the wrong keys should be.

    Args:
        rules: keys that each reads beside those where it tells a fault, and how to ask it.
        wrong: keys whose own faults are told.
    """
    return [
        fault
        for reads, ask in rules
        if not _touch(reads, wrong)
        for fault in ask()
        if not _touch([fault.get("loc", ())], wrong)
    ]


def _touch(paths: Iterable[Path], wrong: Reads) -> bool:
    """Whether one of the paths leads to, or through, one of the wrong keys."""
    return any(
        all(ANY in (left, right) or left == right for left, right in zip(path, other, strict=False))
        for path in paths
        for other in wrong
    )
