"""Builds the model that a spec describes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from zlib import crc32

import torch
from torch import Tensor, nn

from mmx.errors import ShapeError
from mmx.interfaces import (
    DecisionFusion,
    Encoder,
    FeatureShape,
    Fusion,
    Head,
    ImageEncoder,
    Link,
)
from mmx.model.encoder_trial import built_encoder
from mmx.model.head_norm import HeadNorm
from mmx.model.model import Heads, ModalityPath, Model
from mmx.model.projection import Projection
from mmx.model.shared_names import told_apart
from mmx.model.trial import check_fusion, check_head, try_model
from mmx.spec import ModelSpec


def assemble(
    spec: ModelSpec,
    link: Link,
    *,
    parts: Sequence[str] = (),
    seed: int = 0,
    encoders: Mapping[str, Encoder] | None = None,
    prior: Tensor | None = None,
) -> Model:
    """Build all modules of a model.

    Every part draws its first weights from its own stream of the seed, so that changing one part,
    say the fusion, leaves the start of all others as it was.

    Args:
        spec: the model.
        link: makes logits of what heads give; every head has as many outputs as it reads.
        parts: names of the parts that need a head of their own.
        seed: of all initial weights.
        encoders: what ``build_encoder`` gave for the same spec and seed; None builds them here.
        prior: [C] or [L, 2], class shares that the decisions of all heads are for; None where
            nobody knows.

    Raises:
        ShapeError: widths that do not fit, or a part that nothing provides.
        PluginError: a fusion or a head gives something else than its interface asks.
    """
    encoders = encoders or {name: build_encoder(spec, name, seed) for name in spec.encoders}
    paths = {name: _path(spec, name, encoders[name], seed) for name in spec.encoders}
    shapes = {name: one.shape for name, one in paths.items()}
    fusion = _fusion(spec, shapes, prior, seed)
    with random_stream(seed, "head"):
        heads = _heads(spec, fusion, shapes, link.inputs)
    widths = try_model((spec.fusion, fusion), (spec.head, heads), shapes, link)
    decided = spec.encoders if isinstance(fusion, DecisionFusion) else ()
    asked = [part for part in parts if part not in decided]  # these have whole heads already
    with random_stream(seed, "parts"):
        part_heads = _part_heads({**_parts_of(paths), **widths}, asked, link.inputs)
    norms = _norms(spec, {name: _head_dim(fusion, shapes, name) for name in heads})
    return Model(paths, fusion, Heads(heads, norms, part_heads, link))


def _path(spec: ModelSpec, name: str, encoder: Encoder, seed: int) -> ModalityPath:
    """An encoder and its projection, and what the fusion asks of them."""
    used = spec.fusion.used(tuple(spec.encoders))
    reads = spec.fusion.reads if name in used else frozenset[str]()
    shape = _asked(encoder, reads)
    projection = _projection(spec, name, shape, seed)
    return ModalityPath(encoder, projection, reads, getattr(projection, "shape", shape))


def _fusion(
    spec: ModelSpec, shapes: Mapping[str, FeatureShape], prior: Tensor | None, seed: int
) -> Fusion | DecisionFusion:
    """The fusion, at its start."""
    if spec.fusion.equal_widths:
        used = spec.fusion.used(tuple(shapes))
        _check_widths(spec.fusion.entry_point, {name: shapes[name].dim for name in used})
    with random_stream(seed, "fusion"):
        fusion = spec.fusion.build(shapes)
    check_fusion(spec.fusion, fusion)
    if isinstance(fusion, DecisionFusion) and prior is not None:
        fusion.start(prior)
    return fusion


def _norms(spec: ModelSpec, dims: Mapping[str, int]) -> dict[str, HeadNorm]:
    """What stands in front of heads that read so many channels."""
    return {name: HeadNorm(dim) for name, dim in dims.items() if spec.head_norm == "layer"}


def _parts_of(paths: Mapping[str, ModalityPath]) -> dict[str, int]:
    """Widths of the named parts of the encoders that the fusion reads."""
    return told_apart({name: one.encoder.parts for name, one in paths.items() if one.reads})


def _check_widths(method: str, widths: Mapping[str, int]) -> None:
    """Refuse modalities of several widths.

    Raises:
        ShapeError: says which are how wide.
    """
    if len(set(widths.values())) > 1:
        told = ", ".join(f"{name} {dim}" for name, dim in widths.items())
        raise ShapeError(
            f"{method} needs modalities of one width, got {told}; set model.projection"
        )


def _head_dim(
    fusion: Fusion | DecisionFusion, shapes: Mapping[str, FeatureShape], name: str
) -> int:
    """Channels that a head of this name reads."""
    return shapes[name].dim if isinstance(fusion, DecisionFusion) else fusion.dim


def _heads(
    spec: ModelSpec,
    fusion: Fusion | DecisionFusion,
    shapes: Mapping[str, FeatureShape],
    outputs: int,
) -> dict[str, Head]:
    """One head for the fused features, or one for each modality whose decisions are fused."""
    names = tuple(shapes) if isinstance(fusion, DecisionFusion) else ("fused",)
    dims = {name: _head_dim(fusion, shapes, name) for name in names}
    heads = {name: spec.head.build(dim, outputs) for name, dim in dims.items()}
    for head in heads.values():
        check_head(spec.head, head)
    return heads


def build_encoder(spec: ModelSpec, name: str, seed: int) -> Encoder:
    """The encoder of a modality, weights loaded, told what of it learns.

    Raises:
        PluginError: ``build`` fails, or gives something else.
    """
    params = spec.encoders[name]
    with random_stream(seed, name):
        encoder = built_encoder(params)
        encoder.learn(params.train)
    return encoder


def build_untaught_encoder(spec: ModelSpec, name: str, seed: int) -> Encoder:
    """The encoder of a modality as ``assemble`` starts it, not told what of it learns."""
    with random_stream(seed, name):
        return built_encoder(spec.encoders[name])


def _asked(encoder: Encoder, reads: frozenset[str]) -> FeatureShape:
    levels = encoder.shape.level_dims if "levels" in reads else ()
    return FeatureShape(encoder.shape.dim, levels, grid=isinstance(encoder, ImageEncoder))


def _projection(spec: ModelSpec, name: str, shape: FeatureShape, seed: int) -> nn.Module:
    if spec.projection is None:
        return nn.Identity()
    with random_stream(seed, f"projection of {name}"):
        return Projection(shape, spec.projection.dim, normalise=spec.projection.normalise)


def _part_heads(
    widths: Mapping[str, int], parts: Sequence[str], outputs: int
) -> dict[str, nn.Module]:
    """One LayerNorm and Linear per part of the encoders or the fusion."""
    missing = [name for name in parts if name not in widths]
    if missing:
        raise ShapeError(
            f"the loss or train.auxiliary asks for the part {missing[0]!r}, which nothing in this "
            f"model provides; there is: {', '.join(widths) or 'none'}"
        )
    return {
        name: nn.Sequential(nn.LayerNorm(widths[name]), nn.Linear(widths[name], outputs))
        for name in parts
    }


@contextmanager
def random_stream(seed: int, name: str) -> Iterator[None]:
    """Random numbers of a part's own; the global state is as before afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed((seed << 32) + crc32(name.encode()))
        yield
