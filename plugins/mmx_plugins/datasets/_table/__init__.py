"""How the settings of a table may be written."""

from mmx_plugins.datasets._table.written import Columns, LabelRule, Names, Views

__all__ = ["Columns", "LabelRule", "Names", "Views"]
