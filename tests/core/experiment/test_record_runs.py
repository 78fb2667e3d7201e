"""The record as a modality of its own, from a spec to answers."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

import mmx
from mmx.spec import load_spec

SPEC = """
name: records
data:
  dataset:
    type: table
    path: {table}
    label: finding
    group: person
    record: [{record}]
    {more}
  split: {{column: part}}
model:
  record: {{type: tabular, model: {model}, {settings}}}
  fusion: {{type: only, modality: record}}
  head: {{type: mlp, hidden: null}}
train: {{epochs: 12, batch_size: 16, optimizer: {{lr: 0.01}}}}
evaluation: {{explain: false}}
"""
COLUMNS = ("age", "size", "grade", "biopsy")
Rows = list[dict[str, object]]


def rows() -> Rows:
    """120 cases: size and grade tell the finding, biopsy is the finding itself."""
    found: Rows = []
    for row in range(120):
        ill = row % 2 == 1
        found.append({
            "finding": "malignant" if ill else "benign",
            "person": f"p{row}",
            "part": ("train", "train", "train", "validation", "test")[row // 2 % 5],
            "age": 20 + row % 50,
            "size": "" if row % 11 == 0 else round(2 + 3 * ill + (row % 7) / 5, 2),
            "grade": ("low", "high")[ill] if row % 40 else "unsure",
            "biopsy": ("clear", "tumour")[ill],
        })  # fmt: skip
    return found


@pytest.fixture
def make(home: Path) -> Callable[..., mmx.Spec]:
    """make(cells, columns=..., settings=...): a spec over a table of these cells."""

    def made(
        cells: Rows | None = None,
        *,
        columns: Sequence[str] = ("age", "size", "grade"),
        model: str = "mlp",
        settings: str = "dim: 16",
        more: str = "",
        extra: str = "",
    ) -> mmx.Spec:
        table = home / "cases.csv"
        pd.DataFrame(cells or rows()).to_csv(table, index=False)
        told = SPEC.format(
            table=table, record=", ".join(columns), model=model, settings=settings, more=more
        )
        (home / "records.yaml").write_text(told + extra)
        return load_spec(home / "records.yaml")

    return made


def answers(run: mmx.Run) -> pd.DataFrame:
    table = pd.read_parquet(run.path / "predictions.parquet")
    return table.sort_values("sample").filter(like="p_").reset_index(drop=True)


def fitted(run: mmx.Run) -> dict[str, object]:
    told = json.loads((run.path / "model.json").read_text())["statistics"]["record"]
    found: dict[str, object] = json.loads(told)
    return found


def test_it_runs_and_says_what_it_reads(make: Callable[..., mmx.Spec]) -> None:
    run = mmx.run(make(columns=COLUMNS, more="leak_columns: [biopsy]"))
    metrics = json.loads((run.path / "metrics.json").read_text())
    assert metrics["test"]["metrics"]["balanced_accuracy"]["value"] > 0.9
    page = (run.path / "report.html").read_text()
    assert "Columns of the record, fitted on 72 training rows: age (20 to" in page
    assert "biopsy: it tells the label, as the data set says" in page
    assert [one["origin"]["fields"][0] for one in fitted(run)["columns"]] == [  # type: ignore[attr-defined]
        "age", "grade", "size",
    ]  # fmt: skip


def test_a_column_that_tells_the_label_is_read_under_a_waiver_only(
    make: Callable[..., mmx.Spec],
) -> None:
    told = {"columns": COLUMNS, "more": "leak_columns: [biopsy]"}
    named = "dim: 16, columns: [age, biopsy]"
    with pytest.raises(mmx.MmxError, match=r"leak_columns: .*reads 'biopsy'"):
        mmx.run(make(**told, settings=named))
    waived = 'audit: {waive: {leak_columns: "to see what it is worth"}}\n'
    run = mmx.run(make(**told, settings=named, extra=waived))
    assert "to see what it is worth" in (run.path / "report.html").read_text()
    assert _fields(run) == ["age", "biopsy"]


def test_a_waiver_lets_leak_columns_be_read_that_no_setting_names(
    make: Callable[..., mmx.Spec], home: Path
) -> None:
    told = {"columns": COLUMNS, "more": "leak_columns: [biopsy]"}
    waived = 'audit: {waive: {leak_columns: "the biopsy is known at admission"}}\n'
    spec = make(**told, extra=waived)
    run = mmx.run(spec)
    assert _fields(run) == ["age", "biopsy", "grade", "size"]
    page = (run.path / "report.html").read_text()
    assert "the biopsy is known at admission" in page
    assert "Waived finding of leak_columns: the encoder of records reads &#39;biopsy&#39;" in page
    (found,) = [
        one
        for one in mmx.audit_spec(spec, out=home / "audit").findings
        if one.check == "leak_columns"
    ]
    assert found.evidence == ({"field": "biopsy"},)
    new = home / "new.csv"
    pd.DataFrame([row for row in rows() if row["part"] == "test"]).to_csv(new, index=False)
    own = run.predictions
    own = own[own["part"] == "test"].sort_values("sample", key=lambda ids: ids.astype(int))
    asked = mmx.predict(run.path, new)["p_benign"].tolist()
    assert asked == pytest.approx(own["p_benign"].tolist(), abs=1e-5)
    scores = mmx.evaluate_run(run.path, new).evaluation.metrics["balanced_accuracy"]
    assert scores.value == run.metrics["test"]["metrics"]["balanced_accuracy"]["value"]
    turned = pd.read_csv(new).assign(biopsy=lambda table: table["biopsy"].iloc[::-1].to_numpy())
    turned.to_csv(home / "turned.csv", index=False)
    assert mmx.predict(run.path, home / "turned.csv")["p_benign"].tolist() != asked
    with pytest.raises(mmx.DataError, match="biopsy"):
        mmx.predict(run.path, _without(home, "biopsy"))


def test_without_a_waiver_a_run_says_what_it_left_out_and_how_to_have_it_read(
    make: Callable[..., mmx.Spec], home: Path
) -> None:
    """From Python, with a spec that is changed in place of one that is written."""
    run = mmx.run(make(columns=COLUMNS, more="leak_columns: [biopsy]"))
    assert _fields(run) == ["age", "grade", "size"]
    page = (run.path / "report.html").read_text()
    assert "biopsy: it tells the label, as the data set says (leak_columns); to have it" in page
    assert len(mmx.predict(run.path, _without(home, "biopsy"))) == len(rows())
    changed = mmx.load_spec(
        home / "records.yaml", overrides=["audit={waive: {leak_columns: known at admission}}"]
    )
    assert "biopsy" in _fields(mmx.run(changed))


def _without(home: Path, column: str) -> Path:
    table = home / f"no_{column}.csv"
    pd.DataFrame(rows()).drop(columns=column).to_csv(table, index=False)
    return table


def _fields(run: mmx.Run) -> list[str]:
    return [one["origin"]["fields"][0] for one in fitted(run)["columns"]]  # type: ignore[attr-defined]


def test_records_that_are_mostly_empty_stop_the_run(make: Callable[..., mmx.Spec]) -> None:
    cells = [{**row, "age": ""} if at % 10 < 7 else row for at, row in enumerate(rows())]
    with pytest.raises(mmx.MmxError, match="empty_modality: .* have no record, and the fusion"):
        mmx.run(make(cells, settings="dim: 16, columns: [age]"))


def test_the_group_is_never_a_column(make: Callable[..., mmx.Spec]) -> None:
    with pytest.raises(mmx.SpecError, match="must not read 'person': it is the group"):
        mmx.run(make(columns=("age", "person"), settings="dim: 16, columns: [age, person]"))


def test_statistics_know_nothing_of_validation_and_test_rows(
    make: Callable[..., mmx.Spec],
) -> None:
    run = mmx.run(make())
    edited = [
        row if row["part"] == "train" else {**row, "size": 1e6, "grade": "other"} for row in rows()
    ]
    assert fitted(mmx.run(make(edited))) == fitted(run)
    other = [{**row, "size": 1e6} if number == 0 else row for number, row in enumerate(rows())]
    assert other[0]["part"] == "train"
    assert fitted(mmx.run(make(other))) != fitted(run)


@pytest.mark.parametrize("model", ["mlp", "linear"])
def test_the_order_of_columns_changes_no_answer(make: Callable[..., mmx.Spec], model: str) -> None:
    settings = "dim: 16" if model == "mlp" else "min_count: 5"
    first = answers(mmx.run(make(model=model, settings=settings)))
    turned = [dict(reversed(list(row.items()))) for row in rows()]
    again = mmx.run(make(turned, columns=("grade", "size", "age"), model=model, settings=settings))
    pd.testing.assert_frame_equal(answers(again), first, check_exact=True)


def test_new_cases_are_read_as_training_rows_were(
    make: Callable[..., mmx.Spec], home: Path
) -> None:
    run = mmx.run(make())
    kept = pd.read_parquet(run.path / "predictions.parquet")
    kept = kept[kept["part"] == "test"]
    table = home / "new.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["age", "size", "grade"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row for row in rows() if row["part"] == "test")
    found = mmx.predict(run.path, table)
    expected = kept.sort_values("sample", key=lambda ids: ids.astype(int))
    for name in ("p_benign", "p_malignant"):
        assert found[name].tolist() == pytest.approx(expected[name].tolist(), abs=1e-5)


def test_one_case_may_lack_a_cell_and_hold_what_training_never_saw(
    make: Callable[..., mmx.Spec],
) -> None:
    run = mmx.run(make())
    odd = mmx.Case(record={"age": 40, "size": 1e9, "grade": "nobody knows"})
    edge = mmx.Case(record={"age": 40, "size": max(_sizes()), "grade": "unsure"})
    first, second = (mmx.predict(run.path, one)["p_benign"][0] for one in (odd, edge))
    assert first == second
    without = mmx.predict(run.path, mmx.Case(record={"age": 40}), without=["size", "grade"])
    assert 0 < without["p_benign"][0] < 1


def _sizes() -> list[float]:
    return [float(str(row["size"])) for row in rows() if row["part"] == "train" and row["size"]]


def test_every_setting_that_the_table_contradicts_is_told_at_its_place(
    make: Callable[..., mmx.Spec],
) -> None:
    settings = (
        "dim: 16,\n    columns: [agee, size, person],\n    kinds: {grade: number},\n"
        "    since: {age: birth}"
    )
    with pytest.raises(mmx.SpecError) as caught:
        mmx.run(make(settings=settings))
    found = {fault.key.removeprefix("model.record."): fault for fault in caught.value.faults}
    assert {key: fault.message.split(";")[0] for key, fault in found.items()} == {
        "columns.0": "records have no field 'agee'",
        "columns.2": "an encoder of records must not read 'person': it is the group",
        "kinds.grade": "'grade' shall be a number and most of its cells are none, such as 'unsure'",
        "since.age": "records have no field 'birth'",
    }
    for fault in found.values():
        assert fault.file is not None
        shown = fault.file.read_text().splitlines()[fault.line - 1][fault.column - 1 :]
        assert shown.startswith(("agee", "person", "number", "birth"))


@pytest.mark.parametrize("settings", ["dim: 16", "dim: 16, missing: impute"])
def test_without_a_column_is_what_a_case_without_that_cell_is_answered(
    make: Callable[..., mmx.Spec], settings: str
) -> None:
    run = mmx.run(make(settings=settings))
    record = {"age": 40, "size": None, "grade": "low"}
    answers = mmx.ask(run.path, mmx.Case(record=record), explain=True)
    found = {one.column: one for one in answers.explanations[0].columns["record"]}
    assert [*found] == ["age", "grade"]  # size is missing already
    whole = answers.probabilities(0)
    for name, one in found.items():
        blank = mmx.ask(run.path, mmx.Case(record={**record, name: None})).probabilities(0)
        assert one.answer == max(blank, key=lambda key: blank[key])
        for finding, change in one.changes.items():
            assert change == pytest.approx(blank[finding] - whole[finding], abs=1e-6)
    assert abs(found["grade"].changes["benign"]) > abs(found["age"].changes["benign"])
    (alone,) = (
        mmx.ask(run.path, mmx.Case(record={"age": 40}), explain=True, without=["size", "grade"])
        .explanations[0]
        .columns["record"]
    )
    prior = dict.fromkeys(whole, 0.5)  # nothing is left of the case
    asked = mmx.ask(run.path, mmx.Case(record={"age": 40}), without=["size", "grade"])
    for finding, change in alone.changes.items():
        assert change == pytest.approx(prior[finding] - asked.probabilities(0)[finding], abs=1e-5)


def test_all_that_is_made_of_a_date_is_missing_together(make: Callable[..., mmx.Spec]) -> None:
    cells = rows()
    for row, one in enumerate(cells):
        one["exam"] = f"2021-{1 + row % 12:02d}-15"
        one["birth"] = f"{1950 + row % 37}-03-0{1 + row % 9}"
    settings = "dim: 16, cyclic: {exam: month}, since: {exam: birth}"
    run = mmx.run(make(cells, columns=("age", "exam", "birth"), settings=settings))
    record = {"age": 40, "exam": "2021-05-15", "birth": "1960-03-01"}
    answers = mmx.ask(run.path, mmx.Case(record=record), explain=True)
    found = {one.column: one for one in answers.explanations[0].columns["record"]}
    assert [*found] == ["age", "exam", "birth"]  # and not exam month cos, exam month sin, ...
    whole = answers.probabilities(0)
    for name, one in found.items():
        blank = mmx.ask(run.path, mmx.Case(record={**record, name: None})).probabilities(0)
        for finding, change in one.changes.items():
            assert change == pytest.approx(blank[finding] - whole[finding], abs=1e-6)
