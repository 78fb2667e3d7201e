"""``encoder.tabular`` in a spec."""

from typing import TYPE_CHECKING

from mmx_plugins.encoders.tabular.settings import TabularSettings

if TYPE_CHECKING:
    from mmx_plugins.encoders.tabular.encoder import TabularEncoder


class TabularParams(TabularSettings):
    """Which fields of a record are read, how, and by which network."""

    def build(self) -> "TabularEncoder":
        # the network is long, and a spec is read without it
        from mmx_plugins.encoders.tabular.encoder import TabularEncoder

        return TabularEncoder(self)
