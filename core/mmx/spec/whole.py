"""Spec: a whole experiment."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    Field,
    PrivateAttr,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from mmx.errors import Fault, MmxError
from mmx.interfaces import (
    TEXT,
    HookParams,
    InferenceParams,
    LossParams,
    NarrativeParams,
    TaskParams,
)
from mmx.plugins import Plugins
from mmx.spec.agreement import (
    Faults,
    Used,
    corrected_twice,
    fault_at,
    fused,
    left_out,
    named_twice,
    not_of_the_task,
    not_scored,
    of_api_1,
    out_of_order,
    strangers,
    strangers_to_frames,
    strangers_to_images,
    unscored,
    unseen,
    unseen_by_narratives,
    unwritten,
    without_cosines,
    without_prior,
    written_knowing,
)
from mmx.spec.choice import chosen, plugins_of
from mmx.spec.closed import ClosedModel, method, table
from mmx.spec.data import DataSpec
from mmx.spec.explain import location_of
from mmx.spec.model import ModelSpec
from mmx.spec.own_frames import with_own_frames
from mmx.spec.reads import (
    CORRECTIONS,
    DATASET,
    ENCODERS,
    FUSION,
    HEAD,
    KINDS,
    LOSS,
    MODALITIES,
    NARRATIVES,
    TASK,
    WRITTEN,
    WRONG,
    Reads,
    that_hold,
)
from mmx.spec.short import long_path, short_key
from mmx.spec.split import Seed
from mmx.spec.text_sources import unheld_fields
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
        names = long_path(key.split("."), type(self))
        path = [int(name) if name.isdigit() else name for name in names]
        place = location_of(path, type(self), self._root, self._plugins)
        return from_here(place.fault(message, shown))

    @property
    def select(self) -> str:
        """The validation score that chooses the best epoch."""
        return self.train.select or next(iter(self.task.selects))

    @model_validator(mode="before")
    @classmethod
    def _loss_of_the_task(cls, given: object, info: ValidationInfo) -> object:
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
        found = that_hold(self._rules(), (info.context or {}).get(WRONG, ()))
        if found:
            raise ValidationError.from_exception_data("Spec", found)
        return self

    def _rules(self) -> Iterator[tuple[Reads, Callable[[], Faults]]]:
        """What each rule reads beside the keys at which it tells a fault, and how to ask it."""
        model = self.model
        data = self.data
        train = self.train
        methods = self._plugins
        inference: Used = {("inference", place): one for place, one in enumerate(self.inference)}
        mixing: Used = {LOSS: self.loss, FUSION: model.fusion, **inference}
        used: Used = {**mixing, HEAD: model.head, ("train", "sampler"): train.sampler}
        yield (TASK,), lambda: not_of_the_task(self.task, used, methods)
        yield (TASK,), lambda: not_scored(self.task, train, self.select)
        if not self.allow_double_correction:
            yield CORRECTIONS, lambda: corrected_twice(train, self.loss)
        yield (("inference",),), lambda: out_of_order(self.inference)
        yield (("audit",),), lambda: written_knowing(data.narratives, self.audit)
        yield (WRITTEN,), lambda: unwritten(model, data.narratives)
        yield (LOSS,), lambda: without_prior(self.loss, model, self.inference)
        yield (HEAD,), lambda: without_cosines(self.loss, model)
        yield (("hooks",),), lambda: named_twice(self.hooks)
        yield (MODALITIES,), lambda: fused(model)
        if not fused(model):  # else nobody knows what the fusion reads
            yield (KINDS, FUSION), lambda: unseen(model, self.inference)
            yield (DATASET, FUSION), lambda: left_out(data, model, methods)
            yield (MODALITIES, FUSION), lambda: unscored(self.loss, model)
        yield (MODALITIES,), lambda: strangers(model, train)
        yield (KINDS,), lambda: strangers_to_images(model, train)
        yield (KINDS, NARRATIVES), lambda: strangers_to_frames(model, data)
        yield (KINDS,), lambda: unseen_by_narratives(model, data)
        yield (DATASET, NARRATIVES), lambda: unheld_fields(data)
        yield (MODALITIES,), lambda: of_api_1(model, mixing, methods)
        yield (ENCODERS,), self._with_own_frames

    def _with_own_frames(self) -> Faults:
        """Frames that encoders bring, taken into the data, and what contradicts them."""
        data, faults = with_own_frames(self.data, self.model.encoders)
        object.__setattr__(self, "data", data)  # frozen, but not yet seen by anybody
        return [fault_at("mmx_frame", path, words) for path, words in faults.items()]

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

    def digest_fields(self) -> dict[str, object]:
        """What identifies a run: resolved without name, paths, workers, cache and the like."""
        return identity(self)
