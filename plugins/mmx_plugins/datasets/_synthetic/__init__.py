"""Clinical findings, several labels and ordered levels of ``dataset.synthetic``."""

from mmx_plugins.datasets._synthetic.record import Findings
from mmx_plugins.datasets._synthetic.targets import LEVELS, OrderedLevels, SeveralLabels

__all__ = ["LEVELS", "Findings", "OrderedLevels", "SeveralLabels"]
