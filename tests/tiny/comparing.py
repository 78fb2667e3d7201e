"""An encoder whose images all stand beside one sentence, as a local plugin file."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

import mmx
from mmx.interfaces import EncodedPrompts, TokenCount


class ComparingParams(mmx.EncoderParams):
    """Every image is as near as can be to sentences that hold a word, and opposite to others.

    It reads so many words of a sentence, and knows those of English letters.
    """

    modality: ClassVar[str] = "image"
    type: Literal["comparing"] = "comparing"
    word: str = "rose"
    bias: float | None = None
    works: bool = True
    reads: int | None = None

    @property
    def compares_texts(self) -> bool:
        return True

    def encode_prompts(self, prompts: Sequence[str]) -> EncodedPrompts:
        if not self.works:
            raise mmx.WeightsError("no tower of texts")
        signs = torch.tensor([1.0 if self.word in one else -1.0 for one in prompts])
        return EncodedPrompts(signs[:, None].expand(-1, 4), 5.0, self.bias, self._count(prompts))

    def _count(self, prompts: Sequence[str]) -> TokenCount | None:
        if self.reads is None:
            return None
        words = [one.split() for one in prompts]
        strange = [sum(not word.isascii() for word in of) for of in words]
        return TokenCount([*map(len, words)], [min(len(of), self.reads) for of in words], strange)

    def build(self) -> "Comparing":
        return Comparing()


class Comparing(mmx.SingleImageEncoder):
    def __init__(self) -> None:
        super().__init__((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.shape, self.weights = mmx.FeatureShape(4), {"origin": "random"}
        self.layer = nn.Conv2d(3, 4, 4, stride=8)

    def encode(self, pixels: Tensor) -> mmx.Features:
        tokens = self.layer(pixels).flatten(2).transpose(1, 2).float()
        mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        pooled = torch.full_like(tokens[:, 0], 0.5) + 0 * tokens.mean(dim=1)
        return mmx.Features(tokens, mask, pooled)


@mmx.hookimpl
def mmx_components() -> Sequence[type[mmx.Params]]:
    return [ComparingParams]
