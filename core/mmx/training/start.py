"""train: puts a training together and runs it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from torch import Tensor

from mmx.errors import DataError, RunError
from mmx.interfaces import Batch, Images, Loss, Sampler, Task
from mmx.runs import Observer, RunFolder
from mmx.spec import Spec
from mmx.training.augment import Augmentation, augmentation
from mmx.training.history import History
from mmx.training.interfaces import Rows, Trainable
from mmx.training.interrupt import StopRequest
from mmx.training.loop import EpochEnded, Loop
from mmx.training.objective import Objective, auxiliary_weights, inverse_frequency
from mmx.training.scoring import link_of
from mmx.training.session import settle, threads


def train(
    model: Trainable,
    parts: Mapping[str, Rows],
    spec: Spec,
    loss: Loss,
    sampler: Sampler,
    task: Task,
    run: RunFolder,
    observer: Observer,
    *,
    allowed_views: Sequence[str] = ("identity",),
    sample_names: Sequence[str] = (),
    epoch_ended: EpochEnded | None = None,
) -> History:
    """Train a model, or go on from the last checkpoint of the run.

    At the end the model has the weights of the epoch with the best validation score
    (``train.select``); without labelled validation rows, of the last epoch.

    Args:
        model: built from the seed of the spec; moved to the device of this process.
        parts: ``train`` and ``validation``.
        spec: ``seed``, ``train``, ``evaluation.batch_size`` and ``data.workers`` are read.
        loss: built for the class counts that the sampler gives.
        sampler: of the training part.
        task: owns the target.
        run: where checkpoints and events go; the caller holds its lock.
        observer: told at most ten times a second.
        allowed_views: of the data set; augmentation makes no others.
        sample_names: ids of the training rows, for messages; may be empty.
        epoch_ended: called in the first process with the 1-based epoch and its figures.

    Raises:
        RunError: a loss that is not finite, nothing that learns, settings that this machine
            cannot run, or a run that cannot be written.
        DataError: no training rows, or training rows without label.
        KeyboardInterrupt: Ctrl-C; a checkpoint was written, and the same spec goes on from it.
    """
    check_rows(parts["train"], task)
    from accelerate import Accelerator  # a second of import
    from accelerate.utils import DistributedDataParallelKwargs

    # fusions of one modality leave projections without gradient, which DDP must expect
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    accelerator = Accelerator(mixed_precision="no", kwargs_handlers=[unused])
    first, _ = parts["train"].batch([0])
    session = settle(
        run, spec.train, accelerator.device, first, accelerator.num_processes, observer
    )
    sampler.set_groups(parts["train"].groups)
    with threads(session.threads), killed_fetchers(), StopRequest() as stop:
        loop = Loop(
            model=model,
            parts=parts,
            spec=spec,
            objective=build_objective(spec, loss, sampler, task, parts["train"], model),
            sampler=sampler,
            task=task,
            run=run,
            observer=observer,
            augment=pick_augmentations(spec, allowed_views, first),
            session=session,
            accelerator=accelerator,
            stop=stop,
            epoch_ended=epoch_ended,
            sample_names=sample_names,
        )
        return loop.fit()


@contextmanager
def killed_fetchers() -> Iterator[None]:
    """Tell in plain words that a process which fetches data died; torch raises at any line then."""
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise RunError(
            "a process that fetches the data was killed, often for want of memory; run the same "
            f"spec again to go on, or set data.workers: 0 ({' '.join(str(error).split())[:200]})"
        ) from error


def check_rows(part: Rows, task: Task) -> None:
    """Refuse a training part without rows or with rows of which nothing is known."""
    if not len(part):
        raise DataError("the training part has no rows; see data.split")
    unknown = int((~task.known(part.labels)).sum())
    if unknown:
        raise DataError(f"{unknown} rows of the training part have no label; leave them out")


def pick_augmentations(
    spec: Spec, allowed_views: Sequence[str], first: Batch
) -> dict[str, Augmentation]:
    """Modality -> changes of its images; RunError where there are no pixels to change."""
    chosen = {
        name: augmentation(spec.train.changes(name), allowed_views) for name in first.modalities
    }
    if any(chosen.values()) and not any(isinstance(one, Images) for one in first.inputs.values()):
        raise RunError(
            f"train.augment: {spec.train.augment} changes pixels, but the image features are "
            "cached; set train.augment: none, or model.image.train: last or full"
        )
    return {name: one for name, one in chosen.items() if one is not None}


def build_objective(
    spec: Spec, loss: Loss, sampler: Sampler, task: Task, part: Rows, model: Trainable
) -> Objective:
    """What is minimised; class weights follow the counts that the sampler gives."""
    weights, link = None, link_of(model, task)
    if spec.train.class_weights is not None:
        weights = inverse_frequency(sampler.expected_counts(task.counts(part.labels)))

    def part_loss(logits: Tensor, target: Tensor) -> Tensor:
        return task.part_loss(link.log_probs(logits), target)

    return Objective(loss, auxiliary_weights(spec), weights, part_loss)
