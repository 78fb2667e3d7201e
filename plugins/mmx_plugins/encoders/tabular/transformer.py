"""FT-Transformer: a token for each column, a class token, and pre-norm blocks over them.

Source: Gorishniy et al. 2021, Revisiting Deep Learning Models for Tabular Data, arXiv:2106.11959.
The first block has no norm in front of its attention, which the source calls crucial.
"""

from typing import cast

import torch
from einops import repeat
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from mmx.blocks import attention_weights, check_heads, merge_heads, split_heads
from mmx.interfaces import Features, FeatureShape, Records
from mmx_plugins.encoders._records.network import RecordNetwork
from mmx_plugins.encoders.tabular.tokens import ColumnTokens, vectors


class Transformer(RecordNetwork):
    """Records [B, K] -> tokens of the columns [B, K, dim], pooled LN(CLS) [B, dim].

    Args:
        tokens: of the columns.
        dim: width of a token.
        blocks: at least one: without any, the class token knows nothing of the columns.
        heads: of attention; divides ``dim``.
        dropout: of attention weights, and of the hidden layer of each block.
        skip_missing: the token of a missing cell is no token, as if the column did not exist.
    """

    def __init__(
        self,
        tokens: ColumnTokens,
        dim: int,
        *,
        blocks: int = 2,
        heads: int = 8,
        dropout: tuple[float, float] = (0.15, 0.05),
        skip_missing: bool = False,
    ) -> None:
        super().__init__()
        check_heads(dim, heads)
        self.shape = FeatureShape(dim, (dim,) * (blocks - 1))
        self.tokens, self.skip_missing = tokens, skip_missing
        self.cls = vectors(1, dim)
        self.blocks = nn.ModuleList(
            Block(dim, heads, dropout, first=index == 0) for index in range(blocks)
        )
        self.norm = nn.LayerNorm(dim)
        for parameter in (self.cls, *tokens.parameters()):
            parameter.no_weight_decay = True  # type: ignore[attr-defined]

    def forward(self, records: Records) -> Features:
        """Encode [B, K]; in eval mode ``columns`` [B, K] says what CLS read of them last."""
        mask = records.known if self.skip_missing else torch.ones_like(records.known)
        columns = self.tokens(records)
        x = torch.cat([repeat(self.cls, "1 d -> b 1 d", b=len(columns)), columns], dim=1)
        readable = torch.cat([mask.new_ones(len(mask), 1), mask], dim=1)
        levels, entered = [], x
        for block in self.blocks:
            entered, x = x, block(x, readable)
            levels.append(Features(x[:, 1:], mask, x[:, 0]))
        explain: dict[str, Tensor] = {}
        if not self.training:
            explain["columns"] = cast(Block, self.blocks[-1]).read(entered, readable)
        pooled = self.norm(x[:, 0])
        return Features(x[:, 1:], mask, pooled, levels=tuple(levels[:-1]), explain=explain)


class Block(nn.Module):
    """x = x + MHA(LN x); x = x + W_2 Drop ReGLU(W_1 LN x); hidden width 4/3 dim."""

    def __init__(self, dim: int, heads: int, dropout: tuple[float, float], *, first: bool) -> None:
        super().__init__()
        hidden = int(dim * 4 / 3)
        self.before = nn.Identity() if first else nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads, dropout[0])
        self.norm = nn.LayerNorm(dim)
        self.hidden, self.out = nn.Linear(dim, 2 * hidden), nn.Linear(hidden, dim)
        self.dropout = nn.Dropout(dropout[1])

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Update x [B, N, D] with mask [B, N]."""
        x = x + self.attention(self.before(x), mask)
        value, gate = self.hidden(self.norm(x)).chunk(2, dim=-1)
        updated: Tensor = x + self.out(self.dropout(value * gate.relu()))
        return updated

    @torch.no_grad()
    def read(self, x: Tensor, mask: Tensor) -> Tensor:
        """How much the first token of x [B, N, D] reads of each of the others: [B, N - 1]."""
        return self.attention.weights(self.before(x), mask)[:, 0, 1:]


class SelfAttention(nn.Module):
    """W_o Drop(softmax(Q K^T / sqrt(d_h))) V; every row has a real key, which is CLS."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value = (nn.Linear(dim, dim) for _ in range(3))
        self.out = nn.Linear(dim, dim)
        for layer in (self.query, self.key, self.value, self.out):
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Read x [B, N, D] with mask [B, N] from each of its tokens."""
        q, k, v = (split_heads(f(x), self.heads) for f in (self.query, self.key, self.value))
        dropout = self.dropout if self.training else 0.0
        read = scaled_dot_product_attention(
            q, k, v, attn_mask=mask[:, None, None], dropout_p=dropout
        )
        result: Tensor = self.out(merge_heads(read))
        return result

    def weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attention [B, N, N], mean over the heads; each row sums to 1."""
        q, k = (split_heads(f(x), self.heads) for f in (self.query, self.key))
        return attention_weights(q, k, mask)
