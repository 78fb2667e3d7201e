"""Image encoder: any backbone of timm that gives intermediate maps.

Source: Wightman 2019, PyTorch Image Models, doi:10.5281/zenodo.4414861; each network its own paper.
"""

import difflib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, ClassVar, Literal, TypedDict

import torch
from einops import rearrange
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mmx import (
    EncoderParams,
    Features,
    FeatureShape,
    Params,
    PluginError,
    ShapeError,
    SingleImageEncoder,
    WeightsError,
    hookimpl,
)
from mmx.blocks import (
    EFFICIENTNET_LITE0,
    EFFICIENTNET_LITE1,
    EFFICIENTNET_LITE2,
    Weights,
    find_weights,
    folder_tensors,
    hub_folder,
    load_by_position,
    load_tensors,
    read_tensors,
    state_digest,
)
from mmx.errors import said_by

_HUB = "hf-hub:"
_HUB_WEIGHTS = (["model.safetensors"], ["pytorch_model.bin"])
BUNDLED = {
    "tf_efficientnet_lite0": EFFICIENTNET_LITE0,
    "tf_efficientnet_lite1": EFFICIENTNET_LITE1,
    "tf_efficientnet_lite2": EFFICIENTNET_LITE2,
}
# the bundled weights were trained with this normalisation, which is not timm's for that name
BUNDLED_MEAN, BUNDLED_STD = (0.498, 0.498, 0.498), (0.502, 0.502, 0.502)


class TimmParams(EncoderParams):
    """Settings of a timm backbone."""

    modality: ClassVar[str] = "image"
    most_images: ClassVar[int | None] = 1
    source: ClassVar[str] = "Wightman 2019, doi:10.5281/zenodo.4414861"

    type: Literal["timm"] = "timm"
    arch: str = Field(
        default="tf_efficientnet_lite0",
        description="name of the network, as in timm, or hf-hub:NAME for a model on the hub",
    )
    weights: Weights = Field(
        default="bundled",
        description="none, bundled (tf_efficientnet_lite0; lite1 and lite2 by mmx[lite]), default "
        "(timm's download), "
        "package:NAME/PATH or a file",
    )
    img_size: PositiveInt | None = Field(
        default=None,
        description="height and width in pixels that a network with positions or windows is set "
        "to, after its weights are loaded; null: as timm has it",
    )
    levels: tuple[int, ...] | None = Field(
        default=None,
        description="indices of the intermediate maps to give as levels before the last one; null: "
        "the last map at each of the two resolutions before the final one",
    )

    def build(self) -> "TimmEncoder":
        with warnings.catch_warnings():  # renamed networks warn; the name given stays valid
            warnings.simplefilter("ignore")
            with said_by("timm", f"building the network {self.arch!r}"):
                network, record, notes = _network(self.arch, self.weights)
                if self.img_size is not None:
                    notes = (*notes, _resized(network, self.arch, self.img_size))
        mean, std = _normalisation(network, self.weights)
        encoder = TimmEncoder(network, self.levels, mean, std, record)
        encoder.notes = notes
        return encoder


class DataConfig(TypedDict):
    """What timm knows of the images that a network was trained with."""

    input_size: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def _network(arch: str, weights: Weights) -> tuple[Any, dict[str, str], tuple[str, ...]]:
    """The network without its classifier, with weights, where they came from, and notes on them."""
    import timm  # seconds of import

    network: Any  # timm types its models as plain modules
    if arch.startswith(_HUB):
        return _from_hub(arch, weights)
    if not timm.is_model(arch):
        near = difflib.get_close_matches(arch, timm.list_models(), n=1, cutoff=0.4)
        hint = f"; nearest: {near[0]}" if near else ""
        raise PluginError(f"timm has no network {arch!r}{hint}")
    name, _, tag = arch.partition(".")
    tags = [one.partition(".")[2] for one in timm.list_models(f"{name}.*", pretrained=True)]
    if tag and tag not in tags:
        raise PluginError(
            f"timm has no weights {tag!r} of {name}; it has {', '.join(tags) or 'none'}"
        )
    if weights == "default":
        return *_downloaded(arch), ()
    network = _made(arch, pretrained=False)
    record, notes = {"origin": "none", "sha256": ""}, tuple[str, ...]()
    if weights != "none":
        record, notes = _load(network, arch, weights)
    network.reset_classifier(0)
    return network, record, notes


def _from_hub(arch: str, weights: Weights) -> tuple[Any, dict[str, str], tuple[str, ...]]:
    """The same of a model on the hub or in its cache; nothing inside its files is run."""
    folder = hub_folder(arch, "a model of timm (config.json and weights)", _HUB_WEIGHTS)
    network = _made(f"local-dir:{folder}", pretrained=False)
    record = {"origin": "none", "sha256": ""}
    notes = tuple[str, ...]()
    if weights == "default":
        tensors, record = folder_tensors(folder)
        notes = load_tensors(network, tensors, arch, unused=_heads(network))
        record = {**record, "origin": arch}
    elif weights != "none":
        record, notes = _load(network, arch, weights)
    network.reset_classifier(0)
    return network, record, notes


def _resized(network: Any, arch: str, size: int) -> str:
    """Set a network to images of another size, positions interpolated; a sentence on it."""
    if not hasattr(network, "set_input_size"):
        raise PluginError(
            f"{arch} has no positions that depend on the size of images: leave img_size out, and "
            "state the size under data.image"
        )
    _, height, width = _data_config(network)["input_size"]
    network.set_input_size(img_size=(size, size))
    network.pretrained_cfg = {**dict(network.pretrained_cfg), "input_size": (3, size, size)}
    return (
        f"{arch} is set to images of {size} x {size} pixels, from {height} x {width}; what depends "
        "on the size is interpolated"
    )


def _heads(network: Any) -> list[str]:
    """How the names of its classifier begin."""
    named = network.pretrained_cfg.get("classifier") or ()
    return [f"{name}." for name in ([named] if isinstance(named, str) else named)]


def _load(network: Any, arch: str, weights: Weights) -> tuple[dict[str, str], tuple[str, ...]]:
    """Load a file into the whole classifier; the bundled one goes by position."""
    if weights == "bundled":
        if arch not in BUNDLED:
            raise WeightsError(f"no weights of {arch} are bundled; bundled: {', '.join(BUNDLED)}")
        found = find_weights(BUNDLED[arch])
        load_by_position(network, read_tensors(found.path), found.origin)
        return found.record(), ()
    found = find_weights(weights)
    tensors = read_tensors(found.path)
    notes = load_tensors(network, tensors, found.origin, unused=_heads(network))
    return found.record(), notes


def _made(arch: str, **asked: Any) -> Any:
    """The network; a transformer that can interpolate its positions reads images of any size."""
    import timm  # seconds of import

    with suppress(TypeError):  # timm has no other way to ask whether a network knows the setting
        return timm.create_model(arch, dynamic_img_size=True, **asked)
    return timm.create_model(arch, **asked)


def _downloaded(arch: str) -> tuple[Any, dict[str, str]]:
    """The network with timm's own weights, from the hub or its cache."""
    network: Any
    try:
        network = _made(arch, pretrained=True, num_classes=0)
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"the weights of {arch} cannot be downloaded ({error}); use weights: none, bundled or "
            "a file"
        ) from error
    source = network.pretrained_cfg.get("hf_hub_id") or network.pretrained_cfg.get("url") or arch
    return network, {"origin": f"timm {source}", "sha256": state_digest(network)}


def _normalisation(network: Any, weights: Weights) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation that the weights were trained with."""
    if weights == "bundled":
        return BUNDLED_MEAN, BUNDLED_STD
    config = _data_config(network)
    return config["mean"], config["std"]


def _data_config(network: Any) -> DataConfig:
    """Size of the images, mean and standard deviation, as timm knows them."""
    data: Any = import_module("timm.data")  # its types are incomplete
    found: DataConfig = data.resolve_model_data_config(network)
    return found


class TimmEncoder(SingleImageEncoder):
    """[B, 3, H, W] -> tokens [B, h*w, C] of the last map, pooled [B, C] as before the classifier.

    Tokens are timm's ``forward_features`` without prefix (class) tokens, ``pooled`` is its
    ``forward_head(pre_logits=True)``: the network with ``num_classes=0``. The last level holds the
    tokens. All are float32, under autocast too, so that features computed now and features from the
    cache look alike.
    """

    def __init__(
        self,
        network: Any,
        levels: Sequence[int] | None,
        mean: Sequence[float],
        std: Sequence[float],
        weights: Mapping[str, str],
    ) -> None:
        super().__init__(mean, std)
        self.network = network
        self.layout = getattr(network, "output_fmt", "NCHW")
        self.prefix = getattr(network, "num_prefix_tokens", 0)
        self.weights = weights
        self.indices = _default_levels(network) if levels is None else list(levels)
        self.shape = self._probe()

    def _probe(self) -> FeatureShape:
        """Widths, from one black image."""
        sides = _data_config(self.network)["input_size"]
        self.eval()
        with torch.no_grad():
            found = self.encode(torch.zeros(1, *sides))
        self.train()
        width, dim = found.pooled.shape[1], found.tokens.shape[2]
        if width != dim:
            raise ShapeError(
                f"this network pools {width} channels but its last map has {dim}; "
                "choose another arch"
            )
        return FeatureShape(dim, tuple(level.tokens.shape[2] for level in found.levels))

    def encode(self, pixels: Tensor) -> Features:
        """Encode normalised pixels [B, 3, H, W]."""
        last, maps = self.network.forward_intermediates(pixels, indices=self.indices)
        tokens = self._tokens(last).float()
        pooled = self.network.forward_head(last, pre_logits=True).float()
        levels = [_real(rearrange(found, "b c h w -> b (h w) c").float()) for found in maps]
        return Features(tokens, _real(tokens).mask, pooled, levels=(*levels, _real(tokens)))

    def _tokens(self, last: Tensor) -> Tensor:
        """The last map as tokens, without class or register tokens."""
        if last.ndim == 3:
            return last[:, self.prefix :]
        axes = "b h w c" if self.layout == "NHWC" else "b c h w"
        return rearrange(last, f"{axes} -> b (h w) c")

    def last_stage(self) -> Iterable[nn.Module]:
        """Every child after the last intermediate map but the final one."""
        names = [str(info["module"]) for info in self.network.feature_info]
        before = names[self.indices[-1]] if self.indices else names[-2]
        modules = dict(self.network.named_modules())
        inside = [n for n, name in enumerate(modules) if f"{name}.".startswith(f"{before}.")]
        return [module for module in list(modules.values())[inside[-1] + 1 :] if _owns(module)]


def _owns(module: nn.Module) -> bool:
    """Whether a module has parameters of its own, not only inside children."""
    return next(module.parameters(recurse=False), None) is not None


def _real(tokens: Tensor) -> Features:
    """Features of tokens that are all real."""
    return Features(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device))


def _default_levels(network: Any) -> list[int]:
    """Indices of the last map at each of the two resolutions before the final one.

    A vision transformer has one resolution; there it is the layers at 1/3 and 2/3 of the depth.
    """
    strides = [int(info["reduction"]) for info in network.feature_info]
    ends = {stride: index for index, stride in enumerate(strides)}
    before = [index for stride, index in sorted(ends.items()) if stride < strides[-1]][-2:]
    if len(before) == 2:
        return before
    return list(dict.fromkeys(round(len(strides) * third / 3) - 1 for third in (1, 2)))


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [TimmParams]
