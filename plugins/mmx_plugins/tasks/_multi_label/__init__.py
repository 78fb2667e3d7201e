"""How a report shows the scores of ``task.multi_label``."""

from mmx_plugins.tasks._multi_label.scores import MultiLabelScores

__all__ = ["MultiLabelScores"]
