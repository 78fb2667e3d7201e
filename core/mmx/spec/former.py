"""What decided a training in an older version and decides none now."""

from mmx.errors import Fault, SpecError
from mmx.spec.whole import Spec


def former_faults(spec: Spec) -> list[Fault]:
    """Why nothing is trained by a spec that is valid: finished runs that say so are still read."""
    margin = spec.train.margin
    if not margin:
        return []
    words = (
        f"standard errors ({margin:g}) no longer decide which epoch is kept: write "
        "train.confidence: 0.95 instead, the confidence that it is better over all epochs that "
        "are compared; or leave both out, so that any better score counts"
    )
    return [spec.fault("train.margin", words)]


def check_trainable(spec: Spec) -> None:
    """Refuse to train by what decides no training any more.

    Raises:
        SpecError: at the line of each such key.
    """
    faults = former_faults(spec)
    if faults:
        raise SpecError(faults)
