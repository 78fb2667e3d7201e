"""Training: the loop on Accelerate, optimisers, schedules, augmentation, checkpoints."""

from mmx.training.device import enough_memory, placed, working_device
from mmx.training.exchange import blocks_of, exchanged_gains, too_few_groups
from mmx.training.history import EpochRecord, History
from mmx.training.interfaces import Rows, Trainable
from mmx.training.loss_trial import try_loss
from mmx.training.objective import auxiliary_weights, class_weights, inverse_frequency
from mmx.training.precision import Precision, autocast, encodes, resolve_precision
from mmx.training.probe_judge import ProbeJudge
from mmx.training.scoring import predict_logits
from mmx.training.session import threads
from mmx.training.start import train
from mmx.training.trainee import Trainee, TrainingData
from mmx.training.transfer import beside, channels_last, to_device

__all__ = [
    "EpochRecord", "History", "Precision", "ProbeJudge", "Rows", "Trainable", "Trainee",
    "TrainingData", "autocast", "auxiliary_weights", "beside", "blocks_of", "channels_last",
    "class_weights", "encodes", "enough_memory", "exchanged_gains", "inverse_frequency", "placed",
    "predict_logits", "resolve_precision", "threads", "to_device", "too_few_groups", "train",
    "try_loss", "working_device",
]  # fmt: skip
