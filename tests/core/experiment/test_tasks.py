"""Several labels a case and ordered levels, from a spec to its report, and asked again."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mmx

LABELS = (
    "task=multi_label",
    "data.dataset={type: synthetic, n: 160, classes: 3, image_size: 32, target: labels, "
    "unknown: 0.15}",
)
LEVELS = (
    "task={type: ordinal, levels: [minimal, mild, moderate]}",
    "data.dataset={type: synthetic, n: 160, classes: 3, image_size: 32, target: levels}",
)
QUICK = ("train.threads=1", "train.epochs=2")

Load = Callable[..., mmx.Spec]


@pytest.mark.parametrize(
    ("settings", "headline"), [(LABELS, "macro AUROC"), (LEVELS, "quadratic kappa")]
)
def test_a_spec_runs_to_its_report_and_again(
    load: Load, tiny_plugin: Path, settings: tuple[str, ...], headline: str
) -> None:
    run = mmx.run(load(*settings, *QUICK, "inference=[temperature]"))
    assert run.headline().startswith(headline)
    page = run.report.read_text()
    assert headline in page
    assert "nan" not in page.split("<main>")[1].split('id="record"')[0].replace("nanometre", "")
    table = run.predictions
    assert {"label", "predicted"} <= set(table)
    values = table[[name for name in table if str(name).startswith("p_")]].to_numpy()
    assert ((values >= 0) & (values <= 1)).all()
    again = mmx.reproduce(run.path, plugins=[tiny_plugin])
    assert again.identical, again.results


def test_unknown_labels_stay_unknown_and_parts_share_each_label(load: Load) -> None:
    run = mmx.run(load(*LABELS, *QUICK))
    table, names = run.predictions, ("lenoma", "vescaria", "rubelloma")
    blank = table[[f"label_{name}" for name in names]].isna().to_numpy()
    assert 0.05 < blank.mean() < 0.3
    scores = run.metrics["test"]["per_label"]
    test = table[table["part"] == "test"]
    for one in scores:
        assert one["known"] == int(test[f"label_{one['name']}"].notna().sum())
    split = pd.read_csv(run.path / "split.csv", keep_default_na=False)
    for name in names:
        known = ~split["label"].str.contains(f"unknown:.*{name}")
        there = split["label"].str.split(";").str[0].str.contains(name)
        shares = there[known].groupby(split["part"][known]).mean()
        assert shares.max() - shares.min() <= 0.05  # of 24 to 112 rows; two points of many


@pytest.mark.parametrize("settings", [LABELS, LEVELS])
def test_a_table_trains_and_asked_again_it_is_answered_alike(
    home: Path, tiny_plugin: Path, settings: tuple[str, ...]
) -> None:
    table, labels = _table(home, settings is LABELS)
    spec = home / "table.yaml"
    task = settings[0].partition("=")[2]
    spec.write_text(
        f"name: table\ntask: {task}\n"
        f"data:\n  dataset: {{type: table, path: cases.csv, id: case, group: null, text: notes, "
        f"{labels}}}\n  narrative: {{type: column, column: notes}}\n"
        "  image: {height: 32, width: 32}\n  max_bad: 0.1\n"
        "model: {image: tiny_image, text: tiny_text, fusion: text_only, head: {type: mlp, hidden: "
        "8}}\ntrain: {epochs: 1, batch_size: 16, threads: 1}\n"
        "audit: {waive: {text_tells_label: drawn}}\n"
    )
    run = mmx.run(mmx.load_spec(spec, plugins=[tiny_plugin]))
    own = run.predictions.set_index("sample")
    asked = mmx.predict(run.path, table, plugins=[tiny_plugin]).set_index("id")
    shown = [name for name in own if str(name).startswith("p_")]
    found = asked.loc[own.index, shown].to_numpy(float)
    np.testing.assert_allclose(found, own[shown].to_numpy(float), atol=1e-5)
    assert (asked.loc[own.index, "predicted"] == own["predicted"]).all()
    scored = mmx.evaluate_run(run.path, table, plugins=[tiny_plugin])
    before = run.metrics["test"]["metrics"]
    for name, one in scored.evaluation.metrics.items():
        assert one.value == pytest.approx(before[name]["value"], abs=1e-5), name


def test_thresholds_of_validation_stand_in_the_run(load: Load) -> None:
    run = mmx.run(load(*LABELS, *QUICK))
    decided = json.loads((run.path / "model.json").read_text())["task"]["thresholds"]
    assert set(decided) == {"youden", "sensitivity_95"}
    points = run.metrics["test"]["per_label"][0]["points"]
    assert {one["rule"]: one["threshold"] for one in points} == {
        rule: of[0] for rule, of in decided.items()
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("loss=focal", "loss.focal is defined for ordinal and single_label"),
        ("train.sampler=weighted", "sampler.weighted is defined for"),
        ("train.class_weights=inverse_frequency", "have no one class to weigh"),
        ("train.select=accuracy", "has no score 'accuracy'; use macro_auroc"),
        ("loss=mp", "loss.mp is defined for single_label"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_line(load: Load, change: str, words: str) -> None:
    with pytest.raises(mmx.SpecError) as caught:
        load(*LABELS, change)
    fault = next(one for one in caught.value.faults if words in one.message)
    assert change.partition("=")[0] in str(fault)


def test_a_loss_of_levels_moves_its_thresholds(load: Load) -> None:
    from mmx.inference import load_trained

    run = mmx.run(load(*LEVELS, *QUICK, "train.optimizer={lr: 0.02}"))
    link = load_trained(run.path, load().plugin_files).model.link
    start = json.loads((run.path / "model.json").read_text())["sampled_counts"]
    fresh = load(*LEVELS).loss.link(__import__("torch").tensor(start))
    assert fresh is not None
    moved = dict(link.named_parameters())
    assert moved
    assert all(not value.equal(moved[name]) for name, value in fresh.named_parameters())


def _table(folder: Path, several: bool) -> tuple[Path, str]:
    draw = np.random.default_rng(0)
    level = draw.integers(3, size=120)
    there = {name: draw.random(120) < 0.4 for name in ("edema", "effusion")}
    rows = pd.DataFrame({
        "case": [f"c{row:03d}" for row in range(120)],
        "notes": [
            f"score {level[row]} {'wet' if there['edema'][row] else 'dry'} "
            f"{'dull' if there['effusion'][row] else 'clear'} seen on {draw.integers(99)}"
            for row in range(120)
        ],
    })  # fmt: skip
    if several:
        for name, of in there.items():
            cells = np.where(of, "1", "0").astype(object)
            cells[draw.random(120) < 0.1] = ""
            cells[draw.random(120) < 0.1] = "-1"
            rows[name] = cells
    else:
        rows["grade"] = np.array(["minimal", "mild", "moderate"], dtype=object)[level]
    path = folder / "cases.csv"
    rows.to_csv(path, index=False)
    return path, "labels: [edema, effusion]" if several else "label: grade"
