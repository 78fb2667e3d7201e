"""Laws of encoders; they are built without pretrained weights, so that nothing is downloaded."""

from functools import lru_cache

import torch
from torch import Tensor

from mmx.interfaces import (
    Encoder,
    EncoderParams,
    Features,
    ImageEncoder,
    Images,
    TextEncoder,
    Texts,
    WrappingEncoder,
    WrappingParams,
    innermost,
)
from mmx.testing.law import Laws, demand, finite, same, shape
from mmx.testing.samples import batch

TEXTS = ("A lesion on the back.", "", "A 45-year-old man with a brown spot on the left arm.")


def built(params: EncoderParams) -> Encoder:
    """The encoder with random weights, frozen and in eval mode.

    The last one is kept: laws only look at it, and building takes longer than all of them.
    """
    return _built(type(params), params.model_dump_json())


@lru_cache(maxsize=1)
def _built(kind: type[EncoderParams], settings: str) -> Encoder:
    """A new encoder from settings in JSON, which can be a key of the cache."""
    params = without_weights(kind.model_validate_json(settings))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = params.build()
    encoder.learn("frozen")
    encoder.eval()
    return encoder


def without_weights(params: EncoderParams) -> EncoderParams:
    """The same settings with random weights, also of the backbone of a wrapping encoder."""
    if isinstance(params, WrappingParams):
        return params.model_copy(update={"backbone": without_weights(params.backbone)})
    none = {"weights": "none"} if "weights" in type(params).model_fields else {}
    return params.model_copy(update=none)


def encoded(encoder: Encoder, rows: Tensor | None = None) -> Features:
    """Features of three random images, of which the second is missing, or of three texts."""
    rows = torch.arange(3) if rows is None else rows
    with torch.no_grad():
        if isinstance(encoder, TextEncoder):
            texts = encoder.tokenize(TEXTS)
            return encoder(Texts(texts.ids[rows], texts.mask[rows]))  # type: ignore[no-any-return]
        pixels = batch(3, side=64).image.pixels  # type: ignore[union-attr]
        mask = torch.tensor([[True], [False], [True]])
        return encoder(Images(pixels[rows], mask[rows]))  # type: ignore[no-any-return]


def builds(params: EncoderParams) -> str:
    """``build`` gives an encoder of the modality that it declares."""
    encoder = built(params)
    kind = TextEncoder if params.modality == "text" else ImageEncoder
    demand(isinstance(encoder, kind), f"build must give a {kind.__name__}, got {type(encoder)}")
    return f"{sum(parameter.numel() for parameter in encoder.parameters())} parameters"


def shapes(params: EncoderParams) -> None:
    """Tokens, pooled and levels have the widths promised, and are finite."""
    encoder = built(params)
    given, want = encoded(encoder), encoder.shape
    finite({"tokens": given.tokens * given.mask[..., None], "pooled": given.pooled}, "features")
    demand(given.tokens.shape[-1] == want.dim, f"tokens {shape(given.tokens)}, not D = {want.dim}")
    demand(given.pooled.shape[-1] == want.dim, f"pooled {shape(given.pooled)}, not D = {want.dim}")
    got = tuple(level.tokens.shape[-1] for level in given.levels)
    demand(got == want.level_dims, f"levels have {got} channels, promised {want.level_dims}")


def presence(params: EncoderParams) -> None:
    """A sample without an image or without a text is not present."""
    given = encoded(built(params)).present.tolist()
    demand(given == [True, False, True], f"present is {given}, not [True, False, True]")


def batch_independence(params: EncoderParams) -> None:
    """A sample's features are the same alone as in a batch."""
    encoder = built(params)
    whole = encoded(encoder)
    for row in (0, 2):
        one = torch.tensor([row])
        alone = encoded(encoder, one)
        scale = whole.pooled[row].abs().max().clamp(min=1)
        got, want = {"pooled": alone.pooled / scale}, {"pooled": whole.pooled[one] / scale}
        same(got, want, f"sample {row} alone and in a batch")


def frozen(params: EncoderParams) -> None:
    """Frozen: nothing learns, and training mode changes no buffer and no feature.

    Of a wrapping encoder that holds for the backbone inside.
    """
    outer = built(params)
    encoder = innermost(outer)
    demand(not any(p.requires_grad for p in encoder.parameters()), "frozen, a parameter learns")
    before = {name: buffer.clone() for name, buffer in encoder.named_buffers()}
    wanted = encoded(encoder).pooled
    outer.train()
    trained = {"pooled": encoded(encoder).pooled}
    outer.eval()
    same(trained, {"pooled": wanted}, "training mode, frozen", exact=True)
    same(dict(encoder.named_buffers()), before, "buffers after training mode, frozen", exact=True)


def views(params: EncoderParams) -> str | None:
    """Of a wrapping encoder: views are fixed, and there are as many as their mask promises."""
    encoder = built(params)
    if not isinstance(encoder, WrappingEncoder):
        return None
    pixels = batch(3, side=64).image.pixels  # type: ignore[union-attr]
    images = Images(pixels, torch.tensor([[True], [False], [True]]))
    shown = encoder.views(images)
    promised = encoder.view_mask(images.mask)
    demand(torch.equal(shown.mask, promised), "views and view_mask tell different masks")
    demand(shown.pixels.shape[:2] == promised.shape, f"views are {shape(shown.pixels)}")
    encoder.train()
    again = encoder.views(images)
    encoder.eval()
    same({"views": again.pixels}, {"views": shown.pixels}, "views in training mode", exact=True)
    changed = not torch.equal(shown.pixels, images.pixels)
    demand(bool(encoder.recipe) or not changed, "views that are not the images need a recipe")
    return f"{promised.shape[1]} views of one image"


def random_state(params: EncoderParams) -> None:
    """Eval leaves the global random numbers of torch alone."""
    encoder = built(params)
    before = torch.get_rng_state()
    encoded(encoder)
    demand(torch.equal(before, torch.get_rng_state()), "eval draws from the global random numbers")


def provenance(params: EncoderParams) -> None:
    """It tells where its weights came from."""
    demand(bool(built(params).weights), "weights must tell where they came from")


ENCODER: Laws = {
    law.__name__: law
    for law in (
        builds, shapes, presence, batch_independence, frozen, views, random_state, provenance,
    )
}  # fmt: skip
