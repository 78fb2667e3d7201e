"""The model of a spec: an encoder for each modality, a fusion and a head."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PositiveInt,
    SerializeAsAny,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError
from torch import nn

from mmx.interfaces import (
    IMAGE,
    RECORD,
    TEXT,
    EncoderParams,
    FusionParams,
    HeadParams,
    ModalityName,
    Params,
)
from mmx.spec.choice import MethodChoice, chosen
from mmx.spec.closed import ClosedModel, ShortForm, method, table

MOST = 8  # modalities of a model
_TAKEN = frozenset({"boxes", "fused", "neither", "new", "prior"})  # what reports and heads call so


def _only(modality: str) -> object:
    return Annotated[SerializeAsAny[EncoderParams], chosen(EncoderParams, modality=modality)]


@dataclass(frozen=True, slots=True)
class _NamedEncoder:
    """What a spec says of an encoder, with the name of its modality."""

    name: str
    value: object


class _ByName(MethodChoice):
    """An encoder; one whose name says what it reads must read that."""

    def _check(self, value: object, info: ValidationInfo) -> Params:
        if not isinstance(value, _NamedEncoder):
            return super()._check(value, info)
        if value.name in _TAKEN or hasattr(nn.ModuleDict, value.name):
            words = "{name} cannot be the name of a modality; choose another"
            raise PydanticCustomError("mmx_name", words, {"name": repr(value.name)})
        only = value.name if value.name in (IMAGE, TEXT, RECORD) else None
        return MethodChoice(EncoderParams, None, only)._check(value.value, info)


def _with_names(value: object) -> object:
    """Each encoder with its name; ``text: null`` takes out the modality that a base has."""
    if not isinstance(value, Mapping):
        return value
    return {name: _NamedEncoder(name, one) for name, one in value.items() if one is not None}


class ProjectionSpec(ClosedModel):
    """Trainable LayerNorm and Linear between each encoder and the fusion."""

    dim: PositiveInt = Field(
        default=256, description="width that all modalities are brought to, channels"
    )
    normalise: bool = Field(default=True, description="LayerNorm before the Linear")


def _width(value: object) -> object:
    """``projection: 128`` means ``projection: {dim: 128}``."""
    return {"dim": value} if isinstance(value, int) and not isinstance(value, bool) else value


class ModelSpec(ClosedModel):
    """An encoder for each modality, a fusion and a head."""

    short: ClassVar[Mapping[str, ShortForm]] = {
        IMAGE: ShortForm(("encoders", IMAGE), _only(IMAGE), "encoder of the images"),
        TEXT: ShortForm(("encoders", TEXT), _only(TEXT), "encoder of the texts"),
        RECORD: ShortForm(("encoders", RECORD), _only(RECORD), "encoder of the clinical table"),
    }

    encoders: Annotated[
        dict[
            ModalityName,
            Annotated[SerializeAsAny[EncoderParams], _ByName(EncoderParams, None, None)],
        ],
        Field(min_length=1, max_length=MOST),
        BeforeValidator(_with_names),
    ] = Field(
        description="modality -> its encoder, one to eight; `image`, `text` and `record` are short "
        "for `encoders: {image: ..., text: ..., record: ...}`; null takes one out again"
    )
    fusion: Annotated[SerializeAsAny[FusionParams], chosen(FusionParams)] = Field(
        description="what mixes the modalities"
    )
    head: Annotated[SerializeAsAny[HeadParams], chosen(HeadParams, default="mlp")] = method(
        "mlp", "what classifies the fused features"
    )
    projection: Annotated[
        ProjectionSpec | None,
        BeforeValidator(_width, json_schema_input_type=ProjectionSpec | PositiveInt | None),
    ] = table(
        "LayerNorm and Linear between each encoder and the fusion; a width alone, or null for none"
    )
    encoding: Literal["fp32", "bf16"] = Field(
        default="fp32",
        description="arithmetic in which frozen encoders run once for the cache; bf16 rounds more, "
        "and is faster where the processor multiplies it",
    )
    head_norm: Literal["layer", "none"] = Field(
        default="layer",
        description="LayerNorm between fusion and head, the same for every fusion; none lets the "
        "head see the fusion's own scale, as before mmx had it",
    )

    @property
    def used(self) -> tuple[str, ...]:
        """Names of the modalities that the fusion reads."""
        return self.fusion.used(tuple(self.encoders))

    def reading(self, kind: str) -> tuple[str, ...]:
        """Names of the modalities that the fusion reads and whose data are of a kind."""
        return tuple(name for name in self.used if self.encoders[name].modality == kind)

    @property
    def kinds(self) -> dict[str, str]:
        """Modality -> kind of its data, such as image or text."""
        return {name: params.modality for name, params in self.encoders.items()}
