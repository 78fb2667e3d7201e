"""Image encoder: the tower of images of a model of open_clip, such as BiomedCLIP.

Sources: Ilharco et al. 2021, OpenCLIP, doi:10.5281/zenodo.5143773; Radford et al. 2021,
arXiv:2103.00020 (CLIP); Zhang et al. 2023, arXiv:2303.00915 (BiomedCLIP); Zhai et al. 2023,
arXiv:2303.15343 (SigLIP).
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmx import EncoderParams, Features, FeatureShape, Params, SingleImageEncoder, hookimpl
from mmx.blocks import HubName, Weights
from mmx.interfaces import EncodedPrompts, ImageFrame, SpecPath
from mmx_plugins.encoders._open_clip import (
    ImageTower,
    Pool,
    Preprocessing,
    clip_folder,
    encoded_prompts,
    image_tower,
    preprocessing,
)


class OpenClipParams(EncoderParams):
    """Settings of the tower of images."""

    modality: ClassVar[str] = "image"
    most_images: ClassVar[int | None] = 1
    source: ClassVar[str] = "Ilharco et al. 2021, doi:10.5281/zenodo.5143773"

    type: Literal["open_clip"] = "open_clip"
    model: HubName | SpecPath = Field(
        description="a folder that starts with ./, ../, / or ${ and holds open_clip_config.json, "
        "or the name of such a model on the hub"
    )
    weights: Weights = Field(
        default="default",
        description="default (those of the model), none (random, from its configuration), "
        "package:NAME/PATH or a file",
    )
    pool: Pool = Field(
        default="trunk",
        description="trunk: in front of the projection; shared: in the space that images and texts "
        "share, of length 1",
    )
    size: PositiveInt | None = Field(
        default=None, description="height and width of the images, pixels; null: the model's own"
    )
    fractions: tuple[float, ...] = Field(
        default=(1 / 3, 2 / 3),
        description="depths of the levels of a transformer before the last one, in (0, 1]; rounded "
        "to whole layers",
    )

    @property
    def frame(self) -> ImageFrame:
        """As the model's own files say."""
        return preprocessing(clip_folder(self.model), self.size).frame

    @property
    def compares_texts(self) -> bool:
        """In the space that images and texts share."""
        return self.pool == "shared"

    def encode_prompts(self, prompts: Sequence[str]) -> EncodedPrompts:
        """By the tower of texts of the same folder, with the scale and the bias of the model."""
        return encoded_prompts(clip_folder(self.model), self.weights, prompts)

    def build(self) -> "OpenClipEncoder":
        folder = clip_folder(self.model)
        own = preprocessing(folder, self.size)
        tower = image_tower(folder, self.weights, self.size, self.fractions)
        encoder = OpenClipEncoder(tower, self.pool, own.mean, own.std)
        origin = {"origin": str(self.model)} if self.weights == "default" else {}
        encoder.weights = {**tower.record, **origin}
        encoder.notes = (*tower.notes, *_told(own))
        return encoder


def _told(own: Preprocessing) -> list[str]:
    """Sentences on what the model is shown."""
    frame = own.frame
    size = f"{frame.height} x {frame.width}"
    if isinstance(frame.resize, tuple):
        scaled = f"to {size}, in another shape where they have another"
    elif frame.resize == "contain":
        scaled = f"until all of them lies in {size}, with bars of the grey {frame.fill} beside them"
    elif frame.resize == "cover":
        scaled = f"until they cover {size}, of which the middle is read"
    else:
        scaled = f"until the shorter side has {frame.resize} pixels, of which the middle is read"
    notes = [
        "encoder.open_clip is shown images as its own files say, whatever data.image says: scaled "
        f"{scaled} ({frame.interpolation})"
    ]
    if (frame.height, frame.width) != own.trained:
        notes.append(
            f"encoder.open_clip was trained at {own.trained[0]} x {own.trained[1]} pixels; "
            "positions are interpolated"
        )
    return notes


class OpenClipEncoder(SingleImageEncoder):
    """[B, 3, H, W] -> tokens [B, N, D] of patches, pooled [B, D], levels from shallow to deep.

    Tokens stand behind the last norm; the class token is none. With ``shared`` tokens and pooled
    are projected, and pooled has length 1, as the model compares it with texts. All are float32,
    under autocast too, so that features computed now and features from the cache look alike.
    """

    def __init__(
        self, tower: ImageTower, pool: Pool, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        super().__init__(mean, std)
        self.trunk = tower.trunk
        self.pool = pool
        self.projection = tower.projection if pool == "shared" else nn.Identity()
        dim = tower.width if pool == "shared" else tower.trunk.dim
        self.shape = FeatureShape(dim, (*tower.trunk.level_dims, dim))

    def encode(self, pixels: Tensor) -> Features:
        """Encode normalised pixels [B, 3, H, W]."""
        found, pooled, earlier = self.trunk(pixels)
        tokens = _real(self.projection(found).float())
        pooled = self.projection(pooled).float()
        if self.pool == "shared":
            pooled = normalize(pooled, dim=-1)
        levels = (*(_real(level.float()) for level in earlier), tokens)
        return Features(tokens.tokens, tokens.mask, pooled, levels=levels)

    def last_stage(self) -> Iterable[nn.Module]:
        """The last block or stage, the norm behind it, and the projection where it is read."""
        return [*self.trunk.last_stage(), self.projection]


def _real(tokens: Tensor) -> Features:
    """Features of tokens that are all real."""
    return Features(tokens, tokens.new_ones(tokens.shape[:2]).bool())


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [OpenClipParams]
