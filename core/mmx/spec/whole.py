"""Spec: a whole experiment."""

from collections.abc import Mapping
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
        inference: Used = {("inference", place): one for place, one in enumerate(self.inference)}
        fusion: Used = {("model", "fusion"): self.model.fusion}
        loss: Used = {("loss",): self.loss}
        others: Used = {
            ("model", "head"): self.model.head,
            ("train", "sampler"): self.train.sampler,
        }
        used: Used = {**loss, **fusion, **others, **inference}
        found = [
            *not_of_the_task(self.task, used, self._plugins),
            *not_scored(self.task, self.train, self.select),
            *([] if self.allow_double_correction else corrected_twice(self.train, self.loss)),
            *out_of_order(self.inference),
            *unseen(self.model, self.inference),
            *written_knowing(self.data.narratives, self.audit),
            *unwritten(self.model, self.data.narratives),
            *without_prior(self.loss, self.model, self.inference),
            *without_cosines(self.loss, self.model),
            *left_out(self.data, self.model, self._plugins),
            *named_twice(self.hooks),
            *fused(self.model),
            *unscored(self.loss, self.model),
            *strangers(self.model, self.train, self.data),
            *unseen_by_narratives(self.model, self.data),
            *of_api_1(self.model, {**fusion, **loss, **inference}, self._plugins),
            *self._with_own_frames(),
        ]
        if found:
            raise ValidationError.from_exception_data("Spec", found)
        return self

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
