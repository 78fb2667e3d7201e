"""The law that a certificate rests on: the method runs in the real training loop, and comes back.

The model is assembled, trained for some steps on rows of which some miss a modality, saved,
assembled anew, loaded and asked again, all by the same code as in a run.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from mmx.data import Part, Source, TextStore
from mmx.interfaces import (
    IMAGE,
    TEXT,
    Encoder,
    EncoderParams,
    FusionParams,
    ImageEncoder,
    Link,
    LossParams,
    Params,
    Task,
    TaskParams,
    TextEncoder,
)
from mmx.model import Model, assemble, build_encoder, random_stream
from mmx.runs import RunFolder, SilentObserver
from mmx.spec import EvaluationSpec, ModelSpec, OptimizerSpec, ProjectionSpec, Spec, TrainSpec
from mmx.testing.law import SkippedLaw, demand, same
from mmx.testing.parts import (
    CLASSES,
    LABELS,
    MANY,
    ROWS,
    SPOKEN,
    EntropyParams,
    HeldFeatures,
    InOrderParams,
    PatchesParams,
    Pictures,
    ProbeParams,
    RepeatedSamples,
    SumParams,
    WordsParams,
    part,
)
from mmx.testing.targets import KNOWN, SEVERAL, outside, questions_of, tasks_of
from mmx.testing.task_rows import default_loss, rows_of_task
from mmx.testing.toy_task import ClassesParams, LabelsParams
from mmx.training import Trainee, TrainingData, auxiliary_weights, predict_logits, train

SIDE = 32  # pixels of the images, unless the method needs others
WIDTH, FEW = 16, 8  # rows for encoders, which take longest
THIRD = "record"


def trains(params: Params, side: int = SIDE) -> str:
    """It takes steps in the real training loop, and its weights come back from a file."""
    tasks = _tasks_of(params)
    found = [_trained(params, side, task) for task in tasks]
    if len(found) == 1:
        return found[0]
    names = (task.entry_point.partition(".")[2] for task in tasks)
    return "; ".join(f"{name}: {words}" for name, words in zip(names, found, strict=True))


def _trained(params: Params, side: int, learned: TaskParams) -> str:
    """What came out of some steps on the rows of a task."""
    epochs = 1 if isinstance(params, EncoderParams) else 2
    spec = spec_with(params, learned, epochs=epochs)
    task, target = _asked(spec)
    counts = task.counts(target)
    loss = spec.loss.build(counts)
    wanted = [*loss.parts, *auxiliary_weights(spec)]
    model = assemble(spec.model, _link(spec), parts=wanted, seed=0, encoders=_encoders(spec))
    rows = _rows(params, model, side, target)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    sampler = spec.train.sampler.build(rows.labels, 0)
    if sampler.lanes:
        sampler.set_files([""] * len(rows))
    with TemporaryDirectory() as folder:
        data = TrainingData({"train": rows, "validation": rows})
        trainee = Trainee(model, loss, sampler, task)
        history = train(trainee, data, spec, RunFolder(Path(folder)), SilentObserver())
    model.cpu()
    moved = [name for name, value in model.named_parameters() if not value.equal(before[name])]
    demand(bool(moved), "nothing of the model learned in the training loop")
    for epoch in history.epochs:
        demand(epoch.loss == epoch.loss, "the loss of an epoch is not a number")
    _comes_back(spec, model, wanted, rows)
    return f"{history.steps} steps, loss {history.epochs[-1].loss:.3g}"


def _comes_back(spec: Spec, model: Model, wanted: list[str], rows: Part) -> None:
    """The trained model, assembled anew and loaded, answers as before."""
    stored = {name: value.clone() for name, value in model.trainable_state().items()}
    again = assemble(spec.model, _link(spec), parts=wanted, seed=0, encoders=_encoders(spec))
    again.load_trainable(stored)
    first, second = (_logits(one, rows) for one in (model, again.eval()))
    same(second, first, "assembled anew with the weights of the training")


def _asked(spec: Spec) -> tuple[Task, Tensor]:
    """The task, and the targets of all rows: [n], or [n, L] of several labels."""
    if isinstance(spec.task, ClassesParams | LabelsParams):
        task = spec.task.build([str(index) for index in range(CLASSES)])
        return task, MANY if isinstance(spec.task, LabelsParams) else LABELS
    asked = rows_of_task(spec.task)
    return asked.task, asked.scored[torch.arange(ROWS) % len(asked.scored)]


def _link(spec: Spec) -> Link:
    """That of the loss, else that of the task."""
    task, target = _asked(spec)
    return spec.loss.link(task.counts(target)) or task.link()


def _encoders(spec: Spec) -> dict[str, Encoder]:
    """The encoders of a spec; those of other kinds with the layers that what they read asks for."""
    found = {name: build_encoder(spec.model, name, 0) for name in spec.model.encoders}
    for name, encoder in found.items():
        if not isinstance(encoder, ImageEncoder | TextEncoder):
            with random_stream(0, name):
                encoder.input(name, encoder).example()
            encoder.learn(spec.model.encoders[name].train)
    return found


def _logits(model: Model, rows: Part) -> Mapping[str, Tensor]:
    found = predict_logits(model.eval(), rows, batch_size=ROWS, precision="fp32")
    return {"logits": found.logits}


def spec_with(params: Params, task: TaskParams, **training: Any) -> Spec:
    """A spec of the smallest parts for this task, with one method in its place."""
    encoders: dict[str, EncoderParams] = {
        IMAGE: PatchesParams(train="full"), TEXT: WordsParams(train="full")
    }  # fmt: skip
    if isinstance(params, EncoderParams):
        other = TEXT if params.modality != TEXT else IMAGE
        encoders = {params.modality: params, other: encoders[other]}
        encoders = dict(sorted(encoders.items(), key=lambda pair: pair[0] == TEXT))
    if _takes_three(params):
        encoders[THIRD] = WordsParams(train="full")
    model: dict[str, Any] = {
        "encoders": encoders,
        "fusion": SumParams(), "head": ProbeParams(), "projection": ProjectionSpec(dim=WIDTH),
        "encoding": "fp32",
    }  # fmt: skip
    model |= {params.kind: params} if params.kind in model else {}
    settings: dict[str, Any] = {
        "epochs": 2,
        "batch_size": 4,
        "precision": "fp32",
        "threads": None,
        "optimizer": OptimizerSpec(),
    } | training
    sampler = params if params.kind == "sampler" else InOrderParams()
    return Spec.model_construct(
        name="law", seed=0,
        task=task,
        data=SimpleNamespace(workers=0),
        model=ModelSpec.model_construct(**model),
        loss=_loss_of(params),
        train=TrainSpec.model_construct(sampler=sampler, **settings),
        evaluation=EvaluationSpec(),
    )  # fmt: skip


def _tasks_of(params: Params) -> Sequence[TaskParams]:
    """A task itself; all that a loss declares; the first of the tasks of anything else."""
    if isinstance(params, TaskParams):
        return [params]
    if not isinstance(params, LossParams):
        return [LabelsParams() if tasks_of(params)[0] == SEVERAL else ClassesParams()]
    found, _ = outside(params)
    labels = {asked.task == SEVERAL for asked in questions_of(params) if asked.task in KNOWN}
    known = [
        task for task, of in ((ClassesParams(), False), (LabelsParams(), True)) if of in labels
    ]
    return [*known, *found]


def _loss_of(params: Params) -> LossParams:
    if isinstance(params, TaskParams):
        return default_loss(params)
    return params if isinstance(params, LossParams) else EntropyParams()


def _rows(params: Params, model: Model, side: int, target: Tensor) -> Part:
    """Inputs and texts where an encoder is tried; drawn features of its width elsewhere."""
    if not isinstance(params, EncoderParams):
        third = {THIRD: HeldFeatures(WIDTH, 3, 2)} if _takes_three(params) else {}
        return part(
            {IMAGE: HeldFeatures(WIDTH, 4, 3), TEXT: HeldFeatures(WIDTH, 5, 1), **third},
            target=target,
        )
    text = model.encoder(TEXT)
    assert isinstance(text, TextEncoder)
    spoken = [SPOKEN[row % len(SPOKEN)] for row in range(ROWS)]
    sources: dict[str, Source] = {IMAGE: Pictures(side)}
    if params.modality not in (IMAGE, TEXT):
        encoder = model.encoder(params.modality)
        example = encoder.input(params.modality, encoder).example()
        if example is None:
            raise SkippedLaw(f"{encoder.input.__name__}.example gives nothing to try it on")
        sources = {params.modality: RepeatedSamples(example)}
    return part({**sources, TEXT: TextStore(spoken, text)}, FEW)


def _takes_three(params: Params) -> bool:
    """Whether it is a fusion of three modalities or more, which is then trained with three."""
    return isinstance(params, FusionParams) and (params.takes[1] is None or params.takes[1] > 2)
