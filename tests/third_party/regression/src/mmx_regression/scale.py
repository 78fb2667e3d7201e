"""The link of both losses: outputs of a head in units of the training part."""

import torch
from mmx.interfaces import Link
from torch import Tensor


class Scale(Link):
    """First output: answer = mean + spread * z; a second one is the logarithm of its own spread.

    Args:
        counts: [2], mean and spread of the training part, as ``Regression.counts`` gives them.
        inputs: outputs of the head, 1 or 2.
    """

    def __init__(self, counts: Tensor, inputs: int = 1) -> None:
        super().__init__()
        self.inputs = inputs
        self.register_buffer("counts", counts.float())

    def forward(self, raw: Tensor) -> Tensor:
        """[B, 1 or 2], in units of the target."""
        mean, spread = self.get_buffer("counts")
        answer, logs = mean + spread * raw[:, :1], spread.log() + raw[:, 1:]
        return torch.cat([answer, logs], dim=1)

    def log_probs(self, logits: Tensor) -> Tensor:
        """The numbers as they are: they are no logarithms of anything."""
        return logits
