"""Keys that a spec gives and that change nothing, told to who wrote them."""

from collections.abc import Iterator

from mmx.spec.class_prompts import PromptSpec
from mmx.spec.whole import Spec


def idle_keys(spec: Spec) -> list[str]:
    """One sentence for each key that is given and has no effect."""
    return [f"{key} has no effect: {why}; leave it out" for key, why in _idle(spec)]


def _idle(spec: Spec) -> Iterator[tuple[str, str]]:
    """The key with its value, and why nothing reads it."""
    drawn = "intervals are computed, not drawn"
    if spec.evaluation.resamples is not None:
        yield f"evaluation.resamples: {spec.evaluation.resamples}", drawn
    if spec.evaluation.seed is not None:
        yield f"evaluation.seed: {spec.evaluation.seed}", drawn
    train, used = spec.train, spec.model.used
    if train.margin == 0:
        yield "train.margin: 0", "train.confidence decides, where it is given"
    if train.drops_modalities and len(used) == 1:
        why = f"{spec.model.fusion.entry_point} reads {used[0]} alone"
        yield f"train.modality_dropout: {train.modality_dropout}", why
    optimizer, usual = train.optimizer, type(train.optimizer).model_fields["momentum"].default
    if optimizer.momentum != usual and optimizer.type != "sgd":
        why = f"{optimizer.type} has none; only sgd reads it"
        yield f"train.optimizer.momentum: {optimizer.momentum}", why
    if spec.evaluation.prompts != PromptSpec():
        comparing = [name for name in used if spec.model.encoders[name].compares_texts]
        if not comparing:
            why = "no encoder of this model compares images with texts"
            yield "evaluation.prompts", why
