"""Laws of inference hooks."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from mmx.blocks import Sigmoid
from mmx.interfaces import (
    Batch,
    Images,
    InferenceHook,
    InferenceParams,
    Interval,
    Prediction,
    Texts,
    Validation,
)
from mmx.testing.global_state import untouched
from mmx.testing.law import Laws, demand, finite, same, shape
from mmx.testing.samples import batch
from mmx.testing.subjects import CLASSES
from mmx.testing.targets import LABEL_COUNTS, SEVERAL, tasks_of


def fitted(params: InferenceParams, task: str = "") -> InferenceHook:
    """The hook, fitted on 300 validation predictions that are right more often than not.

    Args:
        params: of the hook.
        task: whose predictions; the first that the hook is defined for unless it is given.
    """
    task = task or tasks_of(params)[0]
    hook = params.build()
    if isinstance(hook, InferenceHook):
        with torch.random.fork_rng(devices=[]):  # its weights are drawn
            hook.bind(nn.Sequential(nn.Linear(3, CLASSES), nn.Dropout(0.5)))
    hook.fit(_validation(task))
    return hook


def _validation(task: str) -> Validation:
    """Predictions of 300 rows and groups; every tenth label is unknown where there are several."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(300, CLASSES, generator=generator)
    groups, views = tuple(f"group {row}" for row in range(300)), ("identity", "hflip")
    if task == SEVERAL:
        target = (torch.rand(300, CLASSES, generator=generator) < 0.3).long()
        log_probs = Sigmoid(CLASSES).log_probs(logits + 2 * target - 1)
        target[torch.rand(300, CLASSES, generator=generator) < 0.1] = -1
        return Validation(log_probs, target, groups, LABEL_COUNTS, LABEL_COUNTS, views, task=task)
    target = torch.arange(300) % CLASSES
    logits[torch.arange(300), target] += 2
    counts = torch.tensor([90, 9, 1]), torch.tensor([40, 30, 30])
    return Validation(logits, target, groups, *counts, views, task=task)


def model(given: Batch) -> Prediction:
    """A small fixed model: the mean colour of an image."""
    return Prediction(_colours(given).log_softmax(dim=-1))


def model_of(task: str) -> Callable[[Batch], Prediction]:
    """The same model for a task."""
    if task != SEVERAL:
        return model
    return lambda given: Prediction(Sigmoid(CLASSES).log_probs(_colours(given) - 2))


def target_of(task: str) -> Tensor:
    """The truth of four rows."""
    if task == SEVERAL:
        return torch.tensor([[1, 0, -1], [0, 0, 0], [-1, 1, 1], [1, 0, 0]])
    return torch.arange(4) % CLASSES


def _colours(given: Batch) -> Tensor:
    return _images(given).pixels.float().mean(dim=(1, 3, 4)) / 50


def _images(given: Batch) -> Images:
    images = given.inputs["image"]
    assert isinstance(images, Images)
    return images


def builds(params: InferenceParams) -> str:
    """``build`` gives a hook that can be fitted on validation predictions."""
    hook = fitted(params)
    demand(isinstance(hook, InferenceHook), f"build must give an InferenceHook, got {type(hook)}")
    return type(hook).__name__


def normalised(params: InferenceParams) -> None:
    """Probabilities of each sample are finite and sum to 1; other columns have a row for each."""
    for task in tasks_of(params):
        wanted = [CLASSES, 2] if task == SEVERAL else [CLASSES]
        for rows in (1, 4):
            prediction = fitted(params, task).predict(model_of(task), batch(rows))
            got = prediction.log_probs
            demand(list(got.shape) == [rows, *wanted], f"log_probs are {shape(got)} for {task}")
            finite({"probabilities": got.exp()}, f"with {rows} samples of {task}")
            total: Tensor = got.exp().sum(dim=-1)
            words = f"the sum of probabilities of {task}"
            same({"sum": total}, {"sum": torch.ones_like(total)}, words)
            for name, extra in prediction.extras.items():
                demand(
                    len(extra) == rows, f"extras[{name!r}] is {shape(extra)}; samples come first"
                )


def repeats(params: InferenceParams) -> None:
    """Two hooks fitted alike predict alike."""
    for task in tasks_of(params):
        first, second = (
            fitted(params, task).predict(model_of(task), batch()).log_probs for _ in range(2)
        )
        same({"log_probs": second}, {"log_probs": first}, f"fitted twice for {task}")


def inputs_kept(params: InferenceParams) -> None:
    """The batch is not changed in place."""
    task = tasks_of(params)[0]
    given, fresh = batch(), batch()
    fitted(params).predict(model_of(task), given)
    kept = torch.equal(_images(given).pixels, _images(fresh).pixels)
    demand(kept and torch.equal(given.present, fresh.present), "predict changes its batch in place")


def batch_independence(params: InferenceParams) -> None:
    """A sample is answered the same alone as in a batch."""
    for task in tasks_of(params):
        whole = fitted(params, task).predict(model_of(task), batch())
        for row in range(len(batch().present)):
            alone = fitted(params, task).predict(model_of(task), _alone(batch(), row))
            words = f"sample {row} of {task} alone and in a batch"
            same({"log_probs": alone.log_probs}, {"log_probs": whole.log_probs[[row]]}, words)
            found = {name: value[[row]].float() for name, value in whole.extras.items()}
            same({name: value.float() for name, value in alone.extras.items()}, found, words)


def _alone(given: Batch, row: int) -> Batch:
    """One sample of a batch."""
    images, texts = _images(given), given.inputs["text"]
    assert isinstance(texts, Texts)
    image = Images(images.pixels[[row]], images.mask[[row]])
    one = given.with_inputs({"image": image, "text": Texts(texts.ids[[row]], texts.mask[[row]])})
    return replace(one, present=given.present[[row]], group=given.group[row : row + 1])


def measures(params: InferenceParams) -> None:
    """What it measures of predictions is finite, an interval, or words; figures have points."""
    for task in tasks_of(params):
        hook = fitted(params, task)
        prediction = hook.predict(model_of(task), batch(4))
        target = target_of(task)
        for name, value in hook.measure(prediction, target, list("aabc")).items():
            good = isinstance(value, float | int | str | Interval)
            demand(good, f"measure gives {name!r} as {type(value).__name__} for {task}")
        for curve in hook.curves(prediction, target):
            demand(len(curve.x) == len(curve.y), f"the figure {curve.title!r} is uneven")


def random_state(params: InferenceParams) -> None:
    """Nothing of the whole process changes, neither in fitting nor in predicting."""
    with untouched("build, bind or fit"):
        hook = fitted(params)
    with untouched("predict"):
        hook.predict(model_of(tasks_of(params)[0]), batch())


INFERENCE: Laws = {
    law.__name__: law
    for law in (
        builds,
        normalised,
        repeats,
        batch_independence,
        measures,
        random_state,
        inputs_kept,
    )
}
