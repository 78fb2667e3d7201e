"""Where a classification network of images is cut: found on its traced graph.

Each network that torch.fx can trace and whose classifier has one of the usual names will do; it
need not be one of torchvision's. The tracing is torchvision's feature extraction.
"""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor, fx, nn

from mmx.errors import PluginError

HEADS = ("fc", "classifier", "head", "heads")  # what networks call their classifier
# children that hold the stages of a network, where other networks have the stages themselves
HOLDERS = ("features", "trunk_output", "blocks", "layers", "encoder", "encoder.layers")
PROBE = 224  # side of the imaginary image that tells the shapes; vision transformers take no other
Shape = tuple[int, ...]
Layout = Literal["channels first", "channels last", "class token first"]


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a network is cut.

    Attributes:
        nodes: names in the traced graph of the levels; the deepest becomes the tokens.
        layouts: how each of them is laid out.
        dims: channels of each of them.
        pooled: node that gives [B, C]; None where the network has none before its classifier.
        last: modules of the last stage: all after the last but one level.
    """

    nodes: tuple[str, ...]
    layouts: tuple[Layout, ...]
    dims: Shape
    pooled: str | None
    last: tuple[str, ...]


def classifier_layers(network: nn.Module) -> list[str]:
    """Names of the layers that a cut leaves out: those with weights in the classifier."""
    return [
        name
        for name, module in network.named_modules()
        if name.split(".")[0] in HEADS and isinstance(module, nn.Linear | nn.Conv2d)
    ]


def flatten_map(found: Tensor, layout: Layout) -> Tensor:
    """A map of any layout to tokens [B, N, C], row by row, without the class token."""
    if layout == "class token first":
        return found[:, 1:]
    axes = "b c h w" if layout == "channels first" else "b h w c"
    return rearrange(found, f"{axes} -> b (h w) c")


def find_cut(network: nn.Module, levels: Sequence[str] | None = None) -> Cut:
    """Find the last map, the levels before it and the pooled vector of a classifier.

    Args:
        network: takes images [B, 3, H, W]; it is neither run nor changed.
        levels: names of the stages to give before the last map, from shallow to deep; None: the
            last stage at each of the two resolutions before the final one.

    Raises:
        PluginError: a level that is no stage of the network.
    """
    shapes = node_shapes(network)
    heads = tuple(f"{name}." for name in HEADS)
    cut = {n for n, m in network.named_modules() if isinstance(m, nn.AdaptiveAvgPool2d)}
    kept = {name: s for name, s in shapes.items() if not name.startswith(heads) and name not in cut}
    maps = {name: shape for name, shape in kept.items() if _is_map(shape)}
    last = list(maps)[-1]
    stages = _stages(network, maps)
    chosen = _default_levels(stages, maps, last) if levels is None else levels
    if unknown := [name for name in chosen if name not in stages]:
        raise PluginError(f"levels {unknown} are no stages of the network: {', '.join(stages)}")
    nodes = [*(stages[name] for name in chosen), last]
    layouts: tuple[Layout, ...] = tuple(_layout(maps[node]) for node in nodes)
    dims = tuple(_channels(maps[node]) for node in nodes)
    after = _after(network, list(stages), chosen)
    pooled, norms = _pooled(network, shapes, last, dims[-1])
    return Cut(tuple(nodes), layouts, dims, pooled, (*after, *norms))


def _after(network: nn.Module, stages: list[str], chosen: Sequence[str]) -> list[str]:
    """The stages after the deepest chosen one that leaves something to learn."""
    for name in reversed(chosen):
        after = stages[stages.index(name) + 1 :]
        if any(any(True for _ in network.get_submodule(n).parameters()) for n in after):
            return after
    return stages


def node_shapes(network: nn.Module) -> dict[str, Shape]:
    """Shape of every node of the traced graph, from a run without data.

    It is traced once, as torchvision does. ``get_graph_node_names`` traces it twice, and to ask
    ``create_feature_extractor`` for every node traces it twice again.

    Args:
        network: takes images [B, 3, H, W]; it is neither run nor changed.
    """
    from torchvision import ops  # seconds of import
    from torchvision.models.feature_extraction import NodePathTracer  # the same

    empty = copy.deepcopy(network).to("meta").eval()
    # what torchvision's feature extraction does not look into
    leaves = [m for m in vars(ops).values() if isinstance(m, type) and issubclass(m, nn.Module)]
    tracer = NodePathTracer(autowrap_modules=(math, ops), leaf_modules=leaves)
    graph = tracer.trace(empty)
    run = _ShapeRun(tracer.root, graph)
    run.run(torch.zeros(1, 3, PROBE, PROBE, device="meta"))
    names = tracer.node_to_qualname
    return {names[node]: shape for node, shape in run.shapes.items() if node in names}


class _ShapeRun(fx.Interpreter):
    """Remembers the shape of each tensor that a node of the graph gives."""

    def __init__(self, network: nn.Module, graph: fx.Graph) -> None:
        super().__init__(network, graph=graph)
        self.shapes = dict[fx.Node, Shape]()

    def run_node(self, n: fx.Node) -> object:
        """As the interpreter runs it."""
        value = super().run_node(n)
        if isinstance(value, Tensor):
            self.shapes[n] = tuple(value.shape)
        return value


def _is_map(shape: Shape) -> bool:
    """Whether a shape is a square map, or the tokens of a vision transformer."""
    if len(shape) == 4:
        return shape[2] == shape[3] > 1 or shape[1] == shape[2] > 1
    return len(shape) == 3 and shape[0] == 1 and int((shape[1] - 1) ** 0.5) ** 2 == shape[1] - 1


def _layout(shape: Shape) -> Layout:
    if len(shape) == 3:
        return "class token first"
    return "channels first" if shape[2] == shape[3] else "channels last"


def _channels(shape: Shape) -> int:
    return shape[1] if _layout(shape) == "channels first" else shape[-1]


def _stages(network: nn.Module, maps: Mapping[str, Shape]) -> dict[str, str]:
    """Stages that end in a map: name of the module -> its last node, from shallow to deep."""
    ends: dict[str, str] = {}
    for name in _children(network, ""):
        inside = [node for node in maps if node == name or node.startswith(f"{name}.")]
        ends |= {name: inside[-1]} if inside else {}
    order = list(maps)
    return dict(sorted(ends.items(), key=lambda item: order.index(item[1])))


def _children(module: nn.Module, prefix: str) -> Iterator[str]:
    for name, child in module.named_children():
        if prefix + name in HOLDERS:
            yield from _children(child, f"{prefix}{name}.")
        else:
            yield prefix + name


def _default_levels(
    stages: Mapping[str, str], maps: Mapping[str, Shape], last: str
) -> Sequence[str]:
    """The last stage at each of the two resolutions before the final one.

    A vision transformer has one resolution; there it is the layers at 1/3 and 2/3 of the depth.
    """
    ends = {_side(maps[node]): name for name, node in stages.items()}
    before = [name for side, name in ends.items() if side != _side(maps[last])][-2:]
    if len(before) == 2 and len(maps[last]) == 4:
        return before
    same = [name for name, node in stages.items() if maps[node] == maps[last]]
    return list(dict.fromkeys(same[round(len(same) * third / 3) - 1] for third in (1, 2)))


def _side(shape: Shape) -> int:
    """Height of a map."""
    return shape[2] if _layout(shape) == "channels first" else shape[1]


def _pooled(
    network: nn.Module, shapes: Mapping[str, Shape], last: str, dim: int
) -> tuple[str | None, list[str]]:
    """The node that the classifier reads, and the normalisations between the last map and it."""
    modules, names = dict(network.named_modules()), list(shapes)
    pooled = None
    norms = list[str]()
    passed = list[str]()
    for name in names[names.index(last) + 1 :]:
        if isinstance(modules.get(name), nn.Linear | nn.Conv2d | nn.Dropout):
            break
        owner = name.rpartition(".")[0]
        passed += [n for n in (name, owner) if isinstance(modules.get(n), nn.LayerNorm)]
        if shapes[name] == (1, dim):
            pooled, norms = name, list(dict.fromkeys(passed))
    return pooled, norms
