"""Laws of encoders on how they behave: what a run, a cache and another process ask of them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from mmx.data import FeatureCache, FrozenEncoder, KeyedInputs, Tokens
from mmx.errors import MmxError, ShapeError
from mmx.interfaces import (
    EncodedPrompts,
    Encoder,
    EncoderParams,
    Features,
    ImageEncoder,
    Images,
    Inputs,
    TextEncoder,
    Texts,
    WrappingEncoder,
    map_tensors,
)
from mmx.testing.encoders import (
    TEXTS,
    VALUES,
    agree,
    built,
    encoded,
    fresh,
    inputs_of,
    side_of,
    without_weights,
)
from mmx.testing.global_state import untouched
from mmx.testing.law import Laws, demand, finite, same, shape
from mmx.testing.parts import ROWS as ALL
from mmx.testing.parts import Pictures, RepeatedSamples
from mmx.testing.pretended_device import runs_elsewhere
from mmx.testing.real_run import trains as trains_in_loop

ODD = (
    *TEXTS, " ", "A", "a a", "lesion on the back.", "A lesion on the", "\n", "spot = 3; x=", "?!",
    "皮损位于背部。", "Läsion am Rücken", "word " * 300,
)  # fmt: skip
"""Texts that ``tokenize`` must take: of the data, empty, without some words, and any other."""

SENTENCES = ("a photo of melanoma", "nevus", "a photo of a large brown spot on the back")
"""Prompts that an encoder is asked for, of unequal length."""


def tokenize(params: EncoderParams) -> str | None:
    """Each text gets its ids, the same alone as among others, padded behind; an empty one none."""
    encoder = built(params)
    if not isinstance(encoder, TextEncoder):
        return None
    tokens = Tokens(ODD, encoder)
    mask = tokens.padded(np.array([1])).mask
    demand(not bool(mask.any()), "an empty text has a real token")
    again = Tokens(ODD, encoder).padded(np.arange(len(ODD)))
    first = tokens.padded(np.arange(len(ODD)))
    same({"ids": again.ids}, {"ids": first.ids}, "tokenised twice", exact=True)
    return f"{len(ODD)} texts"


def prompts(params: EncoderParams) -> str | None:
    """Sentences that it compares images with are as wide, and each is the same among any others."""
    if not params.compares_texts:
        return None
    encoded = _encoded(params, SENTENCES)
    whole, wide = encoded.vectors, built(params).shape.dim
    wanted = [len(SENTENCES), wide]
    demand(list(whole.shape) == wanted, f"vectors of prompts are {shape(whole)}, not {wanted}")
    finite({"vectors": whole}, "of prompts")
    turned = {"prompts": _encoded(params, SENTENCES[::-1]).vectors.flip(0)}
    same(turned, {"prompts": whole}, "in another order")
    same({"prompts": _encoded(params, SENTENCES[1:2]).vectors}, {"prompts": whole[1:2]}, "alone")
    told = encoded.count
    counts = (told.total, told.read, told.unknown) if told else ()
    demand(all(len(one) == len(SENTENCES) for one in counts), "count is not one of each prompt")
    return f"{len(SENTENCES)} sentences"


def _encoded(params: EncoderParams, sentences: Sequence[str]) -> EncodedPrompts:
    """Sentences by one and the same model with random weights."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        return without_weights(params).encode_prompts(sentences)


def random_state(params: EncoderParams) -> None:
    """Nothing of the whole process changes, but that building and training draw numbers."""
    with untouched("build", draws=True):
        encoder = without_weights(params).build()
    inputs = inputs_of(params, encoder)
    encoder.learn("full")
    encoder.eval()
    with untouched("forward in eval mode"):
        encoded(encoder, inputs)
    encoder.train()
    with untouched("forward in training mode", draws=True):
        encoded(encoder, inputs)


def inputs_kept(params: EncoderParams) -> None:
    """No input is changed in place, in training neither."""
    encoder = fresh(params)
    encoder.learn("full")
    for training in (False, True):
        encoder.train(training)
        inputs = inputs_of(params, encoder)
        before = [tensor.clone() for tensor in _tensors(inputs)]
        encoded(encoder, inputs)
        kept = all(torch.equal(a, b) for a, b in zip(_tensors(inputs), before, strict=True))
        demand(kept, "forward changes what it was given in place")


def learns(params: EncoderParams) -> str:
    """``train: full`` reaches every parameter, and ``train: last`` some, where there is a last."""
    encoder = fresh(params)
    encoder.learn("full")
    inputs = inputs_of(params, encoder)
    idle = _without_gradient(encoder, inputs)
    if idle and isinstance(inputs, Images):  # some layers look from one view at another
        three = Images(inputs.pixels.expand(-1, 3, -1, -1, -1), inputs.mask.expand(-1, 3))
        with suppress(MmxError):
            idle = [name for name in idle if name in _without_gradient(encoder, three)]
    demand(not idle, f"{len(idle)} parameters are never used, such as {', '.join(idle[:3])}")
    try:
        encoder.learn("last")
    except ShapeError:
        return "all of it; it has no last stage"
    some = sum(value.numel() for value in encoder.parameters() if value.requires_grad)
    demand(some > 0, "train: last lets nothing learn")
    return f"{some} parameters in its last stage"


def _without_gradient(encoder: Encoder, inputs: Inputs) -> list[str]:
    """Names of the parameters that no loss on its features reaches."""
    encoder.train()
    found: Features = encoder(inputs)
    values = [found.pooled, found.tokens, *found.parts.values(), *found.penalties.values()]
    values += [x for level in found.levels for x in (level.tokens, level.pooled)]
    total = sum(value.float().sum() for value in values if value.requires_grad)
    named = {name: value for name, value in encoder.named_parameters() if value.requires_grad}
    if not named:
        return []
    demand(isinstance(total, Tensor), "in training no feature has a gradient")
    grads = torch.autograd.grad(total, list(named.values()), allow_unused=True)  # type: ignore[arg-type]
    return [name for name, grad in zip(named, grads, strict=True) if grad is None]


def state(params: EncoderParams) -> None:
    """What is saved after training steps and loaded into a new one gives the same features."""
    encoder, other = fresh(params), fresh(params, seed=1)
    inputs = inputs_of(params, encoder)
    for one in (encoder, other):
        one.learn("full")
    encoder.train()
    for _ in range(2):
        encoded(encoder, inputs)
    stored = {name: value.contiguous() for name, value in encoder.state_dict().items()}
    other.load_state_dict(load(save(stored)))
    encoder.eval()
    other.eval()
    words = "after training, saving and loading"
    agree(encoded(other, inputs), encoded(encoder, inputs), words)


def device(params: EncoderParams) -> str | None:
    """All that it computes with moves to the device of its inputs."""
    encoder = fresh(params)
    inputs = inputs_of(params, encoder)
    return runs_elsewhere(encoder.eval(), inputs, lambda module, given: module(given))


def explain(params: EncoderParams) -> None:
    """What is explained is detached, with the samples first; penalties are scalars."""
    encoder = fresh(params)
    encoder.learn("full")
    found: Features = encoder(inputs_of(params, encoder))
    rows = len(found.pooled)
    for name, value in found.explain.items():
        demand(not value.requires_grad, f"explain[{name!r}] must be detached")
        good = value.ndim > 0 and len(value) == rows
        demand(good, f"explain[{name!r}] is {shape(value)}; samples come first")
    for name, value in found.penalties.items():
        demand(value.ndim == 0, f"penalties[{name!r}] must be a scalar, got {shape(value)}")
    for name, width in encoder.parts.items():
        got = found.parts.get(name)
        demand(got is not None and got.shape[-1] == width, f"part {name!r} is not {width} wide")


def cached(params: EncoderParams) -> str | None:
    """Frozen features from the cache are those that it gives at once."""
    encoder = built(params)
    if isinstance(encoder, WrappingEncoder):
        return "its backbone is cached, which keeps laws of its own"
    source: KeyedInputs
    if isinstance(encoder, TextEncoder):
        source = _KeyedTexts(encoder)
    elif isinstance(encoder, ImageEncoder):
        source = Pictures(side_of(params))
    else:
        source = RepeatedSamples(inputs_of(params, encoder))
    want = frozenset({"pooled", "tokens"})
    with TemporaryDirectory() as folder:
        cache = FeatureCache(folder, budget_gb=1.0)
        found = cache.encode(
            FrozenEncoder(encoder, "", dtype=np.float32, batch_size=5),
            source,
            range(ALL),
            want=want,
        )
        rows = [6, 1, 3, 0]
        given = source.collate(rows)
        wanted = replace(encoded(encoder, given), levels=())
        agree(found.collate(rows), wanted, "from the cache")
    return None


class _KeyedTexts:
    """Texts with keys."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._texts = [ODD[row % 6] + f" {row}" * (row % 3) for row in range(ALL)]
        self._tokens = Tokens(self._texts, encoder)
        self.keys = [f"{row}" for row in range(ALL)]

    def collate(self, rows: Sequence[int]) -> Texts:
        """The texts of these rows."""
        return self._tokens.padded(np.array(rows))


def trains(params: EncoderParams) -> str:
    """With ``train: full`` it takes steps in the real training loop and comes back from a file."""
    full = without_weights(params).model_copy(update={"train": "full"})
    return trains_in_loop(full, side_of(params) or 32)


def _tensors(inputs: Inputs) -> list[Tensor]:
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    map_tensors(inputs, note)
    return found


CONDUCT: Laws = {
    law.__name__: law
    for law in (
        tokenize, prompts, random_state, inputs_kept, learns, state, device, explain, cached,
        trains,
    )
}  # fmt: skip
ENCODER: Laws = {**VALUES, **CONDUCT}
