"""A network of timm as the tower of images, such as the ViT of BiomedCLIP and SigLIP."""

from collections.abc import Iterable, Sequence
from typing import Any

from einops import rearrange
from torch import Tensor, nn

from mmx_plugins.encoders._open_clip.trunk import ImageTrunk, depths


class TimmTrunk(ImageTrunk):
    """Pixels [B, 3, H, W] -> tokens [B, N, D] of the last map, pooled [B, D], earlier levels."""

    def __init__(self, visual: Any, fractions: Sequence[float]) -> None:
        super().__init__()
        self.visual = visual
        maps = visual.trunk.feature_info
        self.indices = _levels([int(one["reduction"]) for one in maps], fractions)
        self.dim = int(visual.trunk.num_features)
        self.level_dims = tuple(int(maps[index]["num_chs"]) for index in self.indices)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        """Tokens are timm's last map without class tokens, pooled is what its classifier reads."""
        trunk = self.visual.trunk
        last, maps = trunk.forward_intermediates(pixels, indices=self.indices)
        pooled = trunk.forward_head(last, pre_logits=True)
        if last.ndim == 3:
            tokens = last[:, getattr(trunk, "num_prefix_tokens", 0) :]
        else:
            layout = "b h w c" if getattr(trunk, "output_fmt", "NCHW") == "NHWC" else "b c h w"
            tokens = rearrange(last, f"{layout} -> b (h w) c")
        return tokens, pooled, [rearrange(one, "b c h w -> b (h w) c") for one in maps]

    def take_projection(self) -> nn.Module:
        """Take the classifier of timm, where it is the projection, and the head behind it."""
        classifier, head = self.visual.trunk.get_classifier(), self.visual.head
        self.visual.trunk.reset_classifier(0)
        self.visual.head = nn.Identity()
        return nn.Sequential(classifier, head)

    def last_stage(self) -> Iterable[nn.Module]:
        """Every layer behind the last map but the final one."""
        trunk = self.visual.trunk
        before = [str(one["module"]) for one in trunk.feature_info][-2]
        modules = dict(trunk.named_modules())
        inside = [n for n, name in enumerate(modules) if f"{name}.".startswith(f"{before}.")]
        behind = list(modules.values())[inside[-1] + 1 :]
        return [one for one in behind if next(one.parameters(recurse=False), None) is not None]


def _levels(strides: Sequence[int], fractions: Sequence[float]) -> list[int]:
    """Indices of earlier maps: by depth of a transformer, else the last of two resolutions."""
    if len(set(strides)) == 1:
        return [depth - 1 for depth in depths(fractions, len(strides))]
    ends = {stride: index for index, stride in enumerate(strides)}
    return [index for stride, index in sorted(ends.items()) if stride < strides[-1]][-2:]
