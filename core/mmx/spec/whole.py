"""Spec: a whole experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, LiteralString

from pydantic import (
    Field,
    PrivateAttr,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from mmx.errors import Fault, MmxError, ShapeError
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
from mmx.plugins import Plugins
from mmx.spec.choice import chosen, plugins_of
from mmx.spec.closed import ClosedModel, method, table
from mmx.spec.data import DataSpec
from mmx.spec.explain import location_of
from mmx.spec.fitting import unfit
from mmx.spec.model import ModelSpec
from mmx.spec.named_images import images_named, too_many_images
from mmx.spec.own_frames import with_own_frames
from mmx.spec.short import long_path, short_key
from mmx.spec.split import Seed
from mmx.spec.train import AuditSpec, EvaluationSpec, TrainSpec
from mmx.spec.tree import Node, from_here
from mmx.spec.write import identity, to_yaml

WAIVED = "text_tells_label"  # the check that such texts fail by nature


class Spec(ClosedModel):
    """A whole experiment: data, model, training and evaluation; closed and frozen."""

    name: str = Field(
        min_length=1,
        max_length=80,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="begins the name of the run's folder: letters, digits, dot, dash, underscore",
    )
    seed: Seed = Field(default=0, description="seed of weights, order and augmentation")
    task: Annotated[SerializeAsAny[TaskParams], chosen(TaskParams, default="single_label")] = (
        method("single_label", "what is learned of the labels")
    )
    data: DataSpec = Field(description="rows, their texts and their parts")
    model: ModelSpec = Field(description="encoders, fusion and head")
    loss: Annotated[SerializeAsAny[LossParams], chosen(LossParams, default="cross_entropy")] = (
        method("cross_entropy", "what training makes small")
    )
    train: TrainSpec = table("how the model learns")
    evaluation: EvaluationSpec = table("how the test part is scored")
    inference: list[Annotated[SerializeAsAny[InferenceParams], chosen(InferenceParams)]] = Field(
        default=[], description="what stands between model and prediction; the first is innermost"
    )
    audit: AuditSpec = table("findings of the audit that do not stop a run")
    hooks: list[Annotated[SerializeAsAny[HookParams], chosen(HookParams)]] = Field(
        default=[], description="what watches the run, such as a tracker, or adds to its report"
    )
    allow_double_correction: bool = Field(
        default=False, description="allow more than one correction of class imbalance"
    )

    _file: Path | None = PrivateAttr(None)
    _text: str = PrivateAttr("")
    _plugins: Plugins = PrivateAttr(default_factory=Plugins)
    _plugin_files: tuple[Path, ...] = PrivateAttr(())
    _root: Node | None = PrivateAttr(None)

    @property
    def file(self) -> Path | None:
        """The file it was read from."""
        return self._file

    @property
    def text(self) -> str:
        """As given: the text of the file, and the overrides as comments."""
        return self._text

    @property
    def plugins(self) -> Plugins:
        """The methods and hooks that it may name; what other specs loaded is unknown to it."""
        return self._plugins

    @property
    def plugin_files(self) -> tuple[Path, ...]:
        """Local plugin files that it was read with."""
        return self._plugin_files

    def fault(self, key: str, message: str) -> Fault:
        """A fault of this spec at the place of a key such as ``model.image``, where it has one."""
        shown = short_key(key, type(self))
        if self._root is None:
            return Fault(message, shown)
        path = long_path(key.split("."), type(self))
        place = location_of(path, type(self), self._root, self._plugins)
        return from_here(place.fault(message, shown))

    @property
    def select(self) -> str:
        """The validation score that chooses the best epoch."""
        return self.train.select or next(iter(self.task.selects))

    @model_validator(mode="before")
    @classmethod
    def _loss_of_the_task(cls, given: Any, info: ValidationInfo) -> Any:
        """A spec that names no loss has that of its task."""
        if not isinstance(given, Mapping) or "loss" in given or "task" not in given:
            return given
        task = given["task"]
        name = task.get("type") if isinstance(task, Mapping) else task
        try:
            params = plugins_of(info).find("task", str(name))
        except MmxError:  # the task itself is at fault, which is told at its line
            return given
        return {**given, "loss": getattr(params, "default_loss", "cross_entropy")}

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> "Spec":
        self._plugins = plugins_of(info)
        found = [
            *self._not_of_the_task(plugins_of(info)),
            *self._corrected_twice(),
            *self._out_of_order(),
            *self._unseen(),
            *self._told(),
            *self._unwritten(),
            *self._without_prior(),
            *self._without_cosines(),
            *self._left_out(),
            *self._named_twice(),
            *self._fused(),
            *self._unscored(),
            *self._strangers(),
            *self._unseen_by_narratives(),
            *self._of_api_1(),
            *self._shown(),
        ]
        if found:
            raise ValidationError.from_exception_data("Spec", found)
        return self

    def _not_of_the_task(self, methods: Plugins) -> list[InitErrorDetails]:
        """Methods and settings that this task cannot use."""
        used: dict[tuple[str | int, ...], Params] = {
            ("loss",): self.loss,
            ("model", "fusion"): self.model.fusion,
            ("model", "head"): self.model.head,
            ("train", "sampler"): self.train.sampler,
            **{("inference", place): params for place, params in enumerate(self.inference)},
        }
        name, selects = self.task.entry_point.partition(".")[2], self.task.selects
        told = {path: unfit(params, name, methods) for path, params in used.items()}
        if self.train.class_weights is not None and not self.task.exclusive:
            words = (
                f"rows of task: {name} have no one class to weigh; leave train.class_weights out"
            )
            told["train", "class_weights"] = words
        if self.select not in selects:
            words = f"task: {name} has no score {self.select!r}; use {' or '.join(selects)}"
            told["train", "select"] = words
        return [_fault_at("mmx_task", path, words) for path, words in told.items() if words]

    def _shown(self) -> list[InitErrorDetails]:
        """Frames that encoders bring, taken into the data, and what contradicts them."""
        data, faults = with_own_frames(self.data, self.model.encoders)
        object.__setattr__(self, "data", data)  # frozen, but not yet seen by anybody
        return [_fault_at("mmx_frame", path, words) for path, words in faults.items()]

    def _corrected_twice(self) -> list[InitErrorDetails]:
        weights = self.train.class_weights
        named = corrections(self.train.sampler, weights, self.loss)
        if len(named) < 2 or self.allow_double_correction:
            return []
        return [_fault_at("mmx_double_correction", named[0].split("."), too_many(named))]

    def _out_of_order(self) -> list[InitErrorDetails]:
        right = sorted(self.inference, key=lambda params: params.place)
        pairs = enumerate(zip(self.inference, right, strict=True))
        wrong = [index for index, (given, wanted) in pairs if given.place != wanted.place]
        names = ", ".join(params.entry_point.partition(".")[2] for params in right)
        words = f"the order of inference methods is wrong; use [{names}]"
        return [_fault_at("mmx_order", ["inference", index], words) for index in wrong[:1]]

    def _unseen(self) -> list[InitErrorDetails]:
        """Inference that changes images, under a fusion that reads none."""
        fusion = self.model.fusion
        if self.model.reading(IMAGE):
            return []
        words = f"it changes images, which {fusion.entry_point} never reads; leave it out"
        return [
            _fault_at("mmx_unseen", ["inference", index], words)
            for index, params in enumerate(self.inference)
            if params.reads_pixels
        ]

    def _without_prior(self) -> list[InitErrorDetails]:
        """What needs the prior of the answers, beside a loss that cannot state it."""
        if self.loss.states_prior:
            return []
        words = (
            f"it needs to know for which class shares the answers are, and {self.loss.entry_point} "
            "cannot say; leave it out, or use another loss, such as logit_adjusted"
        )
        places: list[Sequence[str | int]] = [
            ["inference", index] for index, one in enumerate(self.inference) if one.reads_prior
        ]
        if self.model.fusion.reads_prior:
            places.append(["model", "fusion"])
        return [_fault_at("mmx_prior", place, words) for place in places]

    def _without_cosines(self) -> list[InitErrorDetails]:
        """A loss for cosines, behind a head that gives others."""
        if not self.loss.needs_cosines or self.model.head.gives_cosines:
            return []
        words = (
            f"{self.loss.entry_point} is defined for logits that are cosines, and "
            f"{self.model.head.entry_point} as it is set gives others; set model.head: "
            "{type: mlp, cosine: true}"
        )
        return [_fault_at("mmx_cosines", ["loss"], words)]

    def _left_out(self) -> list[InitErrorDetails]:
        """More columns of images than the encoder of a modality reads."""
        named, found = images_named(self.data.dataset), []
        for name in self.model.reading(IMAGE):
            params = self.model.encoders[name]
            words = too_many_images(
                len(named.get(name, ())), params, params.most_images, self._plugins
            )
            if words:
                found.append(_fault_at("mmx_images", ["model", "encoders", name], words))
        return found

    def _fused(self) -> list[InitErrorDetails]:
        """A fusion of other modalities, or of more or fewer, than the model has."""
        fusion, names = self.model.fusion, tuple(self.model.encoders)
        try:
            fusion.check_modalities(names)
        except ShapeError as error:
            return [_fault_at("mmx_fused", ["model", "fusion"], str(error))]
        used, (least, most) = fusion.used(names), fusion.takes
        lost = [name for name in used if name not in names]
        if lost:
            words = f"it reads {lost[0]!r}, and the modalities are {', '.join(names)}"
        elif len(used) < least or (most is not None and len(used) > most):
            words = _other_number(fusion, used)
        else:
            return []
        return [_fault_at("mmx_fused", ["model", "fusion"], words)]

    def _unscored(self) -> list[InitErrorDetails]:
        """A loss that reads other modalities than the fusion does."""
        try:
            self.loss.check_modalities(self.model.used)
        except ShapeError as error:
            return [_fault_at("mmx_unscored", ["loss"], str(error))]
        return []

    def _strangers(self) -> list[InitErrorDetails]:
        """Numbers for modalities that the model does not have."""
        every, shown = tuple(self.model.encoders), self._with_images()
        given: list[tuple[tuple[str, ...], object, tuple[str, ...]]] = [
            (("train", "optimizer", "rates"), self.train.optimizer.rates, every),
            (("train", "modality_dropout"), self.train.modality_dropout, every),
            (("train", "augment"), self.train.augment, self._encoding(IMAGE)),
            (("data", "images"), self.data.images, shown),
        ]
        return [
            _fault_at("mmx_modality", [*path, name], _stranger(path, names))
            for path, values, names in given
            if isinstance(values, Mapping)
            for name in values
            if name not in names
        ]

    def _encoding(self, kind: str) -> tuple[str, ...]:
        """Modalities that have an encoder of this kind of data, whether or not it is read."""
        return tuple(name for name, found in self.model.kinds.items() if found == kind)

    def _with_images(self) -> tuple[str, ...]:
        """Modalities whose images an encoder reads or a narrative looks at."""
        seen = [one.images_of for one in self.data.narratives.values()]
        return tuple(dict.fromkeys([*self._encoding(IMAGE), *filter(None, seen)]))

    def _unseen_by_narratives(self) -> list[InitErrorDetails]:
        """Narratives that are given the features of images which no encoder encodes."""
        found, there = [], self._encoding(IMAGE)
        for name, narrative in self.data.narratives.items():
            if narrative.needs_features and narrative.images_of not in there:
                words = (
                    f"it writes from the features of similar images of {narrative.images_of}, "
                    f"which no encoder reads; encoders of images: {', '.join(there) or 'none'}"
                )
                found.append(_fault_at("mmx_features", ["data", "narratives", name], words))
        return found

    def _named_twice(self) -> list[InitErrorDetails]:
        """The same hook with the same settings, which would hear of everything twice."""
        words = "it is named before with the same settings; name it once"
        return [
            _fault_at("mmx_twice", ["hooks", index], words)
            for index, hook in enumerate(self.hooks)
            if hook in self.hooks[:index]
        ]

    def _of_api_1(self) -> list[InitErrorDetails]:
        """Methods that know an image and a text by their places, in a model of something else."""
        names = tuple(self.model.encoders)
        if names == (IMAGE, TEXT):
            return []
        seen: list[tuple[Sequence[str | int], Params]] = [
            (("model", "fusion"), self.model.fusion),
            (("loss",), self.loss),
        ]
        seen += [(("inference", index), params) for index, params in enumerate(self.inference)]
        return [
            _fault_at(
                "mmx_api",
                place,
                f"{params.entry_point} is written for plugin API 1 (its module states no MMX_API = "
                f"2), which knows an image and a text alone; the model has {', '.join(names)}",
            )
            for place, params in seen
            if self._plugins.api_of(type(params)) == 1
        ]

    def _told(self) -> list[InitErrorDetails]:
        """Texts that are written knowing the label, without a written reason for it."""
        told = [name for name, one in self.data.narratives.items() if one.needs_label]
        if not told or self.audit.waive.get(WAIVED, "").strip():
            return []
        words = (
            f"these texts are written knowing the label, so every figure will be stamped LEAKY; if "
            f'that is what you want to show, write down why: audit: {{waive: {{{WAIVED}: "..."}}}}'
        )
        return [_fault_at("mmx_leaky", ["data", "narratives", name], words) for name in told[:1]]

    def _unwritten(self) -> list[InitErrorDetails]:
        """Encoders of texts that nothing is written for."""
        names = [name for name, one in self.model.encoders.items() if one.modality == TEXT]
        there = ", ".join(self.data.narratives) or "none"
        words = "no text is written for it; data.narratives has {there}: add {name}: {{type: ...}}"
        return [
            _fault_at(
                "mmx_unwritten", ["model", "encoders", name], words.format(there=there, name=name)
            )
            for name in names
            if name not in self.data.narratives
        ]

    @property
    def leaky(self) -> bool:
        """Whether any of its texts are written knowing the label."""
        return any(one.needs_label for one in self.data.narratives.values())

    @property
    def narratives_read(self) -> dict[str, NarrativeParams]:
        """Modality -> narrative, of the texts that the fusion reads."""
        texts = [name for name in self.model.used if self.model.encoders[name].modality == TEXT]
        return {name: self.data.narratives[name] for name in texts}

    def resolved(self) -> dict[str, Any]:
        """Plain data with every default filled in; paths are absolute when read from a file."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Resolved, as YAML that loads back to the same spec from any folder."""
        return to_yaml(self.resolved())

    def digest_fields(self) -> dict[str, Any]:
        """What identifies a run: resolved without name, paths, workers, cache and the like."""
        return identity(self)


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


def _stranger(path: Sequence[str], names: Sequence[str]) -> str:
    """Words on a modality that the model does not have."""
    if path in (("train", "augment"), ("data", "images")):
        return f"the modalities with images are {', '.join(names) or 'none'}"
    return f"the modalities of the model are {', '.join(names)}"


def _fault_at(kind: LiteralString, path: Sequence[str | int], message: str) -> InitErrorDetails:
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
