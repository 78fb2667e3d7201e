"""Laws of inference hooks."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from mmx.interfaces import (
    Batch,
    Images,
    InferenceHook,
    InferenceParams,
    Prediction,
    Texts,
    Validation,
)
from mmx.testing.law import Laws, demand, finite, same, shape
from mmx.testing.samples import batch
from mmx.testing.state import untouched
from mmx.testing.subjects import CLASSES


def fitted(params: InferenceParams) -> InferenceHook:
    """The hook, fitted on 300 validation predictions that are right more often than not."""
    generator = torch.Generator().manual_seed(0)
    target = torch.arange(300) % CLASSES
    logits = torch.randn(300, CLASSES, generator=generator)
    logits[torch.arange(300), target] += 2
    hook = params.build()
    if isinstance(hook, InferenceHook):
        with torch.random.fork_rng(devices=[]):  # its weights are drawn
            hook.bind(nn.Sequential(nn.Linear(3, CLASSES), nn.Dropout(0.5)))
    hook.fit(
        Validation(
            logits, target, tuple(f"group {row}" for row in range(300)),
            torch.tensor([90, 9, 1]), torch.tensor([40, 30, 30]), ("identity", "hflip"),
        )
    )  # fmt: skip
    return hook


def model(given: Batch) -> Prediction:
    """A small fixed model: the mean colour of an image."""
    colours = _images(given).pixels.float().mean(dim=(1, 3, 4)) / 50
    return Prediction(colours.log_softmax(dim=-1))


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
    for rows in (1, 4):
        prediction = fitted(params).predict(model, batch(rows))
        got = prediction.log_probs
        demand(list(got.shape) == [rows, CLASSES], f"log_probs are {shape(got)}")
        finite({"probabilities": got.exp()}, f"with {rows} samples")
        total: Tensor = got.exp().sum(dim=1)
        same({"sum": total}, {"sum": torch.ones(rows)}, "the sum of probabilities")
        for name, extra in prediction.extras.items():
            demand(len(extra) == rows, f"extras[{name!r}] is {shape(extra)}; samples come first")


def repeats(params: InferenceParams) -> None:
    """Two hooks fitted alike predict alike."""
    first, second = (fitted(params).predict(model, batch()).log_probs for _ in range(2))
    same({"log_probs": second}, {"log_probs": first}, "fitted twice")


def inputs_kept(params: InferenceParams) -> None:
    """The batch is not changed in place."""
    given, fresh = batch(), batch()
    fitted(params).predict(model, given)
    kept = torch.equal(_images(given).pixels, _images(fresh).pixels)
    demand(kept and torch.equal(given.present, fresh.present), "predict changes its batch in place")


def batch_independence(params: InferenceParams) -> None:
    """A sample is answered the same alone as in a batch."""
    hook, given = fitted(params), batch()
    whole = hook.predict(model, given)
    images, texts = _images(given), given.inputs["text"]
    assert isinstance(texts, Texts)
    for row in range(len(given.present)):
        text = Texts(texts.ids[[row]], texts.mask[[row]])
        one = replace(
            given.with_inputs(
                {"image": Images(images.pixels[[row]], images.mask[[row]]), "text": text}
            ),
            present=given.present[[row]],
            group=given.group[row : row + 1],
        )
        alone = fitted(params).predict(model, one)
        words = f"sample {row} alone and in a batch"
        same({"log_probs": alone.log_probs}, {"log_probs": whole.log_probs[[row]]}, words)
        found = {name: value[[row]].float() for name, value in whole.extras.items()}
        same({name: value.float() for name, value in alone.extras.items()}, found, words)


def random_state(params: InferenceParams) -> None:
    """Nothing of the whole process changes, neither in fitting nor in predicting."""
    with untouched("build, bind or fit"):
        hook = fitted(params)
    with untouched("predict"):
        hook.predict(model, batch())


INFERENCE: Laws = {
    law.__name__: law
    for law in (builds, normalised, repeats, batch_independence, random_state, inputs_kept)
}
