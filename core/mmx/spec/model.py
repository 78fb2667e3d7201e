"""The model of a spec: two encoders, a fusion and a head."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, SerializeAsAny

from mmx.interfaces import EncoderParams, FusionParams, HeadParams
from mmx.spec.choice import chosen
from mmx.spec.closed import Closed, method, table


class ProjectionSpec(Closed):
    """Trainable LayerNorm and Linear between each encoder and the fusion."""

    dim: PositiveInt = Field(
        default=256, description="width that both modalities are brought to, channels"
    )
    normalise: bool = Field(default=True, description="LayerNorm before the Linear")


def _width(value: Any) -> Any:
    """``projection: 128`` means ``projection: {dim: 128}``."""
    return {"dim": value} if isinstance(value, int) and not isinstance(value, bool) else value


class ModelSpec(Closed):
    """Two encoders, a fusion and a head."""

    @property
    def encoders(self) -> dict[str, EncoderParams]:
        """Encoder of each modality by its name, in the order of the model."""
        return {"image": self.image, "text": self.text}

    @property
    def used(self) -> tuple[str, ...]:
        """Names of the modalities that the fusion reads."""
        return self.fusion.used(tuple(self.encoders))

    image: Annotated[SerializeAsAny[EncoderParams], chosen(EncoderParams, modality="image")] = (
        Field(description="encoder of the images")
    )
    text: Annotated[SerializeAsAny[EncoderParams], chosen(EncoderParams, modality="text")] = Field(
        description="encoder of the texts"
    )
    fusion: Annotated[SerializeAsAny[FusionParams], chosen(FusionParams)] = Field(
        description="what mixes the two"
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
