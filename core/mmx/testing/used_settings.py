"""The law that every setting is read: one that nobody reads promises what never happens."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from mmx.interfaces import (
    BaselineParams,
    DatasetParams,
    EncoderParams,
    FusionParams,
    HeadParams,
    ImageReaderParams,
    InferenceParams,
    LossParams,
    NarrativeParams,
    PackedImage,
    Params,
    SamplerParams,
    TableReaderParams,
    TaskParams,
)
from mmx.testing.baseline_laws import answered, made_up_rows
from mmx.testing.encoders import built as built_encoder
from mmx.testing.encoders import encoded, inputs_of
from mmx.testing.inference_hooks import fitted, model_of, target_of
from mmx.testing.law import demand
from mmx.testing.losses import built as built_loss
from mmx.testing.readers import example_of, read
from mmx.testing.rows import LABELS, built_sampler, some, told
from mmx.testing.samples import batch
from mmx.testing.subjects import FusionSubject, HeadSubject
from mmx.testing.targets import questions_of, tasks_of
from mmx.testing.task_rows import rows_of_task


def settings_read(method: Params) -> str | None:
    """Every setting of its own is read while it is built and used, or by what a run asks."""
    own = _own_settings(type(method))
    if not own:
        return None
    idle, whole = set(own), False
    for variant in _variants(method):
        if idle:
            watched = _watched(variant)
            whole |= _used(watched.params)
            idle -= watched.seen
    idle = {name for name in idle if not _decides_others(method, name)}
    if not whole:  # that it works is what other laws are for
        return "it could not be used to its end"
    demand(not idle, f"nothing reads the setting {', '.join(sorted(idle))}")
    return f"{len(own)} settings"


def _used(params: Params) -> bool:
    """Use a method; whether that went to its end."""
    try:
        _use(params)
        for name in _properties(type(params)):
            getattr(params, name)
    except Exception:  # noqa: BLE001 - a broken plugin may raise anything
        return False
    return True


def _variants(method: Params) -> Iterator[Params]:
    """The method, and with each other word or switch that one of its settings may have."""
    yield method
    for name in type(method).model_fields:
        for value in _other_values(method, name):
            with suppress(ValidationError):
                yield type(method).model_validate({**dict(method), name: value})


def _other_values(method: Params, name: str) -> list[object]:
    """The other words or switches that a setting may have."""
    kind = type(method).model_fields[name].annotation
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    words = [word for one in kinds if get_origin(one) is Literal for word in get_args(one)]
    return [
        one for one in ((True, False) if kind is bool else words) if one != getattr(method, name)
    ]


def _decides_others(method: Params, name: str) -> bool:
    """Whether a setting is a short name for values of other settings."""
    for value in _other_values(method, name):
        with suppress(ValidationError):
            found = type(method).model_validate({name: value})
            others = set(type(method).model_fields) - {name}
            if any(getattr(found, one) != getattr(method, one) for one in others):
                return True
    return False


def _own_settings(own: type[Params]) -> set[str]:
    """Settings that the method itself declares, but its type."""
    core = [one for one in own.__mro__ if one.__module__.startswith("mmx.")]
    shared = {name for one in core for name in vars(one).get("__annotations__", {})}
    return set(own.model_fields) - shared - {"type"}


@dataclass(frozen=True, slots=True)
class _WatchedSettings:
    """Settings that note which of them are read.

    Attributes:
        params: the settings.
        seen: names that were read.
    """

    params: Params
    seen: set[str]


def _watched(method: Params) -> _WatchedSettings:
    own, seen = type(method), set[str]()

    def note(self: Params, name: str) -> object:
        if name in ("model_dump", "model_copy"):
            seen.update(own.model_fields)
        seen.add(name)
        return object.__getattribute__(self, name)

    watching: Any = type(
        own.__name__, (own,), {"__getattribute__": note, "__module__": own.__module__}
    )
    params: Params = watching.model_construct(
        **{name: getattr(method, name) for name in own.model_fields}
    )
    seen.clear()
    return _WatchedSettings(params, seen)


def _use(params: Params) -> None:
    """Build a method and let it do its work once, in training and afterwards."""
    if isinstance(params, FusionParams | HeadParams):
        subject = FusionSubject(params) if isinstance(params, FusionParams) else HeadSubject(params)
        module = subject.build()
        for mode in (True, False):
            subject.outputs(module.train(mode), subject.lacking(subject.inputs()))
    elif isinstance(params, LossParams):
        for asked in questions_of(params):
            loss = built_loss(params, asked)
            for mode in (True, False):
                loss.train(mode)(asked.outputs(5), asked.target, 0.5)
            adjusted = loss.adjust
            adjusted(asked.outputs(5).logits)
    elif isinstance(params, EncoderParams):
        encoder = built_encoder(params)
        encoded(encoder, inputs_of(params, encoder))
    else:
        _use_around(params)


def _use_around(params: Params) -> None:
    """The same for what stands around a model."""
    if isinstance(params, InferenceParams):
        for task in tasks_of(params):
            hook = fitted(params, task)
            prediction = hook.predict(model_of(task), batch(4))
            hook.measure(prediction, target_of(task), list("aabc"))
            hook.curves(prediction, target_of(task))
    elif isinstance(params, NarrativeParams):
        told(params).write_all(some())
    elif isinstance(params, SamplerParams):
        sampler = built_sampler(params)
        list(sampler)
        sampler.expected_counts(LABELS.bincount())
    elif isinstance(params, TaskParams):
        asked = rows_of_task(params)
        asked.task.for_training(asked.scored)
        asked.task.answers(asked.random)
        asked.evaluated(asked.random)
    elif isinstance(params, BaselineParams):
        answered(params, made_up_rows())
    elif isinstance(params, TableReaderParams | ImageReaderParams):
        with example_of(params) as example:
            read(params, example.path)
    elif isinstance(params, DatasetParams):
        images = params.build().samples()[0].images
        for image in chain.from_iterable(images.values()):
            if image is not None and not isinstance(image, Path | PackedImage):
                image.pixels()


def _properties(own: type[Params]) -> list[str]:
    """Properties that a run may ask."""
    ours = [one for one in own.__mro__ if not one.__module__.startswith("pydantic")]
    return [
        name for one in ours for name, value in vars(one).items() if isinstance(value, property)
    ]
