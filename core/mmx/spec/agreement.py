"""What of a spec does not fit together, each with the place where it is told.

Every function gives the faults of one rule, and none where it is kept.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString

from pydantic_core import InitErrorDetails, PydanticCustomError

from mmx.errors import ShapeError
from mmx.interfaces import (
    IMAGE,
    TEXT,
    FusionParams,
    HookParams,
    InferenceParams,
    LossParams,
    NarrativeParams,
    Params,
    TaskParams,
)
from mmx.plugins import Plugins, nearest
from mmx.spec.data import DataSpec
from mmx.spec.fitting import unfit
from mmx.spec.model import ModelSpec
from mmx.spec.named_images import images_named, too_many_images
from mmx.spec.train import AuditSpec, TrainSpec

WAIVED = "text_tells_label"  # the check that such texts fail by nature
Faults = list[InitErrorDetails]
Used = Mapping[tuple[str | int, ...], Params]


def not_of_the_task(task: TaskParams, used: Used, methods: Plugins) -> Faults:
    """Methods that this task cannot use.

    Args:
        task: of the spec.
        used: place in the spec -> settings of a method.
        methods: that are installed.
    """
    name = task.entry_point.partition(".")[2]
    told = {path: unfit(params, name, methods) for path, params in used.items()}
    return [fault_at("mmx_task", path, words) for path, words in told.items() if words]


def not_scored(task: TaskParams, train: TrainSpec, select: str) -> Faults:
    """Settings of the training that this task cannot use."""
    name, selects = task.entry_point.partition(".")[2], task.selects
    told: dict[tuple[str, str], str] = {}
    if train.class_weights is not None and not task.exclusive:
        words = f"rows of task: {name} have no one class to weigh; leave train.class_weights out"
        told["train", "class_weights"] = words
    if select not in selects:
        words = f"task: {name} has no score {select!r}; use {' or '.join(selects)}"
        told["train", "select"] = words
    return [fault_at("mmx_task", path, words) for path, words in told.items()]


def corrected_twice(train: TrainSpec, loss: LossParams) -> Faults:
    """More than one correction of class imbalance."""
    named = corrections(train.sampler, train.class_weights, loss)
    if len(named) < 2:
        return []
    return [fault_at("mmx_double_correction", named[0].split("."), too_many(named))]


def out_of_order(inference: Sequence[InferenceParams]) -> Faults:
    """Inference methods that stand in a wrong order; the first of them."""
    right = sorted(inference, key=lambda params: params.place)
    pairs = enumerate(zip(inference, right, strict=True))
    wrong = [index for index, (given, wanted) in pairs if given.place != wanted.place]
    names = ", ".join(params.entry_point.partition(".")[2] for params in right)
    words = f"the order of inference methods is wrong; use [{names}]"
    return [fault_at("mmx_order", ["inference", index], words) for index in wrong[:1]]


def unseen(model: ModelSpec, inference: Sequence[InferenceParams]) -> Faults:
    """Inference that changes images, under a fusion that reads none."""
    if model.reading(IMAGE):
        return []
    words = f"it changes images, which {model.fusion.entry_point} never reads; leave it out"
    return [
        fault_at("mmx_unseen", ["inference", index], words)
        for index, params in enumerate(inference)
        if params.reads_pixels
    ]


def without_prior(
    loss: LossParams, model: ModelSpec, inference: Sequence[InferenceParams]
) -> Faults:
    """What needs the prior of the answers, beside a loss that cannot state it."""
    if loss.states_prior:
        return []
    words = (
        f"it needs to know for which class shares the answers are, and {loss.entry_point} "
        "cannot say; leave it out, or use another loss, such as logit_adjusted"
    )
    places: list[Sequence[str | int]] = [
        ["inference", index] for index, one in enumerate(inference) if one.reads_prior
    ]
    if model.fusion.reads_prior:
        places.append(["model", "fusion"])
    return [fault_at("mmx_prior", place, words) for place in places]


def without_cosines(loss: LossParams, model: ModelSpec) -> Faults:
    """A loss for cosines, behind a head that gives others."""
    if not loss.needs_cosines or model.head.gives_cosines:
        return []
    words = (
        f"{loss.entry_point} is defined for logits that are cosines, and "
        f"{model.head.entry_point} as it is set gives others; set model.head: "
        "{type: mlp, cosine: true}"
    )
    return [fault_at("mmx_cosines", ["loss"], words)]


def left_out(data: DataSpec, model: ModelSpec, methods: Plugins) -> Faults:
    """More columns of images than the encoder of a modality reads."""
    named, found = images_named(data.dataset), []
    for name in model.reading(IMAGE):
        params = model.encoders[name]
        words = too_many_images(len(named.get(name, ())), params, params.most_images, methods)
        if words:
            found.append(fault_at("mmx_images", ["model", "encoders", name], words))
    return found


def fused(model: ModelSpec) -> Faults:
    """A fusion of other modalities, or of more or fewer, than the model has."""
    fusion, names = model.fusion, tuple(model.encoders)
    if len(names) < fusion.takes[0]:
        return [fault_at("mmx_fused", ["model", "fusion"], _other_number(fusion, names))]
    try:
        fusion.check_modalities(names)
    except ShapeError as error:
        return [fault_at("mmx_fused", ["model", "fusion"], str(error))]
    used, (least, most) = fusion.used(names), fusion.takes
    lost = [name for name in used if name not in names]
    if lost:
        words = f"it reads {lost[0]!r}, and the modalities are {', '.join(names)}"
    elif len(used) < least or (most is not None and len(used) > most):
        words = _other_number(fusion, used)
    else:
        return []
    return [fault_at("mmx_fused", ["model", "fusion"], words)]


def unscored(loss: LossParams, model: ModelSpec) -> Faults:
    """A loss that reads other modalities than the fusion does."""
    try:
        loss.check_modalities(model.used)
    except ShapeError as error:
        return [fault_at("mmx_unscored", ["loss"], str(error))]
    return []


def strangers(model: ModelSpec, train: TrainSpec) -> Faults:
    """Numbers for modalities that the model does not have."""
    names = tuple(model.encoders)
    return [
        *_not_among(names, ("train", "optimizer", "rates"), train.optimizer.rates),
        *_not_among(names, ("train", "modality_dropout"), train.modality_dropout),
    ]


def strangers_to_images(model: ModelSpec, train: TrainSpec) -> Faults:
    """Changes of images for modalities that have none."""
    return _not_among(_encoding(model, IMAGE), ("train", "augment"), train.augment)


def strangers_to_frames(model: ModelSpec, data: DataSpec) -> Faults:
    """Frames for modalities whose images nobody looks at."""
    return _not_among(_with_images(model, data), ("data", "images"), data.images)


def _not_among(names: tuple[str, ...], path: tuple[str, ...], values: object) -> Faults:
    if not isinstance(values, Mapping):
        return []
    return [
        fault_at("mmx_modality", [*path, name], _stranger(name, path, names))
        for name in values
        if name not in names
    ]


def _encoding(model: ModelSpec, kind: str) -> tuple[str, ...]:
    """Modalities that have an encoder of this kind of data, whether or not it is read."""
    return tuple(name for name, found in model.kinds.items() if found == kind)


def _with_images(model: ModelSpec, data: DataSpec) -> tuple[str, ...]:
    """Modalities whose images an encoder reads or a narrative looks at."""
    seen = [one.images_of for one in data.narratives.values()]
    return tuple(dict.fromkeys([*_encoding(model, IMAGE), *filter(None, seen)]))


def unseen_by_narratives(model: ModelSpec, data: DataSpec) -> Faults:
    """Narratives that are given the features of images which no encoder encodes."""
    found, there = [], _encoding(model, IMAGE)
    for name, narrative in data.narratives.items():
        if narrative.needs_features and narrative.images_of not in there:
            words = (
                f"it writes from the features of similar images of {narrative.images_of}, which "
                f"no encoder reads; encoders of images: {', '.join(there) or 'none'}"
            )
            found.append(fault_at("mmx_features", ["data", "narratives", name], words))
    return found


def named_twice(hooks: Sequence[HookParams]) -> Faults:
    """The same hook with the same settings, which would hear of everything twice."""
    words = "it is named before with the same settings; name it once"
    return [
        fault_at("mmx_twice", ["hooks", index], words)
        for index, hook in enumerate(hooks)
        if hook in hooks[:index]
    ]


def of_api_1(model: ModelSpec, used: Used, methods: Plugins) -> Faults:
    """Methods that know an image and a text by their places, in a model of something else."""
    names = tuple(model.encoders)
    if names == (IMAGE, TEXT):
        return []
    return [
        fault_at(
            "mmx_api",
            place,
            f"{params.entry_point} is written for plugin API 1 (its module states no MMX_API = 2), "
            f"which knows an image and a text alone; the model has {', '.join(names)}",
        )
        for place, params in used.items()
        if methods.api_of(type(params)) == 1
    ]


def written_knowing(narratives: Mapping[str, NarrativeParams], audit: AuditSpec) -> Faults:
    """Texts that are written knowing the label, without a written reason for it."""
    knowing = [name for name, one in narratives.items() if one.needs_label]
    if not knowing or audit.waive.get(WAIVED, "").strip():
        return []
    words = (
        f"these texts are written knowing the label, so every figure will be stamped LEAKY; if "
        f'that is what you want to show, write down why: audit: {{waive: {{{WAIVED}: "..."}}}}'
    )
    return [fault_at("mmx_leaky", ["data", "narratives", name], words) for name in knowing[:1]]


def unwritten(model: ModelSpec, narratives: Mapping[str, NarrativeParams]) -> Faults:
    """Encoders of texts that nothing is written for."""
    names = [name for name, one in model.encoders.items() if one.modality == TEXT]
    there = ", ".join(narratives) or "none"
    words = "no text is written for it; data.narratives has {there}: add {name}: {{type: ...}}"
    return [
        fault_at("mmx_unwritten", ["model", "encoders", name], words.format(there=there, name=name))
        for name in names
        if name not in narratives
    ]


def _other_number(fusion: FusionParams, used: Sequence[str]) -> str:
    """What a fusion of another number of modalities takes, and what would fit."""
    least, most = fusion.takes
    above = "" if most == least else " or more" if most is None else f" to {most}"
    few = f"add one, or use fusion: {{type: only, modality: {used[0]}}}"
    many = "leave some out, or use a fusion for any number, such as concat or gated"
    return (
        f"{fusion.entry_point} fuses {least}{above} modalities, and the model has {len(used)} "
        f"({', '.join(used)}); {few if len(used) < least else many}"
    )


def _stranger(name: str, path: Sequence[str], names: Sequence[str]) -> str:
    """Words on a modality that the model does not have, or not with images."""
    shown = path in (("train", "augment"), ("data", "images"))
    there = "with images" if shown else "of the model"
    close = nearest(name, names)
    near = f"nearest: {close}; " if close else ""
    return f"{near}the modalities {there} are {', '.join(names) or 'none'}"


def fault_at(kind: LiteralString, path: Sequence[str | int], message: str) -> InitErrorDetails:
    """A fault at a place in the spec."""
    detail = PydanticCustomError(kind, "{message}", {"message": message})
    return InitErrorDetails(type=detail, loc=tuple(path), input=None)


def corrections(sampler: object, weights: object, loss: object) -> list[str]:
    """The keys that correct class imbalance, with what stands there."""
    found = {
        "train.sampler": getattr(sampler, "rebalances", False),
        "train.class_weights": weights is not None,
        "loss": getattr(loss, "rebalances", False),
    }
    return [key for key, corrects in found.items() if corrects]


def too_many(keys: list[str]) -> str:
    """The words of a refusal."""
    return (
        f"class imbalance is corrected more than once, by {' and '.join(keys)}; keep one of them, "
        "or set allow_double_correction: true"
    )
