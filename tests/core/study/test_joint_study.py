"""A trained study of image, text and record says what its data hold, joint signal or none.

A study takes eight runs, so the one without joint signal runs nightly alone:
``MMX_TEST_PROFILE=nightly pytest tests/core/study/test_joint_study.py``.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mmx.study import Study

SPEC = """
name: joint
data:
  dataset: {type: synthetic, n: 600, classes: 2, image_size: 16, synergy: 0, noise: 0.05, DATA}
  narrative: NARRATIVE
  image: {height: 16, width: 16}
  split: {train: 0.5, validation: 0.1, test: 0.4}
model:
  image: tiny_image
  text: tiny_text
  record: {type: mlp, dim: 16}
  fusion: concat
  head: {type: mlp, hidden: 16}
  projection: 8
train: {epochs: 12, batch_size: 32, optimizer: {lr: 0.02}}
evaluation: {explain: false}
"""
DATA = {
    # the label stands in the picture or in the sentence, and in half of the records
    "Joint signal: ": ("redundancy: 0, record: 0.5", "{type: column, column: text}"),
    # the picture alone tells it: the sentence holds facts that were drawn whatever the label is
    "No joint signal is shown: ": ("redundancy: 1, record: 0", "{type: template}"),
}


NIGHTLY = os.environ.get("MMX_TEST_PROFILE") == "nightly"


@pytest.mark.slow
@pytest.mark.parametrize("begins", DATA if NIGHTLY else list(DATA)[:1])
def test_it_is_told_whether_modalities_say_more_together(
    begins: str, write_study: Callable[..., Path], run_here: Callable[..., Study]
) -> None:
    study = write_study(base="joint.yaml", arms=["concat"], controls=True, set="")
    data, narrative = DATA[begins]
    spec = SPEC.replace("DATA", data).replace("NARRATIVE", narrative)
    (study.parent / "joint.yaml").write_text(spec)
    told = [one for one in run_here(study).results["headline"] if "joint signal" in one.lower()]
    assert len(told) == 1
    assert told[0].startswith(begins), told
