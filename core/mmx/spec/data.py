"""The data of a spec: rows, texts, split, pixels and cache."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mmx.interfaces import (
    TEXT,
    Corner,
    DatasetParams,
    ImageFrame,
    ImageRequest,
    Interpolation,
    ModalityName,
    NarrativeParams,
    Plane,
    SpecPath,
    WhichFrame,
)
from mmx.spec.choice import chosen
from mmx.spec.closed import ClosedModel, ShortForm, table, without_null
from mmx.spec.split import Fraction, SplitSpec

Side = Annotated[int, Field(gt=0, le=16_384)]  # beyond it a slip of the pen would fill any memory


Millimetres = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
Spacing = Annotated[
    tuple[Millimetres, Millimetres],
    BeforeValidator(
        lambda one: [one, one] if isinstance(one, int | float) else one,
        json_schema_input_type=Millimetres | tuple[Millimetres, Millimetres],
    ),
]
"""Down and across; one number stands for both."""


FRAME_KEYS = (
    "height",
    "width",
    "resize",
    "interpolation",
    "corner",
    "fill",
)  # what an encoder may want


class ImageSpec(ClosedModel):
    """How images are brought to one size."""

    height: Side = Field(default=128, description="pixels")
    width: Side = Field(default=128, description="pixels")
    fit: Literal["cover", "stretch"] = Field(
        default="cover",
        description="cover: scale, then cut the overhang off; stretch: change the shape",
    )
    resize: Side | tuple[Side, Side] | Literal["cover", "contain"] | None = Field(
        default=None,
        description="scale to this, then cut the middle out: length of the shorter side, or height "
        "and width; cover: until what is shown is covered; contain: until all of the image is "
        "shown, with bars beside it; null: as `fit` says",
    )
    interpolation: Interpolation = Field(
        default="bicubic", description="how pixels between pixels are made when scaling"
    )
    corner: Corner = Field(
        default="down",
        description="where the middle begins if it lies between pixels: rounded down (as "
        "transformers does) or half to even (as torchvision, timm and open_clip do)",
    )
    spacing: Spacing | None = Field(
        default=None,
        description="mm that a pixel measures, down and across: each image is scaled by the "
        "spacing that its file states, and its middle is shown, with bars where it is smaller; "
        "null: images are scaled whatever their pixels measure",
    )
    fill: Annotated[int, Field(ge=0, le=255)] = Field(
        default=0,
        description="grey of the bars of `resize: contain` and `spacing`; 0 is black, 255 white",
    )
    pixel_limit: PositiveInt = Field(
        default=50_000_000, description="an image file with more pixels is refused"
    )
    range: Literal["auto", "dicom"] | tuple[float, float] = Field(
        default="auto",
        description="values that are black and white in files of more than 8 bits; auto: measured "
        "on the training rows; dicom: each file's own window",
    )
    frames: WhichFrame | Literal["all"] | Annotated[int, Field(gt=1, le=512)] = Field(
        default="only",
        description="of files with several, such as volumes; only: such files are refused; all, or "
        "so many, evenly spread: each is an image of its row",
    )
    plane: Plane = Field(default="axial", description="of the slices of a volume")

    @model_validator(mode="after")
    def _rises(self) -> "ImageSpec":
        if self.grey_range and not self.grey_range[0] < self.grey_range[1]:
            raise ValueError(f"range: {list(self.grey_range)} must go from black to white, upwards")
        return self

    @model_validator(mode="after")
    def _scaled_once(self) -> "ImageSpec":
        if self.spacing and (self.resize is not None or self.fit != "cover"):
            other = "fit" if self.resize is None else "resize"
            raise ValueError(
                f"spacing says how far an image is scaled, and so does {other}; keep one of them"
            )
        return self

    @model_validator(mode="after")
    def _has_a_middle(self) -> "ImageSpec":
        if self.fill and self.resize != "contain" and not self.spacing:
            raise ValueError(
                "fill is the grey of the bars of resize: contain and of spacing, and there are none"
            )
        if self.resize is None or isinstance(self.resize, str):
            return self
        tall, wide = self.resize if isinstance(self.resize, tuple) else (self.resize, self.resize)
        if tall < self.height or wide < self.width:
            raise ValueError(
                f"resize: {self.resize} is smaller than what is cut out of it, {self.height} x "
                f"{self.width} (height x width)"
            )
        return self

    @property
    def shown(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.height, self.width

    @property
    def middle(self) -> ImageFrame | None:
        """What is cut out of the scaled image; None where ``fit`` says what is shown."""
        if self.resize is None:
            return None
        shown = (self.height, self.width, self.resize, self.interpolation, self.corner)
        return ImageFrame(*shown, fill=self.fill)

    @property
    def scaling(self) -> tuple[Any, ...]:
        """All that decides which pixels are shown of a file; for keys of caches."""
        plain = self.resize is None and self.interpolation == "bicubic"
        corner = () if self.corner == "down" else (self.corner,)
        fill = (self.fill,) if self.fill else ()
        spacing = ("spacing", *self.spacing) if self.spacing else ()
        return (
            *self.shown, self.fit, *(() if plain else (self.resize, self.interpolation)), *corner,
            *fill, *spacing,
        )  # fmt: skip

    def shown_to(self, frame: ImageFrame) -> "ImageSpec":
        """The same with what an encoder wants to be shown; a stated spacing decides the scale."""
        scaled = ("resize", "corner", "fill") if self.spacing else ()
        keys = [name for name in FRAME_KEYS if name not in scaled]
        return self.model_copy(update={name: getattr(frame, name) for name in keys})

    @property
    def grey_range(self) -> tuple[float, float] | None:
        """Black and white as they are stated, or were measured; None before."""
        return None if isinstance(self.range, str) else self.range

    @property
    def of_readers(self) -> tuple[str, ...]:
        """What only files of readers listen to, for keys; empty where nothing is stated."""
        stated = (self.windowed, self.frames, self.plane)
        return () if stated == (False, "only", "axial") else tuple(map(str, stated))

    def request(self, name: str, frame: int | None = None) -> ImageRequest:
        """What is asked of the reader of a file.

        Args:
            name: of the file.
            frame: its place from 0; None: what ``frames`` says.
        """
        one = self.frames if self.frames in ("first", "middle") else "only"
        asked = frame if frame is not None else one
        return ImageRequest(name, self.pixel_limit, asked, self.windowed, self.plane)

    @property
    def windowed(self) -> bool:
        """Whether each file says itself what is black and white."""
        return self.range == "dicom"


class CacheSpec(ClosedModel):
    """Where the features of frozen encoders are kept."""

    folder: SpecPath | None = Field(
        default=None, description="null: ${MMX_CACHE}, else ~/.cache/mmx"
    )
    budget_gb: PositiveFloat = Field(default=8.0, description="the cache never grows beyond it, GB")


def names_of(narratives: Mapping[str, NarrativeParams]) -> str:
    """The narratives in words, such as narrative.template."""
    return ", ".join(dict.fromkeys(one.entry_point for one in narratives.values()))


OneNarrative = Annotated[SerializeAsAny[NarrativeParams], chosen(NarrativeParams)]


class DataSpec(ClosedModel):
    """Rows, their texts, and how they are dealt to the parts."""

    short: ClassVar[Mapping[str, ShortForm]] = {
        "narrative": ShortForm(
            ("narratives", TEXT), OneNarrative, "how the text of a sample is written"
        )
    }

    dataset: Annotated[SerializeAsAny[DatasetParams], chosen(DatasetParams)] = Field(
        description="where the rows come from"
    )
    narratives: dict[ModalityName, OneNarrative] = Field(
        default={TEXT: "template"},
        validate_default=True,
        description="modality -> how its text is written, one for each encoder of texts; "
        "`narrative` is short for `narratives: {text: ...}`",
    )
    split: SplitSpec = table("how the groups are dealt to the parts")
    image: ImageSpec = table("how images are brought to one size")
    images: Annotated[
        dict[ModalityName, ImageSpec],
        BeforeValidator(without_null, json_schema_input_type=dict[ModalityName, ImageSpec | None]),
    ] = Field(
        default={},
        description="modality -> how its images are brought to one size, where they differ; keys "
        "that are left out are those of `image`",
    )
    cache: CacheSpec = table("where the features of frozen encoders are kept")
    memory_gb: NonNegativeFloat = Field(
        default=2.0, description="decoded images are kept in a memory map up to this size, GB"
    )
    workers: NonNegativeInt = Field(default=0, description="processes that decode images; 0: none")
    max_bad: Fraction = Field(default=0.0, description="share of the rows that may be unusable")

    @field_validator("images")
    @classmethod
    def _with_common_keys(
        cls, images: dict[ModalityName, ImageSpec], info: ValidationInfo
    ) -> dict[ModalityName, ImageSpec]:
        """Keys that a modality leaves out are those of all images."""
        common = info.data.get("image")
        if not isinstance(common, ImageSpec):
            return images  # it has a fault of its own, which is told
        return {name: _completed(own, common) for name, own in images.items()}

    def frame(self, modality: str) -> ImageSpec:
        """How the images of a modality are brought to one size."""
        return self.images.get(modality, self.image)


def _completed(own: ImageSpec, common: ImageSpec) -> ImageSpec:
    """The settings of one modality with the keys of all images; what it sets itself stays known."""
    whole = ImageSpec.model_validate({**dict(common), **own.model_dump(exclude_unset=True)})
    return ImageSpec.model_construct(_fields_set=set(own.model_fields_set), **dict(whole))
