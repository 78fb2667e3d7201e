"""A run of four named modalities under fusions of any number, of two, and of decisions."""

from pathlib import Path

import pandas as pd
import pytest

import mmx

SPEC = """
name: four
data:
  dataset: {type: table, path: cases.csv, text: notes, label: dx, group: who, record: [age]}
  narratives:
    notes: {type: column, column: notes}
    facts: {type: template}
    again: {type: column, column: notes}
    more: {type: joined, column: notes}
model:
  encoders: {notes: tiny_text, facts: tiny_text, again: tiny_text, more: tiny_text}
  fusion: FUSION
  head: {type: mlp, hidden: 8}
  projection: 8
train: {epochs: 1, batch_size: 16, modality_dropout: 0.5}
evaluation: {explain: 0}
"""


@pytest.fixture
def cases(home: Path) -> Path:
    rows = [
        {"notes": f"spot {row * 7 % 5}", "dx": "ab"[row * 13 % 7 % 2], "who": f"w{row}",
         "age": 20 + row * 11 % 60}
        for row in range(48)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(home / "cases.csv", index=False)
    return home / "cases.csv"


@pytest.mark.parametrize(
    "fusion",
    [
        "gated",
        "bottleneck",
        "{type: tfn, inner: 3}",
        "{type: film, first: facts}",
        "{type: cross_attention, first: facts}",
        "{type: ibfa, second: [again, more]}",
        "{type: late, rule: bayes}",
        "drfuse",
    ],
)
def test_four_modalities_are_fused_trained_and_asked_again(
    home: Path, tiny_plugin: Path, cases: Path, fusion: str
) -> None:
    file = home / "four.yaml"
    file.write_text(SPEC.replace("FUSION", fusion), encoding="utf-8")
    run = mmx.run(mmx.load_spec(file, plugins=[tiny_plugin]))
    kept = pd.read_parquet(run.path / "predictions.parquet").set_index("sample")
    answered = mmx.predict(run.path, cases, plugins=[tiny_plugin])
    test = kept[kept["part"] == "test"]
    rows = [int(str(name)) - 2 for name in test.index]
    got = answered.iloc[rows]["p_a"].to_numpy()
    assert abs(got - test["p_a"].to_numpy()).max() < 1e-5
