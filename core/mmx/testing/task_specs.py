"""The law that a spec of a task takes what is made for it, and refuses the rest at its line."""

from pathlib import Path

from pydantic import ValidationError

from mmx.errors import MmxError, SpecError
from mmx.interfaces import Params, TaskParams
from mmx.spec import PLUGINS, Spec, explain, inline, read_tree
from mmx.testing.law import SkippedLaw, demand
from mmx.testing.task_rows import Beside, default_loss

SPEC = """name: law
task: {task}
data: {{dataset: {{type: synthetic, n: 60}}}}
model:
  encoders: {{image: {{type: timm, arch: test_efficientnet, weights: none}}}}
  fusion: {{type: only, modality: image}}
"""
KEYS = {"loss": "loss: {}", "sampler": "train: {{sampler: {}}}", "inference": "inference: [{}]"}
"""Where a spec names methods that may not fit: kind -> its line."""


def fits(params: TaskParams) -> str:
    """Its default loss is made for it, and what is not is refused at its line of the spec."""
    methods, task = Beside(params), params.entry_point.partition(".")[2]
    try:
        loss = default_loss(params)
    except MmxError as error:
        raise SkippedLaw(f"its default loss cannot be found: {error}") from error
    demand(loss.fits(task), f"its default loss, {loss.entry_point}, is not declared for {task}")
    text = SPEC.format(task=inline(params.model_dump(mode="json")))
    faults = _faults(text, methods)
    demand(not faults, f"a spec that names it alone is refused: {'; '.join(faults)}")
    refused = []
    for kind, line in KEYS.items():
        stranger = _stranger(kind, task, methods)
        if stranger:
            told = _faults(text + line.format(stranger) + "\n", methods)
            at = f":{len(text.splitlines()) + 1}:"
            words = f"{kind}.{stranger} is not made for {task} and is not refused at its line"
            demand(any(at in one and "is defined for" in one for one in told), words)
            refused.append(f"{kind}.{stranger}")
    return f"{loss.entry_point}; refused: {', '.join(refused) or 'nothing'}"


def _stranger(kind: str, task: str, methods: Beside) -> str:
    """A method that is not made for the task and needs no settings; empty where all are."""
    for one in methods.installed(kind):
        try:
            found = methods.find(kind, one.type)
        except MmxError:
            continue
        if not found.fits(task) and _needs_nothing(found):
            return one.type
    return ""


def _needs_nothing(method: type[Params]) -> bool:
    return not any(field.is_required() for field in method.model_fields.values())


def _faults(text: str, methods: Beside) -> list[str]:
    """The faults of a spec in words, each with its line."""
    root, unreadable = read_tree(text, Path("spec.yaml"))
    if root is None or unreadable:
        return [str(one) for one in unreadable]
    try:
        Spec.model_validate(root.plain({}), context={PLUGINS: methods})
    except ValidationError as error:
        return [str(one) for one in explain(error.errors(), Spec, root, methods)]
    except SpecError as error:
        return [str(one) for one in error.faults]
    return []
