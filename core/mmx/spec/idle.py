"""Keys that a spec gives and that change nothing, told to who wrote them."""

from mmx.spec.whole import Spec


def idle_keys(spec: Spec) -> list[str]:
    """One sentence for each key that older versions read and this one does not."""
    asked = {
        "evaluation.resamples": spec.evaluation.resamples,
        "evaluation.seed": spec.evaluation.seed,
    }
    return [
        f"{key}: {value} has no effect: intervals are computed, not drawn; leave the key out"
        for key, value in asked.items()
        if value is not None
    ]
