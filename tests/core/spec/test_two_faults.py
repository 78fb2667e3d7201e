"""Of two independent faults in a spec both are told, and what hangs on a wrong key is not accused.

Every example is given all faults of ``RULES`` at once, which only the rules of the whole spec see,
and one wrong key of ``KEYS``. ``HIDES`` says which rules are not asked then, and why. A few
examples of different kinds are tried always, and all with ``MMX_TEST_PROFILE=nightly``.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from mmx import SpecError, load_spec

EXAMPLES = Path(__file__).parents[3] / "examples"
ALL = sorted(
    file.relative_to(EXAMPLES).as_posix()
    for file in EXAMPLES.rglob("*.yaml")
    if "studies" not in file.parts
)
FEW = ["quickstart.yaml", "record.yaml", "ham10000/temperature.yaml"]
EACH = os.environ.get("MMX_TEST_PROFILE") == "nightly"
FUSION, SELECT, CORRECTED = "model.fusion", "train.select", "train.sampler"
AUGMENT, FRAME, UNWRITTEN = "train.augment.zzz", "data.images.zzz", "model.encoders.more"
RATE, DROPOUT = "train.optimizer.rates.zzz", "train.modality_dropout.zzz"
RULES = {
    RATE: ["train.optimizer.rates.zzz=0.1"],
    DROPOUT: ["train.modality_dropout={zzz: 0.1}"],
    AUGMENT: ["train.augment={zzz: light}"],
    FRAME: ["data.images={zzz: {height: 32}}"],
    FUSION: ["model.fusion={type: only, modality: zzz}"],
    SELECT: ["train.select=zzz"],
    CORRECTED: ["loss={type: CORRECTS}", "train.sampler={type: weighted}"],
    UNWRITTEN: ["model.encoders.more={type: transformers, model: bundled}"],
}
CORRECTS = {"multi_label.yaml": "logit_adjusted_bce"}
"""Losses of examples whose task does not take class_balanced; nor does it take the sampler, which
is told at the key of the double correction, whatever else is wrong."""
NAMES = {RATE, DROPOUT, AUGMENT, FRAME, FUSION, UNWRITTEN}  # one of them may be the wrong name
HIDES: Mapping[str, set[str]] = {
    "model.fusion=concatt": {FUSION},
    "loss=cross_entropyy": {CORRECTED},
    "train.sampler=shufle": {CORRECTED},
    "task=single_labl": {SELECT},  # which scores there are, the task says
    "data.narratives.text=templat": {FRAME},  # it may look at the images of any modality
    "data.narratives={Text: template}": {FRAME, UNWRITTEN},
    "allow_double_correction=maybe": {CORRECTED},
    "allow_double_corection=true": {CORRECTED},  # nearest to the key that would allow it
    "train.augment=heavy": {AUGMENT},
    "train.select=3": {SELECT},
    "train.class_weights=heavy": {CORRECTED},
    "model.encoders.Xx=timm": NAMES,
    "model.encoders.keys=timm": NAMES,
    "model.encoders.other=timn": {AUGMENT, FRAME},  # its kind of data is not known
}
KEYS = [
    *HIDES, "model.head=mlpp", "data.dataset.type=tabel", "model.encoders.text.type=transformer",
    "inference=[temperatur]", "hooks=[tensorbord]", "audit.waive=yes", "train.epochs=0",
    "data.split.train=2", "seeed=3", "train.optimizer.lr=-1", "trian={epochs: 3}",
    "model.head.hiden=3", "model.head.hidden=wide", "name=7", "data.image.height=0",
]  # fmt: skip


def told(spec: str, *words: str) -> set[str]:
    """Keys of the faults of an example that is changed."""
    try:
        load_spec(EXAMPLES / spec, overrides=words)
    except SpecError as error:
        return {fault.key for fault in error.faults}
    return set()


def rules_of(spec: str) -> dict[str, list[str]]:
    """The faults of ``RULES``, with a loss that the task of an example takes."""
    loss = CORRECTS.get(spec, "class_balanced")
    return {key: [word.replace("CORRECTS", loss) for word in words] for key, words in RULES.items()}


@pytest.mark.parametrize("spec", ALL if EACH else FEW)
def test_both_are_told_and_nothing_else(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMX_DATA", ".")
    rules = rules_of(spec)
    # this loss has a factor for each modality and is right to refuse one more of them
    may = {"loss"} if load_spec(EXAMPLES / spec).loss.entry_point == "loss.mp" else set[str]()
    for key, words in rules.items():
        assert told(spec, *words) - may == {key}
    every = [word for words in rules.values() for word in words]
    assert told(spec, *every) - may == rules.keys()
    wrong = {}
    for key in KEYS:
        alone = told(spec, key)
        own = [word for word in every if word.partition("=")[0] != key.partition("=")[0]]
        hidden = HIDES.get(key, set()) - ({CORRECTED} if spec in CORRECTS else set())
        wanted = (RULES.keys() - hidden) | alone
        if (found := told(spec, *own, key)) - may != wanted - may or not alone:
            wrong[key] = (found - wanted, wanted - found)
    assert wrong == {}
