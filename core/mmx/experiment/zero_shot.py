"""The control ``zero-shot`` of a run: images compared with the names of the classes, untrained.

It asks a model of images and texts what it knew before it saw a row of the data: a run that does
not reach it has learned nothing of use.

Source: Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision,
arXiv:2103.00020.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mmx.data import Part
from mmx.errors import SpecError
from mmx.evaluation import Interval
from mmx.experiment.controls_table import ControlAnswers
from mmx.experiment.metrics import vars_of
from mmx.experiment.outcome import decided, score
from mmx.experiment.probe_features import frozen_names, pooled_features
from mmx.inference import Attempts
from mmx.interfaces import EncodedPrompts, EncoderParams, Task, TokenCount
from mmx.pipeline import Sources
from mmx.plugins import nearest
from mmx.spec import Spec


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """What the comparison with the names of the classes reached, or why there is none.

    Attributes:
        name: of the modality.
        prompts: class -> the sentences that stood for it.
        metrics: the headline on the test part; empty where there is none.
        absent: test rows without this modality, to which all classes are equally near.
        unread: sentences on prompts that the model read in part.
        missing: why there is none; empty where there is one.
        answers: to the test part; None where there is none.
    """

    name: str
    prompts: Mapping[str, list[str]]
    metrics: Mapping[str, Interval]
    absent: int = 0
    unread: tuple[str, ...] = ()
    missing: str = ""
    answers: ControlAnswers | None = None

    @property
    def title(self) -> str:
        """As tables call it."""
        return f"zero-shot, {self.name}"

    @property
    def arm(self) -> dict[str, Mapping[str, Interval]]:
        """The row of the report's table of simpler models; none where there is none."""
        return {} if self.missing else {self.title: self.metrics}

    @property
    def note(self) -> str:
        """Sentences for the report."""
        if self.missing:
            return f"There is no zero-shot control of {self.name} beside this run: {self.missing}."
        asked = "; ".join(f"{one}: {' + '.join(of)}" for one, of in self.prompts.items())
        rows = "test row has" if self.absent == 1 else "test rows have"
        without = f" {self.absent} {rows} no {self.name} and were as near to each of them."
        return (
            f"The zero-shot control compares {self.name} with sentences about the classes, by what "
            "reads texts in the same model; nothing of it was trained here. Sentences: "
            f"{asked}.{without if self.absent else ''}{''.join(f' {one}' for one in self.unread)}"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data for metrics.json."""
        if self.missing:
            return {"missing": self.missing}
        told = {name: vars_of(one) for name, one in self.metrics.items()}
        read = {"prompts": dict(self.prompts), "unread": list(self.unread)}
        return {**told, **read, "absent": self.absent}

    @classmethod
    def from_json(cls, name: str, told: Mapping[str, Any]) -> "ZeroShot":
        """What ``to_json`` gave of a modality, without its figures."""
        unread, missing = tuple(told.get("unread", ())), told.get("missing", "")
        return cls(name, told.get("prompts", {}), {}, told.get("absent", 0), unread, missing)


def check_names(spec: Spec, task: Task) -> None:
    """Refuse names of classes, for prompts, that the data do not have.

    Raises:
        SpecError: at the line of each.
    """
    strange = [name for name in spec.evaluation.prompts.names if name not in task.names]
    known = ", ".join(task.names)
    hints = {one: nearest(one, task.names) for one in strange}
    faults = [
        spec.fault(
            f"evaluation.prompts.names.{one}",
            f"the data have no class {one!r}; "
            f"{f'nearest: {hint}' if hint else f'there are: {known}'}",
        )
        for one, hint in hints.items()
    ]
    if faults:
        raise SpecError(faults)


def zero_shot(
    spec: Spec, sources: Sources, parts: Mapping[str, Part], task: Task
) -> dict[str, ZeroShot]:
    """The control of each encoder that compares images with texts; a run does not fail by it.

    Args:
        spec: of the run.
        sources: of the batches, with the features of frozen encoders.
        parts: of the split.
        task: owns the target.
    """
    found = {}
    for name in spec.model.used:
        if spec.model.encoders[name].compares_texts:
            attempts = Attempts()
            work = partial(_of_one, name, spec, sources, parts, task)
            one = attempts.get("what it reaches", work, None)
            found[name] = one or ZeroShot(name, {}, {}, missing=attempts.notes[0])
    return found


def _of_one(
    name: str, spec: Spec, sources: Sources, parts: Mapping[str, Part], task: Task
) -> ZeroShot:
    """The control of one encoder."""
    sentences = spec.evaluation.prompts.of(task.names)
    if name not in frozen_names(sources.by_name):
        why = "what its encoder gives changes in training; freeze it to have one"
        return ZeroShot(name, sentences, {}, missing=why)
    prompts, unread = encoded_prompts(spec.model.encoders[name], sentences)
    asked = [parts["validation"], parts["test"]]
    pooled = [pooled_features(sources.by_name, [name], part.rows) for part in asked]
    answers = [answered(task, prompts, torch.from_numpy(one[:, :-1])) for one in pooled]
    validation, test = answers
    if validation is None or test is None:
        return ZeroShot(name, sentences, {}, missing=_without_answer(task, prompts))
    settled = decided(task, validation, asked[0].labels, asked[0].groups)
    headline = next(iter(spec.task.selects))
    found = score(settled, test, asked[1].labels, asked[1].groups).metrics[headline]
    absent = int((pooled[1][:, -1] == 0).sum())
    kept = ControlAnswers(settled, test)
    return ZeroShot(name, sentences, {headline: found}, absent, unread, answers=kept)


def encoded_prompts(
    params: EncoderParams, sentences: Mapping[str, list[str]]
) -> tuple[EncodedPrompts, tuple[str, ...]]:
    """One vector a class, of the sentences about it; and what of these was not read."""
    asked = [one for of in sentences.values() for one in of]
    with torch.inference_mode():
        found = params.encode_prompts(asked)
    return found.of_classes(len(sentences)), tuple(_unread(asked, found.count))


def _unread(asked: Sequence[str], count: TokenCount | None) -> Iterator[str]:
    """Sentences on prompts that were cut, and on those with tokens that are unknown."""
    if count is None:
        return
    rows = list(zip(asked, count.total, count.read, count.unknown, strict=True))
    cut = [f"{prompt!r} ({read} of {total})" for prompt, total, read, _ in rows if read < total]
    if cut:
        yield f"These were cut, for the model reads no more tokens: {', '.join(cut)}."
    strange = [f"{prompt!r} ({lost} of {total})" for prompt, total, _, lost in rows if lost]
    if strange:
        yield f"Tokens of these are unknown to the model: {', '.join(strange)}."


def answered(task: Task, prompts: EncodedPrompts, pooled: Tensor) -> Tensor | None:
    """Answers to pooled vectors [n, D], as ``Link.log_probs`` gives them; None: there are none."""
    return task.prompted(prompts.logits(pooled), alone=prompts.bias is not None)


def _without_answer(task: Task, prompts: EncodedPrompts) -> str:
    """Why a task has no answer from these prompts."""
    if prompts.bias is not None:
        return f"the task {task.type} knows no answer from sentences about its names"
    return (
        f"its model tells which of several sentences fits best, and the task {task.type} asks for "
        "the probability of each alone, as a SigLIP has it"
    )
