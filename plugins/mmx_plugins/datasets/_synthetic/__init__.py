"""Pictures, findings, sites, several labels and ordered levels of ``dataset.synthetic``."""

from mmx_plugins.datasets._synthetic.picture import (
    DULL,
    LOOKS,
    VERSION,
    LesionLook,
    SyntheticLesion,
    look_of_level,
)
from mmx_plugins.datasets._synthetic.record import Findings
from mmx_plugins.datasets._synthetic.sites import HOSPITALS, Sites
from mmx_plugins.datasets._synthetic.targets import LEVELS, OrderedLevels, SeveralLabels

__all__ = [
    "DULL", "Findings", "HOSPITALS", "LEVELS", "LOOKS", "LesionLook", "OrderedLevels",
    "SeveralLabels", "Sites", "SyntheticLesion", "VERSION", "look_of_level",
]  # fmt: skip
