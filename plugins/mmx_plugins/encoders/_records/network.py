"""What reads the columns of a record."""

from abc import ABC, abstractmethod

from torch import nn

from mmx.interfaces import Features, FeatureShape, Records


class RecordNetwork(nn.Module, ABC):
    """Records [B, K] to features.

    Attributes:
        shape: of the features.
    """

    shape: FeatureShape

    @abstractmethod
    def forward(self, records: Records) -> Features:
        """Encode [B, K]."""
