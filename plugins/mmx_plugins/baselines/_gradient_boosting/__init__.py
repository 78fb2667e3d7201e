"""What trees are fitted to."""

from mmx_plugins.baselines._gradient_boosting.objective import TaskObjective

__all__ = ["TaskObjective"]
