"""Features with masked tokens come back from the cache with each token in its place."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from mmx.data import TextStore
from mmx.data.encoding import FrozenEncoder, pool_level
from mmx.data.feature_cache import FeatureCache
from mmx.interfaces import Features, FeatureShape, TextEncoder, Texts

ALL = frozenset({"pooled", "tokens", "levels"})
TEXTS = ["".join(letters) for letters in itertools.product("a-", repeat=3)]


class Places(TextEncoder):
    """One place per letter, a dash is a missing field."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.letters = nn.Embedding(128, 4)
        self.shape, self.weights = FeatureShape(4, (4,)), {"origin": "x", "sha256": ""}

    def tokenize(self, texts: Sequence[str]) -> Texts:
        ids = torch.tensor([[ord(letter) for letter in text] for text in texts])
        return Texts(ids, ids != ord("-"))

    def forward(self, texts: Texts) -> Features:
        tokens = self.letters(texts.ids) + torch.arange(texts.ids.shape[1])[:, None]
        plain = Features(tokens, texts.mask)
        return Features(tokens, texts.mask, levels=(plain,))


def test_every_mask_comes_back(tmp_path: Path) -> None:
    encoder, store = Places(), TextStore(TEXTS, Places())
    cache = FeatureCache(tmp_path, budget_gb=1)
    found = cache.encode(FrozenEncoder(encoder, "{}", dtype="float32"), store, range(8), want=ALL)
    wanted = encoder(store.collate(range(8)))
    for rows in (list(range(8)), [7, 3], [1], [6, 4]):
        got = found.collate(rows)
        for kept, full in ((got, wanted), (got.levels[0], wanted.levels[0])):
            width = kept.mask.shape[1]
            mask = full.mask[rows]
            assert not mask[:, width:].any()
            assert torch.equal(kept.mask, mask[:, :width])
            assert torch.equal(kept.tokens[kept.mask], full.tokens[rows][mask])
        assert torch.equal(got.present, wanted.present[rows])


def test_a_level_is_pooled_over_its_real_tokens() -> None:
    tokens = torch.arange(1.0, 65).view(1, 64, 1).repeat(2, 1, 1)
    mask = torch.ones(2, 64, dtype=torch.bool)
    mask[1, 0] = False
    mask[1, [2, 3, 10, 11]] = False
    tokens[1, ~mask[1]] = 1e6
    pooled = pool_level(Features(tokens, mask), 64, 64)
    assert pooled.mask[0].all()
    assert pooled.mask[1].tolist() == [True, False, *[True] * 14]
    assert pooled.tokens[1, 0].item() == (2 + 9 + 10) / 3
    assert torch.equal(pooled.tokens[0, 2:], pooled.tokens[1, 2:])
