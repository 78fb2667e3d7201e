"""How large a difference may be of which no group of a test part shows anything."""

import numpy as np

from mmx.evaluation.confusion import Floats

HIDDEN = 0.025  # where no group differs, a difference that shows as seldom as this may hide


def what_may_hide(groups: Floats) -> float:
    """Difference of which ``groups`` of a kind may show nothing, mean over labels ([L])."""
    return float(np.mean(1 - HIDDEN ** (1 / np.maximum(groups, 1))))
