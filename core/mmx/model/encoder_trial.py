"""One cheap try of an encoder, so that a size or a shape that does not fit is told before a run."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from mmx.errors import MmxError, PluginError, ShapeError
from mmx.interfaces import (
    IMAGE,
    RECORD,
    TEXT,
    Encoder,
    EncoderParams,
    Features,
    ImageEncoder,
    Images,
    RecordEncoder,
    TextEncoder,
    Texts,
    WrappingParams,
)
from mmx.plugins import location_of

ROWS = 2
_KINDS: dict[str, type[Encoder]] = {IMAGE: ImageEncoder, TEXT: TextEncoder, RECORD: RecordEncoder}
TEXTS = ("A brown spot on the arm.", "")
FOUND = 3  # sizes that fit are named; after so many the search ends
SIZES = sorted({*range(32, 545, 16), *range(28, 533, 14), 299, 331, 380, 475, 600})


def without_download(params: EncoderParams) -> EncoderParams:
    """The same settings; weights that would be downloaded are random, also inside a wrapping one.

    By convention of encoders ``weights: default`` is what may be downloaded.
    """
    if isinstance(params, WrappingParams):
        return params.model_copy(update={"backbone": without_download(params.backbone)})
    default = getattr(params, "weights", None) == "default"
    return params.model_copy(update={"weights": "none"}) if default else params


def built_encoder(params: EncoderParams) -> Encoder:
    """What ``build`` gives, if it is an encoder of the modality that the settings promise.

    Raises:
        PluginError: it is something else, or ``build`` fails.
        MmxError: as ``build`` says it.
    """
    try:
        encoder: object = params.build()
    except MmxError:
        raise
    except Exception as error:  # a plugin, or the library that it calls, may raise anything
        raise PluginError(
            f"{params.entry_point} cannot be built: {_words(params, error)}"
        ) from error
    kind = kind_of(params)
    if not isinstance(encoder, kind):
        raise PluginError(
            f"{params.entry_point}: build() gave a {type(encoder).__name__}; return an instance of "
            f"a class that derives from mmx.{kind.__name__}"
        )
    return encoder


def kind_of(params: EncoderParams) -> type[Encoder]:
    """What ``build`` must give: encoders of images, texts and records have classes of their own."""
    return _KINDS.get(params.modality, Encoder)


def try_encoder(
    params: EncoderParams, encoder: Encoder, height: int, width: int, key: str = "data.image"
) -> None:
    """Encode two grey images of this size, or two texts, in eval mode and without gradient.

    Texts that the encoder does not tokenise are not tried: it may take those of the data, which are
    refused in plain words where it does not.

    Args:
        params: its settings.
        encoder: what they built.
        height: of the images of the spec, in pixels.
        width: of the images of the spec, in pixels.
        key: of the spec that states this size.

    Raises:
        ShapeError: it fails, and at which sizes it does not; or it gives other widths than its
            ``shape`` promises.
        PluginError: it gives no features.
    """
    mode = encoder.training
    encoder.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            _try(params, encoder, (height, width), key)
    finally:
        encoder.train(mode)


def _try(params: EncoderParams, encoder: Encoder, size: tuple[int, int], key: str) -> None:
    if not isinstance(encoder, ImageEncoder | TextEncoder):
        return  # what it reads is known to its input, and often to the data alone
    if isinstance(encoder, TextEncoder) and not _tokenises(encoder):
        return
    idle = set[str]()
    try:
        with _watched(encoder, idle):
            found: object = _encode(encoder, *size)
    except Exception as error:  # a plugin may raise anything
        shown = isinstance(encoder, ImageEncoder)
        what = f"images of {size[0]} x {size[1]} pixels" if shown else "texts"
        fits = _fitting(encoder, size, key) if shown else ""
        words = f"{params.entry_point} cannot read {what}: {_words(params, error)}{fits}"
        raise ShapeError(words) from error
    for fault in _faults(encoder, found):
        raise PluginError(f"{params.entry_point}: {fault}")
    if idle:
        raise ShapeError(
            f"{params.entry_point}: the network never calls {len(idle)} of the layers with "
            f"adapters, such as {min(idle)}, so they would learn nothing; use other targets"
        )


@contextmanager
def _watched(encoder: Encoder, idle: set[str]) -> Iterator[None]:
    """Leave the names of layers with adapters that were not called in ``idle``."""
    layers = {name: one for name, one in encoder.named_modules() if hasattr(one, "lora_A")}
    idle |= layers.keys()

    def called(name: str) -> Callable[..., None]:
        return lambda *_: idle.discard(name)

    hooks = [one.register_forward_hook(called(name)) for name, one in layers.items()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _tokenises(encoder: TextEncoder) -> bool:
    """Whether it takes these texts; one that does not may still take those of the data."""
    try:
        encoder.tokenize(TEXTS)
    except Exception:  # noqa: BLE001 - that it takes any text is a law of encoders
        return False
    return True


def _encode(encoder: Encoder, height: int, width: int) -> Features:
    if isinstance(encoder, TextEncoder):
        texts = encoder.tokenize(TEXTS)
        return encoder(Texts(texts.ids, texts.mask))  # type: ignore[no-any-return]
    pixels = torch.full((ROWS, 1, 3, height, width), 128, dtype=torch.uint8)
    return encoder(Images(pixels, torch.ones(ROWS, 1, dtype=torch.bool)))  # type: ignore[no-any-return]


def _faults(encoder: Encoder, found: object) -> Iterator[str]:
    """What is wrong with the features of two samples."""
    if not isinstance(found, Features):
        yield f"forward gave a {type(found).__name__}; return mmx.Features"
        return
    want = encoder.shape
    for name, tensor in (("tokens", found.tokens), ("pooled", found.pooled)):
        if len(tensor) != ROWS or tensor.shape[-1] != want.dim:
            yield _other_width(name, tensor, want.dim)
    levels = tuple(level.tokens.shape[-1] for level in found.levels)
    if levels != want.level_dims:
        yield f"its levels have {list(levels)} channels, its shape promises {list(want.level_dims)}"


def _other_width(name: str, tensor: Tensor, dim: int) -> str:
    return (
        f"{name} are {list(tensor.shape)} for {ROWS} samples, its shape promises a width of {dim}; "
        "set self.shape in __init__ to what forward gives"
    )


def _fitting(encoder: Encoder, size: tuple[int, int], key: str) -> str:
    """Words on the square sizes nearest to this one that the encoder does read."""
    middle = sum(size) / 2
    fits: list[int] = []
    for side in sorted(SIZES, key=lambda one: abs(one - middle)):
        if len(fits) < FOUND and reads_size(encoder, side):
            fits.append(side)
    if not fits:
        return f"; nor does it read any other size from {SIZES[0]} to {SIZES[-1]} pixels"
    named = ", ".join(f"{side} x {side}" for side in sorted(fits))
    return (
        f"; of the sizes from {SIZES[0]} to {SIZES[-1]} pixels {named} "
        f"{'fits' if len(fits) == 1 else 'fit'}: set {key} to "
        f"{{height: {fits[0]}, width: {fits[0]}}}, or choose another encoder"
    )


def reads_size(encoder: Encoder, side: int) -> bool:
    """Whether an encoder of images, in eval mode, reads square ones of this size in pixels."""
    try:
        with torch.no_grad():
            _encode(encoder, side, side)
    except Exception:  # noqa: BLE001 - whatever it raises, the size does not fit
        return False
    return True


def _words(params: EncoderParams, error: Exception) -> str:
    """What a plugin raised, in one line, with the place in its own file where there is one."""
    said = " ".join(str(error).split()).rstrip(".;")
    if isinstance(error, MmxError):
        return said
    file = inspect.getsourcefile(type(params)) or ""
    place = location_of(error, file)
    return f"{f'{place}: ' if place != file else ''}{type(error).__name__}: {said}"
