"""The training, evaluation and audit of a spec."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)

from mmx.interfaces import IMAGE, TEXT, ModalityName, SamplerParams
from mmx.spec.choice import chosen
from mmx.spec.class_prompts import PromptSpec
from mmx.spec.closed import ClosedModel, ShortForm, method, table, without_null
from mmx.spec.split import Seed

Chance = Annotated[float, Field(ge=0, lt=1)]
Changes = Literal["none", "light", "dermoscopy"]
OptimizerName = Literal["adamw", "adam", "sgd"]


# of pretrained encoders, by the kind of data; any other learns as new layers do
RATES: Mapping[str, float] = {IMAGE: 1e-4, TEXT: 2e-5}


FORMER_CHECKS: Mapping[str, str] = {"empty_side": "empty_modality"}
"""Old id of a check of the audit, which specs may still waive -> its id."""


def _rate_of(name: str) -> ShortForm:
    return ShortForm(("rates", name), PositiveFloat, f"learning rate of the {name} encoder")


class OptimizerSpec(ClosedModel):
    """Optimizer and its learning rates, one for each kind of layer."""

    short: ClassVar[Mapping[str, ShortForm]] = {
        "lr_image": _rate_of(IMAGE),
        "lr_text": _rate_of(TEXT),
    }

    type: OptimizerName = Field(default="adamw", description="the optimizer")
    lr: PositiveFloat = Field(default=1e-3, description="learning rate of new layers")
    rates: Annotated[
        dict[ModalityName, PositiveFloat],
        BeforeValidator(
            without_null, json_schema_input_type=dict[ModalityName, PositiveFloat | None]
        ),
    ] = Field(
        default={},
        description="modality -> learning rate of its encoder; otherwise 1e-4 for encoders of "
        "images, 2e-5 for encoders of texts, and lr for all others; `lr_image: X` and `lr_text: X` "
        "are short for `rates: {image: X, text: X}`; null takes one out of a base again",
    )
    weight_decay: NonNegativeFloat = Field(default=0.01, description="weight decay; 0: none")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="momentum, read by sgd alone")

    def rate_of(self, modality: str, kind: str) -> float:
        """Learning rate of the encoder of a modality, whose data are of this kind."""
        return self.rates.get(modality, RATES.get(kind, self.lr))


def _name(value: object) -> object:
    """``optimizer: sgd`` means ``optimizer: {type: sgd}``."""
    return {"type": value} if isinstance(value, str) else value


class TrainSpec(ClosedModel):
    """How the model learns."""

    epochs: PositiveInt = Field(default=20, description="passes through the training part")
    batch_size: PositiveInt = Field(default=32, description="samples in a step, over all processes")
    optimizer: Annotated[
        OptimizerSpec,
        BeforeValidator(_name, json_schema_input_type=OptimizerSpec | OptimizerName),
    ] = table("optimizer and its rates")
    schedule: Literal["cosine", "constant", "one_cycle"] = Field(
        default="cosine", description="course of the learning rates over the steps"
    )
    warmup: float = Field(
        default=0.05, ge=0, lt=1, description="share of the steps in which rates rise"
    )
    clip_norm: PositiveFloat | None = Field(
        default=1.0, description="largest gradient norm; null: any"
    )
    accumulate: PositiveInt = Field(default=1, description="batches that make one step")
    early_stopping: PositiveInt | None = Field(
        default=None, description="epochs without improvement before it ends; null: never"
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        default="auto", description="arithmetic of the model; auto: bf16 where it helps"
    )
    augment: Annotated[
        Changes | dict[ModalityName, Changes],
        BeforeValidator(
            without_null, json_schema_input_type=Changes | dict[ModalityName, Changes | None]
        ),
    ] = Field(
        default="none",
        description="random changes of the training images; or modality -> changes of its images, "
        "none of those that are left out",
    )
    sampler: Annotated[SerializeAsAny[SamplerParams], chosen(SamplerParams, default="shuffle")] = (
        method("shuffle", "order of the training samples")
    )
    class_weights: Literal["inverse_frequency"] | None = Field(
        default=None, description="weights of the classes in the loss; null: all equal"
    )
    auxiliary: dict[str, NonNegativeFloat] | None = Field(
        default=None,
        description="part -> weight of its cross-entropy; null: what the encoders want",
    )
    modality_dropout: Annotated[
        Chance | dict[ModalityName, Chance],
        BeforeValidator(
            without_null, json_schema_input_type=Chance | dict[ModalityName, Chance | None]
        ),
    ] = Field(
        default=0.0,
        description="share of training samples that lose some of their modalities, or modality -> "
        "share of the samples that lose it; no sample loses all",
    )
    select: str | None = Field(
        default=None,
        description="validation score that chooses the best epoch; null: the headline of the task, "
        "such as balanced_accuracy",
    )
    confidence: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="that an epoch is better than the one that is kept, over all epochs that are "
        "compared with it; null: any better score counts",
    )
    # so that finished runs of older versions are still read; see mmx.spec.former
    margin: NonNegativeFloat | None = Field(
        default=None,
        description="0 has no effect; nothing trains by another number: see train.confidence",
    )
    checkpoint_minutes: NonNegativeFloat = Field(
        default=2.0, description="time between checkpoints, minutes"
    )
    threads: PositiveInt | None = Field(
        default=None, description="threads of torch; null: all cores"
    )
    compile: bool = Field(default=False, description="torch.compile the model")

    @model_serializer(mode="wrap")
    def _without_idle(self, written: SerializerFunctionWrapHandler) -> dict[str, object]:
        """All settings; a margin only where it is none that any better score would reach."""
        found: dict[str, object] = written(self)
        return found if self.margin else {k: v for k, v in found.items() if k != "margin"}

    @property
    def drops_modalities(self) -> bool:
        """Whether training samples lose modalities."""
        dropout = self.modality_dropout
        return any(dropout.values()) if isinstance(dropout, dict) else dropout > 0

    def changes(self, modality: str) -> Changes:
        """Random changes of the training images of a modality."""
        augment = self.augment
        return augment.get(modality, "none") if isinstance(augment, dict) else augment

    def drops(self, modality: str) -> bool:
        """Whether training samples lose this modality."""
        dropout = self.modality_dropout
        return (dropout.get(modality, 0.0) if isinstance(dropout, dict) else dropout) > 0


class EvaluationSpec(ClosedModel):
    """How the test part is scored."""

    # read and left out of all that is written, so that specs of older versions still load
    resamples: PositiveInt | None = Field(
        default=None, exclude=True, description="no effect: intervals are no longer drawn"
    )
    seed: Seed | None = Field(
        default=None, exclude=True, description="no effect: intervals are no longer drawn"
    )
    batch_size: PositiveInt = Field(
        default=64, description="samples in a batch when encoding, validating and predicting"
    )
    explain: bool = Field(
        default=True, description="explain the mistakes in the report: heat, words, shares"
    )
    prompts: PromptSpec = table("sentences about classes, where an encoder compares texts")


class AuditSpec(ClosedModel):
    """Findings of the audit that do not stop a run."""

    waive: dict[str, str] = Field(
        default={}, description="id of a check -> why its finding is accepted"
    )

    @field_validator("waive", mode="before")
    @classmethod
    def _renamed(cls, value: object) -> object:
        """Waivers by the ids that checks have now."""
        if not isinstance(value, Mapping):
            return value
        for old, new in FORMER_CHECKS.items():
            if old in value and new in value:
                raise ValueError(f"{old} is the old name of {new}; write one of the two")
        return {FORMER_CHECKS.get(name, name): reason for name, reason in value.items()}
