"""The data of a spec: rows, texts, split, pixels and cache."""

from typing import Annotated, Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SerializeAsAny,
    model_validator,
)

from mmx.interfaces import DatasetParams, NarrativeParams, SpecPath
from mmx.spec.choice import chosen
from mmx.spec.closed import Closed, method, table

Fraction = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what NumPy takes


Side = Annotated[int, Field(gt=0, le=16_384)]  # beyond it a slip of the pen would fill any memory


class SplitSpec(Closed):
    """How the groups are dealt to the parts; no group is ever in two of them."""

    by: Literal["group"] = Field(default="group", description="what stays together")
    train: Fraction = Field(
        default=0.7, description="share of the samples that the model learns from"
    )
    validation: Fraction = Field(default=0.15, description="share that chooses the best epoch")
    test: Fraction = Field(default=0.15, description="share that is looked at once, at the end")
    calibration: Fraction = Field(default=0.0, description="share kept for conformal prediction")
    seed: Seed = Field(default=0, description="seed of the split, apart from the run's seed")
    file: SpecPath | None = Field(default=None, description="a split written before, used as it is")
    folds: PositiveInt = Field(
        default=1, description="number of folds of cross-validation; 1: none"
    )
    fold: NonNegativeInt = Field(default=0, description="the fold that is the test part, from 0")

    @model_validator(mode="after")
    def _whole(self) -> "SplitSpec":
        total = self.train + self.validation + self.test + self.calibration
        if abs(total - 1) > 1e-6:
            raise ValueError(
                f"train + validation + test + calibration must be 1, they are {total:g}; "
                "state all that are not at their defaults 0.7, 0.15, 0.15 and 0"
            )
        if self.fold >= self.folds:
            raise ValueError(
                f"fold {self.fold} does not exist: folds is {self.folds}, and the first fold is 0"
            )
        return self


class ImageSpec(Closed):
    """How images are brought to one size."""

    height: Side = Field(default=128, description="pixels")
    width: Side = Field(default=128, description="pixels")
    fit: Literal["cover", "stretch"] = Field(
        default="cover",
        description="cover: scale, then cut the overhang off; stretch: change the shape",
    )
    pixel_limit: PositiveInt = Field(
        default=50_000_000, description="an image file with more pixels is refused"
    )


class CacheSpec(Closed):
    """Where the features of frozen encoders are kept."""

    folder: SpecPath | None = Field(
        default=None, description="null: ${MMX_CACHE}, else ~/.cache/mmx"
    )
    budget_gb: PositiveFloat = Field(default=8.0, description="the cache never grows beyond it, GB")


class DataSpec(Closed):
    """Rows, their texts, and how they are dealt to the parts."""

    dataset: Annotated[SerializeAsAny[DatasetParams], chosen(DatasetParams)] = Field(
        description="where the rows come from"
    )
    narrative: Annotated[
        SerializeAsAny[NarrativeParams], chosen(NarrativeParams, default="template")
    ] = method("template", "how the text of a sample is written")
    split: SplitSpec = table("how the groups are dealt to the parts")
    image: ImageSpec = table("how images are brought to one size")
    cache: CacheSpec = table("where the features of frozen encoders are kept")
    memory_gb: NonNegativeFloat = Field(
        default=2.0, description="decoded images are kept in a memory map up to this size, GB"
    )
    workers: NonNegativeInt = Field(default=0, description="processes that decode images; 0: none")
    max_bad: Fraction = Field(default=0.0, description="share of the rows that may be unusable")
