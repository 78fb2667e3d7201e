"""The clinical findings of ``dataset.synthetic``."""

from mmx_plugins.datasets._synthetic.record import Findings

__all__ = ["Findings"]
