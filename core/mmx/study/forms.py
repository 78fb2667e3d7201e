"""Forms of controls that learn labels: for which class shares they are trained."""

from mmx.spec import Spec, corrections, load_spec
from mmx.study.arms import Arms
from mmx.study.baselines import FORMS


def forms_of(arms: Arms) -> list[str]:
    """As the base is trained, and as arms are that differ in it; behind the name of a control."""
    found = [""]
    if not arms.base.task.exclusive:
        return found
    base = _balanced(arms.base)
    for arm in arms.arms:
        if arm.role == "arm" and not arm.fault:
            spec = load_spec(arm.file, overrides=arm.overrides, plugins=arms.plugins)
            found += [FORMS[_balanced(spec)]] if _balanced(spec) != base else []
    return list(dict.fromkeys(found))


def _balanced(spec: Spec) -> bool:
    """Whether training corrects for the class frequencies, by sampler, weights or loss."""
    return bool(corrections(spec.train.sampler, spec.train.class_weights, spec.loss))
