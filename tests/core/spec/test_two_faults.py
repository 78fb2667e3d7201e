"""Of two independent faults in a spec both are told, and what hangs on a wrong key is not accused.

Every example is given all faults of ``RULES`` at once, which only the rules of the whole spec see,
and one wrong key of ``KEYS``. ``HIDES`` says which rules are not asked then, and why.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mmx import SpecError, load_spec

EXAMPLES = Path(__file__).parents[3] / "examples"
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
    CORRECTED: ["loss={type: class_balanced}", "train.sampler={type: weighted}"],
    UNWRITTEN: ["model.encoders.more={type: transformers, model: bundled}"],
}
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


@pytest.mark.parametrize("spec", ["quickstart.yaml", "record.yaml", "ham10000/temperature.yaml"])
def test_both_are_told_and_nothing_else(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMX_DATA", ".")
    for key, words in RULES.items():
        assert told(spec, *words) == {key}
    every = [word for words in RULES.values() for word in words]
    assert told(spec, *every) == RULES.keys()
    wrong = {}
    for key in KEYS:
        alone = told(spec, key)
        own = [word for word in every if word.partition("=")[0] != key.partition("=")[0]]
        wanted = (RULES.keys() - HIDES.get(key, set())) | alone
        if (found := told(spec, *own, key)) != wanted or not alone:
            wrong[key] = (found - wanted, wanted - found)
    assert wrong == {}
