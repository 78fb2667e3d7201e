"""The training, evaluation and audit of a spec."""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SerializeAsAny,
)

from mmx.interfaces import SamplerParams
from mmx.spec.choice import chosen
from mmx.spec.closed import Closed, method, table
from mmx.spec.split import Seed

OptimizerName = Literal["adamw", "adam", "sgd"]


class OptimizerSpec(Closed):
    """Optimizer and its learning rates, one for each kind of layer."""

    type: OptimizerName = Field(default="adamw", description="the optimizer")
    lr: PositiveFloat = Field(default=1e-3, description="learning rate of new layers")
    lr_image: PositiveFloat = Field(default=1e-4, description="learning rate of the image encoder")
    lr_text: PositiveFloat = Field(default=2e-5, description="learning rate of the text encoder")
    weight_decay: NonNegativeFloat = Field(default=0.01, description="weight decay; 0: none")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="momentum, read by sgd alone")

    def rate_of(self, modality: str) -> float:
        """Learning rate of the encoder of a modality."""
        return {"image": self.lr_image, "text": self.lr_text}[modality]


def _name(value: Any) -> Any:
    """``optimizer: sgd`` means ``optimizer: {type: sgd}``."""
    return {"type": value} if isinstance(value, str) else value


class TrainSpec(Closed):
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
    augment: Literal["none", "light", "dermoscopy"] = Field(
        default="none", description="random changes of the training images"
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
    modality_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="share of training samples that lose one modality"
    )
    select: Literal["balanced_accuracy", "accuracy", "macro_f1", "nll"] = Field(
        default="balanced_accuracy", description="validation score that chooses the best epoch"
    )
    checkpoint_minutes: NonNegativeFloat = Field(
        default=2.0, description="time between checkpoints, minutes"
    )
    threads: PositiveInt | None = Field(
        default=None, description="threads of torch; null: all cores"
    )
    compile: bool = Field(default=False, description="torch.compile the model")


class EvaluationSpec(Closed):
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


class AuditSpec(Closed):
    """Findings of the audit that do not stop a run."""

    waive: dict[str, str] = Field(
        default={}, description="id of a check -> why its finding is accepted"
    )
