"""How the columns of a table become samples."""

from mmx_plugins.datasets._table.settings import TableSettings

__all__ = ["TableSettings"]
