"""Image encoder: ViT, DeiT, DINO, SigLIP, CLIP, Swin and ConvNeXt of the library transformers.

Sources: Wolf et al. 2020, arXiv:1910.03771; Dosovitskiy et al. 2021, arXiv:2010.11929 (ViT);
Touvron et al. 2021, arXiv:2012.12877 (DeiT); Oquab et al. 2023, arXiv:2304.07193 (DINOv2); Darcet
et al. 2024, arXiv:2309.16588 (registers); Siméoni et al. 2025, arXiv:2508.10104 (DINOv3); Zhai et
al. 2023, arXiv:2303.15343 (SigLIP); Radford et al. 2021, arXiv:2103.00020 (CLIP); Liu et al. 2021,
arXiv:2103.14030 (Swin); Liu et al. 2022, arXiv:2201.03545 (ConvNeXt).
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

from einops import rearrange
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmx import (
    EncoderParams,
    Features,
    FeatureShape,
    Params,
    SingleImageEncoder,
    WeightsError,
    hookimpl,
)
from mmx.blocks import HubName, Weights
from mmx.interfaces import EncodedPrompts, ImageFrame, SpecPath
from mmx_plugins.encoders._transformers import (
    Pool,
    Preprocessing,
    VisionHalf,
    encoded_prompts,
    model_folder,
    preprocessing,
    quiet,
    vision_half,
)


class HfVisionParams(EncoderParams):
    """Settings of an image encoder of transformers."""

    modality: ClassVar[str] = "image"
    most_images: ClassVar[int | None] = 1
    source: ClassVar[str] = "Wolf et al. 2020, arXiv:1910.03771; each network its own paper"

    type: Literal["hf_vision"] = "hf_vision"
    model: HubName | SpecPath = Field(
        description="a folder that starts with ./, ../, / or ${, or the name of a model on the hub"
    )
    weights: Weights = Field(
        default="default",
        description="default (those of the model), none (random, from its configuration), "
        "package:NAME/PATH or a file",
    )
    pool: Pool | None = Field(
        default=None,
        description="how tokens become one vector: the class token, the mean of patches, the mean "
        "of these two, as the model does itself, or in the space that a CLIP or a SigLIP shares "
        "with texts (shared, of length 1); null: cls, and native where there is none",
    )
    size: PositiveInt | None = Field(
        default=None, description="height and width of the images, pixels; null: the model's own"
    )
    fractions: tuple[float, ...] = Field(
        default=(1 / 3, 2 / 3, 1.0),
        description="depths of the levels of a transformer, in (0, 1]; rounded to whole layers",
    )

    @property
    def frame(self) -> ImageFrame:
        """As the model's own files say."""
        return self._preprocessing().at(self.size).frame

    @property
    def compares_texts(self) -> bool:
        """In the space that images and texts share."""
        return self.pool == "shared"

    def encode_prompts(self, prompts: Sequence[str]) -> EncodedPrompts:
        """By the tower of texts of the same folder, with the scale and the bias of the model."""
        with quiet():
            return encoded_prompts(
                model_folder(self.model, "a model of images and texts"), self.weights, prompts
            )

    def _preprocessing(self) -> Preprocessing:
        with quiet():
            return preprocessing(model_folder(self.model, "an image model"))

    def build(self) -> "HfVisionEncoder":
        folder, own = model_folder(self.model, "an image model"), self._preprocessing()
        with quiet():
            half = vision_half(folder, self.weights, self.pool)
        record = half.record
        if self.weights == "default":
            record = {**record, "origin": str(self.model)}
        encoder = HfVisionEncoder(half, self.fractions, own.mean, own.std)
        encoder.weights = record
        encoder.notes = (*half.notes, *_told(own, self.size), *own.notes)
        return encoder


def _told(own: Preprocessing, size: int | None) -> list[str]:
    """Sentences on what the model is shown."""
    frame = own.at(size).frame
    scaled = (
        f"to {frame.resize[0]} x {frame.resize[1]}"
        if isinstance(frame.resize, tuple)
        else f"until the shorter side has {frame.resize} pixels"
    )
    notes = [
        f"encoder.hf_vision is shown images as its own files say, whatever data.image says: scaled "
        f"{scaled} ({frame.interpolation}), of which the middle {frame.height} x {frame.width} is "
        "read"
    ]
    if (frame.height, frame.width) != (own.frame.height, own.frame.width):
        notes.append(
            f"encoder.hf_vision was trained at {own.frame.height} x {own.frame.width} pixels; "
            "positions, where the model has them, are interpolated"
        )
    return notes


class HfVisionEncoder(SingleImageEncoder):
    """[B, 3, H, W] -> tokens [B, N, D] of patches, pooled [B, D], levels from shallow to deep.

    Tokens stand behind the last norm of the model (of ConvNeXt, which pools before its norm, they
    are the last map). Class and register tokens are no tokens here. The last level holds the
    tokens. With ``shared`` tokens and pooled are projected, and pooled has length 1, as the model
    compares it with texts. All are float32, under autocast too, so that features computed now and
    features from the cache look alike.
    """

    def __init__(
        self,
        half: VisionHalf,
        fractions: Sequence[float],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__(mean, std)
        self.network, self.family = half.network, half.family
        config = half.network.config
        self.prefix, self.pool = half.prefix, half.pool
        self.projection = half.projection or nn.Identity()
        if self.prefix is None:
            self.indices, self.shape = _maps(config)
        else:
            self.indices = _depths(fractions, int(config.num_hidden_layers))
            width, deepest = int(config.hidden_size), int(config.num_hidden_layers)
            dim = int(getattr(self.projection, "out_features", width))
            levels = tuple(dim if depth == deepest else width for depth in self.indices)
            self.shape = FeatureShape(dim, levels)

    def encode(self, pixels: Tensor) -> Features:
        """Encode normalised pixels [B, 3, H, W]."""
        asked = {"interpolate_pos_encoding": True} if self.family.interpolates else {}
        found = self.network(pixel_values=pixels, output_hidden_states=True, **asked)
        return self._of_maps(found) if self.prefix is None else self._of_tokens(found, self.prefix)

    def _of_tokens(self, found: Any, prefix: int) -> Features:
        """Features of a transformer, whose first ``prefix`` tokens are no patches."""
        last = found.last_hidden_state
        if self.family.norm:
            last = getattr(self.network, self.family.norm)(last)
        tokens = _real(self.projection(last[:, prefix:]).float())
        levels = tuple(
            tokens
            if depth == len(found.hidden_states) - 1
            else _real(found.hidden_states[depth][:, prefix:].float())
            for depth in self.indices
        )
        pooled = (
            self._shared(found, last, prefix)
            if self.pool == "shared"
            else self._pooled(found, last.float(), tokens)
        )
        return Features(tokens.tokens, tokens.mask, pooled, levels=levels)

    def _shared(self, found: Any, last: Tensor, prefix: int) -> Tensor:
        """[B, D] of length 1, of the class token where there is one, else of the head."""
        own = last[:, 0] if prefix else found.pooler_output
        return normalize(self.projection(own).float(), dim=-1)

    def _of_maps(self, found: Any) -> Features:
        """Features of a network whose resolution falls."""
        maps = getattr(found, "reshaped_hidden_states", None) or found.hidden_states
        last = found.last_hidden_state
        tokens = _real(
            (rearrange(last, "b c h w -> b (h w) c") if last.ndim == 4 else last).float()
        )
        before = [
            _real(rearrange(maps[i], "b c h w -> b (h w) c").float()) for i in self.indices[:-1]
        ]
        pooled = self._pooled(found, last, tokens)
        return Features(tokens.tokens, tokens.mask, pooled, levels=(*before, tokens))

    def _pooled(self, found: Any, last: Tensor, tokens: Features) -> Tensor:
        """One vector [B, D] per image."""
        if self.pool == "native":
            own: Tensor = found.pooler_output
            return own.float()
        if self.pool == "mean":
            return tokens.pooled
        return last[:, 0] if self.pool == "cls" else (last[:, 0] + tokens.pooled) / 2

    def last_stage(self) -> Iterable[nn.Module]:
        """The last block or stage, and what stands behind it."""
        config = self.network.config
        count = len(getattr(config, "depths", ())) or int(config.num_hidden_layers)
        stacks = [m for m in self.network.modules() if isinstance(m, nn.ModuleList)]
        last = [stack[-1] for stack in stacks if len(stack) == count][:1]
        names = ("layernorm", "post_layernorm", "norm", *filter(None, [self.family.own]))
        behind = [getattr(self.network, name, None) for name in names]
        found = [*behind, self.projection]
        return [*last, *(module for module in found if isinstance(module, nn.Module))]


def _depths(fractions: Sequence[float], layers: int) -> list[int]:
    if any(not 0 < fraction <= 1 for fraction in fractions):
        raise WeightsError(f"fractions must lie in (0, 1], got {list(fractions)}")
    return [max(1, round(fraction * layers)) for fraction in fractions]


def _maps(config: Any) -> tuple[list[int], FeatureShape]:
    """Indices of the last map at each of the last three resolutions, and their widths.

    The first entry of ``hidden_states`` stands before the first stage. A stage of Swin merges
    patches at its end, one of ConvNeXt at its beginning.
    """
    depths = len(config.depths)
    if config.model_type == "swin":
        indices = [*range(depths - 1), depths]
        widths = [config.embed_dim * 2 ** min(i, depths - 1) for i in indices]
    else:
        indices = list(range(1, depths + 1))
        widths = [config.hidden_sizes[i - 1] for i in indices]
    return indices[-3:], FeatureShape(widths[-1], tuple(widths[-3:]))


def _real(tokens: Tensor) -> Features:
    """Features of tokens that are all real."""
    return Features(tokens, tokens.new_ones(tokens.shape[:2]).bool())


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [HfVisionParams]
