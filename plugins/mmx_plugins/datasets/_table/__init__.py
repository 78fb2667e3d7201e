"""How the settings of a table may be written, and which rows belong together."""

from mmx_plugins.datasets._table.grouping import GROUPING, Pattern, alone
from mmx_plugins.datasets._table.written import Columns, LabelRule, Names, Views

__all__ = ["GROUPING", "Columns", "LabelRule", "Names", "Pattern", "Views", "alone"]
