"""A task from outside, of which core knows nothing, from a spec to its report and asked again."""

from pathlib import Path

import numpy as np
import pandas as pd

import mmx

REGRESSION = Path(__file__).parents[2] / "tiny" / "regression.py"
SPEC = """
name: years
task: regression
data:
  dataset: {type: table, path: cases.csv, id: case, group: null, text: notes, labels: [years]}
  narrative: {type: column, column: notes}
  image: {height: 32, width: 32}
model: {image: tiny_image, text: tiny_text, fusion: text_only, head: {type: mlp, hidden: 8}}
train: {epochs: 2, batch_size: 16, threads: 1}
audit: {waive: {text_tells_label: drawn}}
"""


def test_a_task_from_outside_needs_no_change_of_core(home: Path, tiny_plugin: Path) -> None:
    years = np.random.default_rng(0).uniform(0, 2, 120).round(2)
    rows = {"case": [f"c{n}" for n in range(120)], "years": years}
    notes = [f"about {round(year)} years, high fever, case {n}" for n, year in enumerate(years)]
    pd.DataFrame({**rows, "notes": notes}).to_csv(home / "cases.csv", index=False)
    spec, plugins = home / "years.yaml", [tiny_plugin, REGRESSION]
    spec.write_text(SPEC)
    found = mmx.audit_spec(mmx.load_spec(spec, plugins=plugins), out=home / "audit").findings
    told = [one.message for one in found if one.check == "text_tells_label"]
    assert len(told) == 1
    assert "high is told from low" in told[0]
    assert "label_words" not in [one.check for one in found]  # high fever is no answer
    run = mmx.run(mmx.load_spec(spec, plugins=plugins))
    assert run.headline().startswith("absolute error")
    assert "How many years off." in run.report.read_text()
    own = run.predictions.set_index("sample")
    asked = mmx.predict(run.path, home / "cases.csv", plugins=plugins).set_index("id")
    np.testing.assert_allclose(asked.loc[own.index, "p_years"], own["p_years"], atol=1e-5)
    scored = mmx.evaluate_run(run.path, home / "cases.csv", plugins=plugins).evaluation
    assert "absolute_error" in scored.metrics
