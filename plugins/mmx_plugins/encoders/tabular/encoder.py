"""The encoder of records whose network is a setting."""

from collections.abc import Sequence

from mmx_plugins.encoders._records.columns import Column
from mmx_plugins.encoders._records.encoder import ColumnsEncoder
from mmx_plugins.encoders._records.network import RecordNetwork
from mmx_plugins.encoders.tabular.networks import build_network
from mmx_plugins.encoders.tabular.settings import TabularSettings


class TabularEncoder(ColumnsEncoder):
    """Records [B, K] -> tokens [B, K, D] of the columns, or one token; pooled [B, D]."""

    def __init__(self, settings: TabularSettings) -> None:
        super().__init__(settings, settings.width)
        self.settings = settings

    def make_network(self, columns: Sequence[Column]) -> RecordNetwork:
        return build_network(self.settings, columns)
