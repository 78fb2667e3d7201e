"""The page of a study, and the same results as text."""

import csv
import dataclasses
import io
import math
from collections.abc import Callable
from dataclasses import replace

from mmx.evaluation import Interval
from mmx.evaluation.convergence import Convergence
from mmx.report import (
    ControlComparison,
    StudyReport,
    headline,
    render_study,
    study_csv,
    study_latex,
    study_markdown,
)

Study = Callable[..., StudyReport]


def test_the_page_says_what_was_found(full_study: Study) -> None:
    page = render_study(full_study())
    assert "better: gated &amp; &lt;b&gt;bold&lt;/b&gt;; worse: ibfa_100%" in page
    assert "text only 71.0" in page
    assert page.index("text only 71.0") < page.index("<table")  # controls on top
    assert "unplanned" in page
    assert "confounded: 2 keys differ" in page
    assert "a difference of 3.1 points" in page
    assert "neither a target nor a result" in page
    assert "LEAKY" in page
    assert "MissingExtra: no" in page
    assert "<b>bold" not in page
    assert page.count("<svg") == 4
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_an_arm_names_the_arm_it_is_held_against(full_study: Study) -> None:
    arms = list(full_study().arms)
    arms[2] = dataclasses.replace(arms[2], against="mamba")
    report = full_study(arms=arms)
    page, text = render_study(report), study_markdown(report)
    assert "Against concat, better:" in page
    assert "Against mamba, worse: ibfa_100%." in page
    assert "against mamba</span>" in page
    assert "to concat, or to the arm that is named" in page
    assert "or to the arm that is named" not in render_study(full_study())
    assert "| ibfa_100% against mamba |" in text
    assert r"ibfa\_100\% against mamba" in study_latex(report)
    rows = list(csv.DictReader(io.StringIO(study_csv(report))))
    assert [row["against"] for row in rows] == ["", "concat", "mamba", "concat", "concat", "concat"]


def test_one_seed_is_said_to_be_one_training_run(full_study: Study) -> None:
    base, arm = full_study().arms[:2]
    one = dataclasses.replace(arm.contrasts["balanced_accuracy"], conditional=True)
    arms = [base, dataclasses.replace(arm, contrasts={"balanced_accuracy": one})]
    assert "conditional on this training run" in render_study(full_study(arms=arms))
    assert "conditional" not in render_study(full_study())


def test_a_study_without_a_comparison_still_has_a_page(full_study: Study) -> None:
    arms = [dataclasses.replace(full_study().arms[0], curve=(), reliability=())]
    page = render_study(full_study(arms=arms, controls=[], plan={}))
    assert "No arm could be compared" in page


def test_csv_holds_numbers(full_study: Study) -> None:
    rows = list(csv.DictReader(io.StringIO(study_csv(full_study()))))
    assert [row["arm"] for row in rows][-2:] == ["late", "text only"]
    assert math.isclose(float(rows[1]["difference"]), 0.04)
    assert rows[1]["planned"] == "False"
    assert rows[4]["error"] == "MissingExtra: no"
    assert rows[0]["reported"] == "88.50"


def test_latex_rows_are_escaped_and_alike(full_study: Study) -> None:
    lines = study_latex(full_study()).splitlines()[1:]
    assert len(lines) == 5
    assert all(line.endswith(r"\\") for line in lines)
    assert len({line.replace(r"\&", "").count("&") for line in lines}) == 1
    assert r"gated \& <b>bold</b>" in lines[1]
    assert r"ibfa\_100\%" in lines[2]


def test_markdown_tables_have_as_many_cells_as_heads(full_study: Study) -> None:
    text = study_markdown(full_study())
    for table in text.split("\n\n"):
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1
    assert "88.50" in text
    assert "gated & &lt;b>bold&lt;/b> (unplanned)" in text


def test_names_and_errors_are_no_markup_in_any_text(full_study: Study) -> None:
    evil = "<img src=x onerror=alert(1)> [click](javascript:alert(1)) | \x1b[2J"
    study = full_study()
    arms = [replace(study.arms[0], name=evil, error=evil), *study.arms[1:]]
    page = study_markdown(replace(study, arms=arms, machine={"processor": evil}))
    assert "<img" not in page
    assert "[click](" not in page
    assert "\x1b" not in page + study_latex(replace(study, arms=arms))
    formula = [replace(study.arms[0], name="=1+1")]
    assert study_csv(replace(study, arms=formula)).count("'=1+1") == 1


def _with_contrast(report: StudyReport, **changes: object) -> StudyReport:
    """The same report with the first contrast changed."""
    arms = list(report.arms)
    one = arms[1].contrasts["balanced_accuracy"]
    changed = dataclasses.replace(one, **changes)  # type: ignore[arg-type]  # a table of settings
    arms[1] = dataclasses.replace(arms[1], contrasts={"balanced_accuracy": changed})
    return dataclasses.replace(report, arms=arms)


def test_equal_answers_say_what_they_cannot_exclude(full_study: Study) -> None:
    report = _with_contrast(full_study(), silent=True, difference=Interval(0.0, -0.042, 0.042))
    words = "no row differs; a true difference of up to ±4.2 points cannot be excluded"
    assert words in render_study(report)
    assert words in study_markdown(report)


def test_a_base_that_was_chosen_on_the_test_part_gets_no_verdicts(full_study: Study) -> None:
    report = full_study(no_verdicts="The base was an arm of fusions.")
    assert "Differences and intervals are shown without verdicts" in render_study(report)
    assert "better: " not in render_study(report)
    assert headline(report)[0] == "The base was an arm of fusions."


def test_the_headline_says_what_the_controls_say(full_study: Study) -> None:
    held = [
        ControlComparison("text only", ("concat", "gated"), 2),
        ControlComparison("text only", ("gated",), 2),
        ControlComparison("text only", (), 2),
    ]
    report = full_study(reached=held)
    wanted = ["No arm beats the text alone (text only, 71.0\u202f%).",
              "gated does not beat the text alone (text only, 71.0\u202f%)."]  # fmt: skip
    assert headline(report)[:2] == wanted
    assert all(words in render_study(report) for words in wanted)
    assert all(words in study_markdown(report) for words in wanted)


def test_the_family_and_the_curves_are_told(full_study: Study) -> None:
    short = Convergence(4, judged=False, rising=True)
    arms = [dataclasses.replace(arm, convergence=short) for arm in full_study().arms]
    page = render_study(full_study(arms=arms))
    assert "12 comparisons of balanced accuracy have read this test part" in page
    assert "4 epochs: convergence not judged (" in page
    rows = list(csv.DictReader(io.StringIO(study_csv(full_study(arms=arms)))))
    assert rows[1]["convergence"] == "4 epochs: convergence not judged"
    assert (rows[1]["p_holm"], rows[1]["p_holm_all"], rows[1]["comparisons"]) == (
        "0.004", "0.012", "12",
    )  # fmt: skip


def test_the_headline_says_whether_there_is_joint_signal(full_study: Study) -> None:
    (text,) = full_study().controls
    one = text.contrasts["balanced_accuracy"]
    much = replace(one, difference=Interval(-0.2, -0.3, -0.1), corrected=0.01, groups=100)
    less = replace(much, difference=Interval(-0.1, -0.2, -0.02), conditional=False)
    controls = [
        replace(text, name=f"{name} only", contrasts={"balanced_accuracy": found})
        for name, found in (("image", much), ("text", less))
    ]
    told = headline(full_study(controls=controls, modalities=("image", "text")))[0]
    assert told.startswith("Joint signal: image and text together beat each alone, by 10.0 to 20.0")
    less = replace(less, difference=Interval(-0.1, -0.2, 0.01))
    controls[1] = replace(controls[1], contrasts={"balanced_accuracy": less})
    report = full_study(controls=controls, modalities=("image", "text"))
    assert headline(report)[0].startswith(
        "No joint signal is shown: concat (image and text) is not shown to beat the text alone"
    )
    assert "No joint signal" in render_study(report)
    assert "joint signal" not in " ".join(headline(full_study(controls=controls[:1])))
    chosen = replace(report, no_verdicts="The base was an arm of fusions.")
    assert "joint signal" not in " ".join(headline(chosen))
