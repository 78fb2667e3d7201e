"""Training: the loop on Accelerate, optimisers, schedules, augmentation, checkpoints."""

from mmx.training.history import EpochRecord, History
from mmx.training.interfaces import Rows, Trainable
from mmx.training.loss_trial import try_loss
from mmx.training.objective import auxiliary_weights
from mmx.training.precision import Precision, autocast, resolve_precision
from mmx.training.scoring import predict_logits
from mmx.training.start import train

__all__ = [
    "EpochRecord", "History", "Precision", "Rows", "Trainable", "autocast", "auxiliary_weights",
    "predict_logits", "resolve_precision", "train", "try_loss",
]  # fmt: skip
