"""Masked multi-head attention, and the layers that are made of it.

Masks follow ``Features.mask``: True marks a real token. A row without a real key reads nothing: its
result is the output projection of zeros, never NaN. A learned key for such rows is a
``LearnedPlaceholder``.
"""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from mmx.errors import ShapeError


class Attention(nn.Module):
    """W_o softmax(Q K^T / sqrt(d_h)) V, with Q of one sequence, K and V of another.

    Args:
        dim: width of queries and result.
        context_dim: width of what is read.
        heads: number of heads; divides ``width``.
        width: of all heads together; ``dim`` when not given.
    """

    def __init__(self, dim: int, context_dim: int, heads: int, *, width: int | None = None) -> None:
        super().__init__()
        width = width or dim
        check_heads(width, heads)
        self.heads = heads
        self.query = nn.Linear(dim, width)
        self.key_value = nn.Linear(context_dim, 2 * width)
        self.out = nn.Linear(width, dim)

    def forward(self, queries: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Read the context [B, M, D_context] with mask [B, M] from queries [B, N, D]: [B, N, D]."""
        q = split_heads(self.query(queries), self.heads)
        k, v = self.key_value(context).chunk(2, dim=-1)
        k, v = split_heads(k, self.heads), split_heads(v, self.heads)
        result: Tensor = self.out(merge_heads(masked_attention(q, k, v, mask)))
        return result

    @torch.no_grad()
    def weights(self, queries: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Attention [B, N, M], mean over the heads; each row sums to 1 where there is a key."""
        q = split_heads(self.query(queries), self.heads)
        k, _ = self.key_value(context).chunk(2, dim=-1)
        return attention_weights(q, split_heads(k, self.heads), mask)


class AttentionLayer(nn.Module):
    """Pre-norm layer: y = x + MHA(LN x, LN c, LN c, mask); y = y + FFN(LN y).

    Args:
        dim: width of the sequence that is updated.
        context_dim: width of the sequence that is read.
        heads: number of heads; divides ``dim``.
        expansion: hidden width of the feed-forward network over ``dim``; 0 for none.
        dropout: probability on both branches.
    """

    def __init__(
        self, dim: int, context_dim: int, heads: int, *, expansion: int, dropout: float
    ) -> None:
        super().__init__()
        self.norm, self.context_norm = nn.LayerNorm(dim), nn.LayerNorm(context_dim)
        self.attention = Attention(dim, context_dim, heads)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = FeedForward(dim, expansion, dropout) if expansion else None

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Update x [B, N, D] from the context [B, M, D_context] with mask [B, M]."""
        x = x + self.dropout(self.attention(self.norm(x), self.context_norm(context), mask))
        return x if self.feed_forward is None else x + self.feed_forward(x)

    def weights(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Attention [B, N, M] of this layer, mean over the heads, without gradient."""
        return self.attention.weights(self.norm(x), self.context_norm(context), mask)


class SelfAttentionLayer(nn.Module):
    """Pre-norm transformer layer: x = x + MHA(LN x); x = x + FFN(LN x)."""

    def __init__(self, dim: int, heads: int, *, expansion: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = Attention(dim, dim, heads)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = FeedForward(dim, expansion, dropout) if expansion else None

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Update x [B, N, D] with mask [B, N]."""
        normed = self.norm(x)
        x = x + self.dropout(self.attention(normed, normed, mask))
        return x if self.feed_forward is None else x + self.feed_forward(x)


class FeedForward(nn.Sequential):
    """W_2 Drop(GELU(W_1 LN x)), with dropout on the result too."""

    def __init__(self, dim: int, expansion: int, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(dim),
            nn.Linear(dim, expansion * dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(expansion * dim, dim),
            nn.Dropout(dropout),
        )


def masked_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v over real keys only.

    Args:
        q: [B, H, N, d].
        k: [B, H, M, d].
        v: [B, H, M, d].
        mask: [B, M], bool; True marks a real key.

    Returns:
        [B, H, N, d]; zeros for samples without a real key.
    """
    readable = mask.any(dim=1)
    # such samples read all keys, which stays finite, and what they read is then dropped
    usable = (mask | ~readable[:, None])[:, None, None]
    if q.device.type == "cpu" and q.dtype == torch.bfloat16:
        # in bf16 it is three times slower there than in fp32, casts included
        with torch.autocast("cpu", enabled=False):
            q, k, v = q.float(), k.float(), v.float()
            result = scaled_dot_product_attention(q, k, v, attn_mask=usable).bfloat16()
    else:
        result = scaled_dot_product_attention(q, k, v, attn_mask=usable)
    return result.masked_fill(~readable[:, None, None, None], 0)


def attention_weights(q: Tensor, k: Tensor, mask: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) over real keys: [B, N, M], mean over the heads; zeros without a key.

    Args:
        q: [B, H, N, d].
        k: [B, H, M, d].
        mask: [B, M], bool; True marks a real key.
    """
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    hidden = ~mask[:, None, None]
    scores = scores.float().masked_fill(hidden, torch.finfo(torch.float32).min)
    weights: Tensor = scores.softmax(dim=-1).masked_fill(hidden, 0)
    return weights.mean(dim=1)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, N, H d] to [B, H, N, d]."""
    return rearrange(x, "b n (h d) -> b h n d", h=heads)


def merge_heads(x: Tensor) -> Tensor:
    """[B, H, N, d] to [B, N, H d]."""
    return rearrange(x, "b h n d -> b n (h d)")


def check_heads(width: int, heads: int) -> None:
    """Refuse a number of heads that does not divide the width.

    Raises:
        ShapeError: says which numbers, and what would fit.
    """
    if width % heads:
        fitting = max(n for n in range(1, heads) if width % n == 0)
        raise ShapeError(
            f"{heads} heads do not divide a width of {width}; use heads: {fitting}, or change the "
            "width (model.projection, or dim of the fusion)"
        )
