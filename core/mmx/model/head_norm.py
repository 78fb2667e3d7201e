"""One norm in front of every head, so that methods differ by what they say and not by its scale."""

from dataclasses import replace

from torch import Tensor, nn

from mmx.interfaces import Features

EPS = 1e-6  # 1e-5 would still let a fusion with small numbers, such as mlb, differ by its scale


class HeadNorm(nn.Module):
    """LayerNorm over the channels D of pooled and tokens alike, with one gain and bias for both.

    Fusions give numbers whose spread differs 16-fold at the start; under one learning rate the
    head of a small one learns more slowly, which looks like a worse method.
    Source: Ba et al. 2016, Layer Normalization, arXiv:1607.06450.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=EPS)

    def forward(self, features: Features) -> Features:
        """Normalise pooled [B, D] and tokens [B, N, D]; all else stays."""
        tokens: Tensor = self.norm(features.tokens)
        one = features.tokens.shape[1] == 1
        alike = one and features.tokens.data_ptr() == features.pooled.data_ptr()
        pooled: Tensor = tokens[:, 0] if alike else self.norm(features.pooled)
        return replace(features, tokens=tokens, pooled=pooled)
