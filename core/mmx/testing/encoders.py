"""Laws of encoders on what they compute; built without pretrained weights, so nothing is loaded."""

from functools import lru_cache, partial

import torch
from torch import Tensor

from mmx.errors import MmxError
from mmx.interfaces import (
    Encoder,
    EncoderParams,
    Features,
    ImageEncoder,
    Images,
    Inputs,
    TextEncoder,
    Texts,
    WrappingEncoder,
    WrappingParams,
    innermost,
    map_tensors,
)
from mmx.model import built_encoder, kind_of, reads_size, try_encoder
from mmx.testing.law import Laws, SkippedLaw, demand, finite, same, shape
from mmx.testing.samples import batch

TEXTS = ("A lesion on the back.", "", "A 45-year-old man with a brown spot on the left arm.")
SIZES = (64, 32, 48, 96, 128, 112, 224, 256, 384)  # pixels; the first one that is read is used


def without_weights(params: EncoderParams) -> EncoderParams:
    """The same settings with random weights, also of the backbone of a wrapping encoder."""
    if isinstance(params, WrappingParams):
        return params.model_copy(update={"backbone": without_weights(params.backbone)})
    none = {"weights": "none"} if "weights" in type(params).model_fields else {}
    return params.model_copy(update=none)


def built(params: EncoderParams) -> Encoder:
    """The encoder with random weights, frozen and in eval mode.

    The last one is kept: laws only look at it, and building takes longer than all of them.
    """
    return _built(_Settings(params))[0]


def side_of(params: EncoderParams) -> int:
    """A size in pixels that it reads."""
    return _built(_Settings(params))[1]


class _Settings:
    """Settings as the key of a cache: the same where type and values are."""

    def __init__(self, params: EncoderParams) -> None:
        self.params, self._key = params, (type(params), params.model_dump_json())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Settings) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=1)
def _built(settings: _Settings) -> tuple[Encoder, int]:
    """A new encoder, and a size in pixels that it reads."""
    encoder = fresh(settings.params)
    encoder.learn("frozen")
    encoder.eval()
    if not isinstance(encoder, ImageEncoder):
        return encoder, 0
    own = settings.params.frame
    sizes = SIZES if own is None else (own.height, *SIZES)
    return encoder, next((side for side in sizes if reads_size(encoder, side)), sizes[0])


def fresh(params: EncoderParams, seed: int = 0) -> Encoder:
    """A new encoder with random weights from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = built_encoder(without_weights(params))
        if not isinstance(encoder, ImageEncoder | TextEncoder):
            encoder.input(params.modality, encoder).example()  # it may need layers for what it saw
        return encoder


def inputs_of(params: EncoderParams, encoder: Encoder) -> Inputs:
    """Three samples, of which the second is missing: random images, texts, or made up by its kind.

    Raises:
        SkippedLaw: its kind of input makes nothing up.
    """
    if isinstance(encoder, TextEncoder):
        return encoder.tokenize(TEXTS)
    if not isinstance(encoder, ImageEncoder):
        found = encoder.input(params.modality, encoder).example()
        if found is None:
            raise SkippedLaw(f"{encoder.input.__name__}.example gives nothing to try it on")
        return found
    images = batch(3, side=side_of(params)).inputs["image"]
    assert isinstance(images, Images)
    pixels = images.pixels
    return Images(pixels, torch.tensor([[True], [False], [True]]))


def encoded(encoder: Encoder, inputs: object) -> Features:
    """Their features, without gradient."""
    with torch.no_grad():
        return encoder(inputs)  # type: ignore[no-any-return]


def agree(got: Features, wanted: Features, words: str) -> None:
    """Demand the same features of some samples; what is masked or missing may differ."""
    same({"present": got.present}, {"present": wanted.present}, words)
    _agree_tokens(got, wanted, words)
    demand(len(got.levels) == len(wanted.levels), f"{words}: other levels")
    for depth, (one, other) in enumerate(zip(got.levels, wanted.levels, strict=True)):
        _agree_tokens(one, other, f"{words}, level {depth}")


def _agree_tokens(got: Features, wanted: Features, words: str) -> None:
    here = wanted.present
    scale = wanted.pooled[here].abs().max().clamp(min=1) if here.any() else torch.ones(())
    pooled = {"pooled": got.pooled[here] / scale}, {"pooled": wanted.pooled[here] / scale}
    same(*pooled, words)
    width = max(got.mask.shape[1], wanted.mask.shape[1])
    first, second = (_widened(one, width) for one in (got, wanted))
    same({"mask": first[1][here]}, {"mask": second[1][here]}, words)
    scale = second[0].abs().max().clamp(min=1)
    tokens = {"tokens": first[0][here] / scale}, {"tokens": second[0][here] / scale}
    same(*tokens, words)


def _widened(given: Features, width: int) -> tuple[Tensor, Tensor]:
    """Tokens with zeros at masked places, and mask, both of this width."""
    more = width - given.mask.shape[1]
    tokens = given.tokens.masked_fill(~given.mask[..., None], 0)
    return torch.nn.functional.pad(tokens, (0, 0, 0, more)), torch.nn.functional.pad(
        given.mask, (0, more)
    )


def builds(params: EncoderParams) -> str:
    """``build`` gives an encoder of the modality that it declares, which reads some size."""
    encoder, side = built(params), side_of(params)
    kind = kind_of(params)
    demand(isinstance(encoder, kind), f"build must give a {kind.__name__}, got {type(encoder)}")
    try_encoder(params, encoder, side, side)
    size = f", tried at {side} x {side} pixels" if side else ""
    return f"{sum(parameter.numel() for parameter in encoder.parameters())} parameters{size}"


def shapes(params: EncoderParams) -> None:
    """Tokens, pooled and levels have the widths promised, and are finite."""
    encoder = built(params)
    given, want = encoded(encoder, inputs_of(params, encoder)), encoder.shape
    finite({"tokens": given.tokens * given.mask[..., None], "pooled": given.pooled}, "features")
    demand(given.tokens.shape[-1] == want.dim, f"tokens {shape(given.tokens)}, not D = {want.dim}")
    demand(given.pooled.shape[-1] == want.dim, f"pooled {shape(given.pooled)}, not D = {want.dim}")
    got = tuple(level.tokens.shape[-1] for level in given.levels)
    demand(got == want.level_dims, f"levels have {got} channels, promised {want.level_dims}")


def presence(params: EncoderParams) -> None:
    """A sample without an image or without a text is not present."""
    encoder = built(params)
    given = encoded(encoder, inputs_of(params, encoder)).present.tolist()
    demand(given == [True, False, True], f"present is {given}, not [True, False, True]")


def batch_independence(params: EncoderParams) -> None:
    """A sample's features are the same alone as in a batch, whose others may be longer."""
    encoder = built(params)
    inputs = inputs_of(params, encoder)
    whole = encoded(encoder, inputs)
    for row in (0, 2):
        one = torch.tensor([row])
        given: Inputs = (
            encoder.tokenize([TEXTS[row]])
            if isinstance(encoder, TextEncoder)
            else map_tensors(inputs, lambda tensor, one=one: tensor[one])  # type: ignore[misc]
        )
        agree(encoded(encoder, given), rows_of(whole, one), f"sample {row} alone and in a batch")


def rows_of(given: Features, rows: Tensor) -> Features:
    """These samples of some features."""
    levels = tuple(rows_of(level, rows) for level in given.levels)
    return Features(
        given.tokens[rows], given.mask[rows], given.pooled[rows], levels, given.present[rows]
    )


def padding(params: EncoderParams) -> str | None:
    """What stands at masked places, or behind them, changes no feature: tokens or views."""
    encoder = built(params)
    inputs = inputs_of(params, encoder)
    whole = encoded(encoder, inputs)
    if isinstance(inputs, Texts):
        turned = inputs.ids.flip(0, 1)  # other ids that the encoder knows
        ids = torch.where(inputs.mask, inputs.ids, turned)
        agree(encoded(encoder, Texts(ids, inputs.mask)), whole, "other ids at masked places")
        more = Texts(
            torch.cat([ids, turned[:, :4]], dim=1),
            torch.cat([inputs.mask, torch.zeros_like(inputs.mask[:, :4])], dim=1),
        )
        agree(encoded(encoder, more), whole, "masked places behind the texts")
        return None
    if not isinstance(inputs, Images):
        return "what it reads has no masked places that mmx knows"
    noise = inputs.pixels.flip(0)
    pixels = torch.where(inputs.mask[..., None, None, None], inputs.pixels, noise)
    agree(encoded(encoder, Images(pixels, inputs.mask)), whole, "other pixels of a missing image")
    return _fewer_views(encoder, inputs)


def _fewer_views(encoder: Encoder, images: Images) -> str | None:
    """Rows of one, two and three views give the same alone as side by side."""
    mask = torch.tensor([[True, False, False], [True, True, False], [True, False, True]])
    pixels = torch.cat([images.pixels, images.pixels.roll(1, 0), images.pixels.flip(-1)], dim=1)
    try:
        whole = encoded(encoder, Images(pixels, mask))
    except MmxError:
        return "it reads one image of a sample"
    for row in range(3):
        views = int(mask[row].nonzero().max()) + 1
        one = torch.tensor([row])
        alone = Images(pixels[one, :views], mask[one, :views])
        words = f"{views} views alone and beside a sample of three"
        agree(encoded(encoder, alone), rows_of(whole, one), words)
    noise = torch.where(mask[..., None, None, None], pixels, pixels.flip(0))
    agree(encoded(encoder, Images(noise, mask)), whole, "other pixels of an absent view")
    return "rows of one, two and three views"


def frozen(params: EncoderParams) -> None:
    """Frozen: nothing learns, and training mode changes no buffer and no feature.

    Of a wrapping encoder that holds for the backbone inside.
    """
    outer = built(params)
    encoder = innermost(outer)
    inputs = inputs_of(params, outer)
    demand(not any(p.requires_grad for p in encoder.parameters()), "frozen, a parameter learns")
    before = {name: buffer.clone() for name, buffer in encoder.named_buffers()}
    wanted = encoded(encoder, inputs).pooled
    outer.train()
    trained = {"pooled": encoded(encoder, inputs).pooled}
    outer.eval()
    same(trained, {"pooled": wanted}, "training mode, frozen", exact=True)
    same(dict(encoder.named_buffers()), before, "buffers after training mode, frozen", exact=True)


def views(params: EncoderParams) -> str | None:
    """Of a wrapping encoder: views are fixed, and there are as many as their mask promises."""
    encoder = built(params)
    if not isinstance(encoder, WrappingEncoder):
        return None
    images = inputs_of(params, encoder)
    assert isinstance(images, Images)
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


def provenance(params: EncoderParams) -> None:
    """It tells where its weights came from."""
    demand(bool(built(params).weights), "weights must tell where they came from")


VALUES: Laws = {
    law.__name__: partial(law)
    for law in (
        builds, shapes, presence, batch_independence, padding, frozen, views, provenance,
    )
}  # fmt: skip
