"""How a report shows the scores of ``task.multi_label``."""

from mmx_plugins.tasks._multi_label.scores import COMPARED, MultiLabelScores

__all__ = ["COMPARED", "MultiLabelScores"]
