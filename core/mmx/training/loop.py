"""The training loop: its body only; devices and processes are Accelerate's.

Every random number of a step is drawn from a seed of its own (seed, step), and the order of an
epoch from (seed, epoch). A checkpoint therefore needs weights, the optimiser's memory and a few
plain facts, and a run that was killed at any moment ends with the same weights as one that was not.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mmx.blocks import store_channels_last
from mmx.interfaces import Batch, Images, Outputs
from mmx.runs import Observer, RunFolder
from mmx.spec import Spec
from mmx.training.augment import Augmentation, pick_augmentations
from mmx.training.batches import load
from mmx.training.checkpoint import Checkpoints, Snapshot
from mmx.training.device import enough_memory
from mmx.training.epoch_reporting import Reporter
from mmx.training.fitted_heads import fit_heads, heads_to_fit
from mmx.training.history import EpochRecord, History
from mmx.training.interrupt import StopRequest
from mmx.training.lone_row import more_than_one_row
from mmx.training.meter import FiniteGuard, Meter
from mmx.training.modality_dropout import ModalityDropout
from mmx.training.objective import build_objective
from mmx.training.optimiser import build_optimizer, flat_state, load_flat_state, rates, set_rates
from mmx.training.pace import Pace
from mmx.training.precision import autocast, encodes
from mmx.training.schedule import rate_factor
from mmx.training.scoring import Processes
from mmx.training.seeds import generator_at, reseed, seed_at
from mmx.training.session import Session, remember
from mmx.training.sharing import Share, Sharing
from mmx.training.state import State
from mmx.training.trainee import Trainee, TrainingData
from mmx.training.transfer import channels_last, to_device
from mmx.training.validation import Validation

EpochEnded = Callable[[int, Mapping[str, float]], None]
SMALLER = (
    "train.batch_size lower and train.accumulate higher, which is the same step, or "
    "train.precision: bf16"
)
GUARD_STEPS = 20  # steps between looks at the losses where a look waits for the device


@dataclass
class Loop:
    """One session of a training; ``train`` puts it together."""

    trainee: Trainee
    data: TrainingData
    spec: Spec
    run: RunFolder
    observer: Observer
    session: Session
    accelerator: Any
    stop: StopRequest
    epoch_ended: EpochEnded | None

    def __post_init__(self) -> None:
        """Bring everything to the device and find the place to go on from."""
        settings, accelerator = self.spec.train, self.accelerator
        self.model = self.trainee.model
        self.objective = build_objective(self.spec, self.trainee, self.data.parts["train"])
        self.device: torch.device = accelerator.device
        self.first = bool(accelerator.is_main_process)
        self.process = int(accelerator.process_index)
        self.processes = int(accelerator.num_processes)
        first, _ = self.data.parts["train"].batch([0])
        self.augment = pick_augmentations(settings, self.data.allowed_views, first)
        self.objective.loss.to(self.device)
        self.encodes = encodes(first)
        if self.encodes:
            store_channels_last(self.model.encoders)  # convolutions like it in every precision
        self.wrapped: Any = accelerator.prepare_model(self.model)
        self.forward: Any = torch.compile(self.wrapped) if settings.compile else self.wrapped
        self.optimizer: Optimizer = build_optimizer(
            self.model, settings.optimizer, self.spec.model.kinds
        )
        self.scaler = torch.amp.GradScaler(
            self.device.type, enabled=self.session.precision == "fp16"
        )
        self.learning = [p for p in self.model.parameters() if p.requires_grad]
        self.sharing = Sharing(self.trainee.sampler, self.process, self.processes)
        self.epoch_steps = len(self.sharing.steps(range(len(self.trainee.sampler)), settings))
        self.steps = self.epoch_steps * settings.epochs
        every = 1 if self.device.type == "cpu" else GUARD_STEPS
        self.guard = FiniteGuard(every, self.data.sample_names)
        self.checkpoints = Checkpoints(self.run)
        self.validation = Validation(
            self.trainee, self.data.parts["validation"], self.spec, self.session.precision,
            Processes(self.process, self.processes, self._gathered),
        )  # fmt: skip
        self.state = self._restore()
        self.reporter = Reporter(
            self.run, self.observer, self.steps, self.state.step, talks=self.first
        )
        self.pace = Pace(settings.checkpoint_minutes)

    def _restore(self) -> State:
        snapshot = self.checkpoints.load(self.observer)
        self.accelerator.wait_for_everyone()  # nobody writes before all have read
        if self.first:
            remember(self.run, self.session)
        if snapshot is None:
            return State()
        state = State.of(dict(snapshot.facts), dict(snapshot.best), snapshot.best_epoch)
        if not state.done:  # a finished training keeps its best weights only
            if state.best and self.spec.train.confidence is not None:
                self.validation.recall(state.best)
            self.model.load_trainable(snapshot.weights)
            load_flat_state(self.optimizer, dict(snapshot.optimizer))
        if state.scale:
            self.scaler.load_state_dict(state.scale)
        if self.first:
            self.run.event("resumed", step=state.step, of=self.steps)
        if not state.done:
            self.observer.message(f"going on from step {state.step} of {self.steps}")
        return state

    def fit(self) -> History:
        """Train to the end; the model then has its best weights."""
        if not self.state.step:
            self._fit_heads()
        while not self.state.done:
            self._epoch(self.state.step // self.epoch_steps)
        self.model.load_trainable(self.state.best)
        self.model.eval()
        return self._history()

    def _fit_heads(self) -> None:
        """Fit the heads that ask for it; the model is then that of epoch 0."""
        heads = heads_to_fit(self.model)
        if not heads:
            return
        precision, observer = self.session.precision, self.observer
        fit_heads(heads, self.trainee, self.data.parts, self.spec, precision, observer)
        self._as_in_first(parameter for head in heads for parameter in head.parameters())
        self.state.start = self._validate()
        self._keep_best(0, self.state.start)
        scored = {f"validation {name}": value for name, value in self.state.start.items()}
        self.reporter.event("fitted", **scored)

    def _history(self) -> History:
        return History(
            epochs=tuple(self.state.records),
            best_epoch=self.state.best_epoch,
            stopped_early=len(self.state.records) < self.spec.train.epochs,
            precision=self.session.precision,
            threads=self.session.threads,
            processes=self.processes,
            steps=self.state.step,
            start=self.state.start,
        )

    def _epoch(self, epoch: int) -> None:
        """The rest of an epoch, its validation, and a checkpoint."""
        settings, state = self.spec.train, self.state
        started, before = time.perf_counter(), state.seconds
        self.trainee.sampler.set_epoch(epoch)
        steps = self.sharing.steps(list(self.trainee.sampler), settings)
        planned = steps[state.step % self.epoch_steps :]
        own = [list(map(self.sharing.share, step)) for step in planned]
        fetched = load(
            self.data.parts["train"], [s.own for step in own for s in step], self.spec.data.workers
        )
        self.model.train()
        for index, shares in enumerate(own):
            with enough_memory(f"a training step of {self.spec.train.batch_size} samples", SMALLER):
                self._step([(s, *next(fetched)) for s in shares])
            state.seconds = before + time.perf_counter() - started
            if index + 1 < len(own):  # after the last step validation comes first
                self._between_steps()
        self._end_epoch(epoch, started - before)

    def _step(self, batches: list[tuple[Share, Batch, Tensor]]) -> None:
        """One update of the weights from one or more batches."""
        state = self.state
        set_rates(
            self.optimizer,
            rate_factor(self.spec.train.schedule, state.step, self.steps, self.spec.train.warmup),
        )
        total = sum(len(share.positions) for share, _, _ in batches)
        for index, (share_, batch, target) in enumerate(batches):
            last = index + 1 == len(batches)  # processes exchange gradients once per step
            with nullcontext() if last else self.accelerator.no_sync(self.wrapped):
                self._backward(share_, batch, target, index, total)
        self._clip([p for share_, _, _ in batches for p in share_.positions])
        self.guard.look(state.step)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        if self.reporter.due(total):
            # the sums of this process times their number: near enough to show
            loss = state.meter.means()["loss"] * self.processes
            self.reporter.step(state.step, loss, self.optimizer.param_groups[-1]["lr"], log=True)

    def _backward(self, share: Share, batch: Batch, target: Tensor, index: int, total: int) -> None:
        """Gradients of one batch, weighted so that a step is the mean over its samples."""
        step = self.state.step
        batch = self._prepared(share, batch, index)
        target = to_device(self.trainee.task.for_training(target), self.device)
        # dropout in the model: each process drops its own
        reseed(self.device, seed_at(self.spec.seed, "model", step, index, self.process))
        with autocast(self.session.precision, self.device), more_than_one_row(len(target)):
            outputs: Outputs = self.forward(batch)
        value = self.objective(outputs, target, step / self.steps)
        self.guard.note(step, "loss", value.total, share.own)
        # DDP averages over processes, whose shares may differ in size
        weight = len(target) * self.processes / total
        torch.autograd.backward(self.scaler.scale(value.total * weight))
        self.state.meter.add(
            {"loss": value.total, **value.terms}, len(target), len(share.positions)
        )

    def _prepared(self, share: Share, batch: Batch, index: int) -> Batch:
        """On the device, augmented, with modality dropout; drawn for the global batch."""
        batch = to_device(batch, self.device)
        own, size = slice(share.start, share.stop), len(share.positions)
        if self.augment:
            batch = batch.with_inputs(self._augmented(self.augment, batch, share, index))
        if self.spec.train.drops_modalities:
            generator = generator_at(self.spec.seed, "modality", self.state.step, index)
            dropout = ModalityDropout(self.spec.train.modality_dropout, batch.modalities)
            draws = dropout.draw(size, generator)[own].to(self.device)
            batch = replace(batch, present=dropout(batch.present, draws))
        return channels_last(batch, self.model.encoders) if self.encodes else batch

    def _augmented(
        self, augment: Mapping[str, Augmentation], batch: Batch, share: Share, index: int
    ) -> dict[str, Images]:
        """The images of each modality that change, by draws of its own."""
        changed: dict[str, Images] = {}
        for name, change in augment.items():
            given = batch.inputs[name]
            if isinstance(given, Images):
                # the stream of "image" has the name that it had when there was no other
                stream = "augment" if name == "image" else f"augment {name}"
                generator = generator_at(self.spec.seed, stream, self.state.step, index)
                draws = change.draw(len(share.positions), generator)[share.start : share.stop]
                changed[name] = change(given, draws)
        return changed

    def _clip(self, positions: Sequence[int]) -> None:
        if self.spec.train.clip_norm is None:
            return
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.learning, self.spec.train.clip_norm)
        if not self.scaler.is_enabled():  # under fp16 an overflow is normal and skipped
            self.guard.note(self.state.step, "gradient norm", norm, positions)

    def _between_steps(self) -> None:
        """Checkpoint when it is time, and stop when somebody asked."""
        if self.stop.asked or self.pace.due():
            self._save()
        self._leave_if_asked()

    def _leave_if_asked(self) -> None:
        if self.stop.asked:
            self.reporter.event("interrupted", step=self.state.step)
            raise KeyboardInterrupt(
                f"stopped after step {self.state.step} of {self.steps}; run the same spec again "
                f"to go on from there ({self.run.path})"
            )

    def _save(self) -> None:
        """Write a checkpoint; of a finished training only what is read again, its best weights."""
        self.guard.look(self.state.step, now=True)  # never a checkpoint of broken weights
        state = self.state
        with self.pace.saving():
            if not self.first:
                return
            if self.scaler.is_enabled():
                state.scale = self.scaler.state_dict()
            now = {} if state.done else self.model.trainable_state()
            own = {} if state.done else flat_state(self.optimizer)
            self.checkpoints.save(Snapshot(state.facts(), now, own, state.best, state.best_epoch))

    def _end_epoch(self, epoch: int, started: float) -> None:
        """Validate, keep the best weights, tell, and save."""
        state, settings = self.state, self.spec.train
        self.guard.look(state.step, now=True)
        speed = state.meter.samples / max(1e-9, state.seconds)
        scored = self._validate()
        state.seconds = time.perf_counter() - started
        means = self._means()
        entry = EpochRecord(
            epoch + 1, means.pop("loss"), means, scored, rates(self.optimizer), state.seconds, speed
        )
        state.records.append(entry)
        self._keep_best(entry.epoch, scored)
        state.meter, state.seconds = Meter(), 0.0
        waited_enough = settings.early_stopping and state.waited >= settings.early_stopping
        state.done = bool(epoch + 1 == settings.epochs or waited_enough)
        select = self.spec.select
        self.reporter.scores = {select: scored[select]} if scored else {}
        self.reporter.event("epoch", epoch=epoch + 1, step=state.step, **entry.values())
        if self.first:
            self.reporter.step(state.step, entry.loss, 0.0, log=False)
            if self.epoch_ended:
                self.epoch_ended(epoch + 1, entry.values())
        if state.done or self.stop.asked or self.pace.due_after_epoch():
            self._save()
        if not state.done:
            self._leave_if_asked()

    def _means(self) -> dict[str, float]:
        """Means over the training samples of all processes."""
        means = self.state.meter.means()
        if self.processes == 1:
            return means
        values = torch.tensor(list(means.values()), device=self.device)
        summed = self.accelerator.reduce(values, reduction="sum").tolist()
        return dict(zip(means, summed, strict=True))

    def _validate(self) -> dict[str, float]:
        # running means of batch normalisation are those of the first process
        self._as_in_first(self.model.buffers())  # type: ignore[attr-defined]
        return self.validation.scores()

    def _as_in_first(self, tensors: Iterable[Tensor]) -> None:
        """Give these tensors of all processes the values that the first one has."""
        for tensor in tensors if self.processes > 1 else ():
            torch.distributed.broadcast(tensor.detach(), 0)

    def _gathered(self, tensor: Tensor) -> Tensor:
        stacked: Tensor = self.accelerator.gather(tensor.to(self.device))
        return stacked.cpu()

    def _keep_best(self, epoch: int, scored: Mapping[str, float]) -> None:
        state, value = self.state, scored.get(self.spec.select)
        if value is None or not state.best or self.validation.better(value, state.best_score):
            self.validation.keep()
            state.best_score = value
            state.best_epoch = epoch
            state.waited = 0
            weights = self.model.trainable_state()
            state.best = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
        else:
            state.waited += 1
