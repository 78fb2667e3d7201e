"""The short audit inside a run: it stops a leak, takes a waiver, and is not done twice."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import mmx
from mmx.experiment import auditing

Load = Callable[..., mmx.Spec]
LEAK = "data.dataset.leak=0.5"
WAIVED = "audit={waive: {label_words: 'the referral letter is known to the doctor'}}"


def test_a_leak_stops_the_run_before_anything_is_made(load: Load, home: Path) -> None:
    with pytest.raises(mmx.MmxError) as caught:
        mmx.run(load(LEAK))
    words = str(caught.value)
    assert "nothing was trained" in words
    assert 'audit: {waive: {label_words: "written reason"}}' in words
    assert "lenoma" not in words.splitlines()[0]
    assert not (home / "runs").exists()


def test_a_waiver_lets_it_run_and_stands_on_top_of_the_report(load: Load) -> None:
    run = mmx.run(load(LEAK, WAIVED))
    page = run.report.read_text()
    top = page[: page.index('id="result"')]
    assert "the referral letter is known to the doctor" in top
    assert "Waived finding of label_words" in top
    kept = json.loads((run.path / "audit.json").read_text())
    assert kept["errors"] == 0
    assert [one["counts"] for one in kept["findings"] if one["check"] == "label_words"] == [
        "waived"
    ]


def test_a_clean_run_keeps_its_audit_too(load: Load) -> None:
    run = mmx.run(load())
    assert json.loads((run.path / "audit.json").read_text())["errors"] == 0


@pytest.mark.parametrize(
    ("waiver", "words"),
    [
        ("audit={waive: {label_word: known}}", "no check 'label_word'; nearest: label_words"),
        ("audit={waive: {zzz: known}}", "no check 'zzz'; checks: group_overlap, "),
        ("audit={waive: {label_words: ' '}}", "write the reason"),
    ],
)
def test_a_waiver_of_nothing_is_refused(load: Load, waiver: str, words: str) -> None:
    with pytest.raises(mmx.MmxError, match=words):
        mmx.run(load(waiver))


def test_the_verdict_is_found_again(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    mmx.run(load())
    monkeypatch.setattr(auditing, "examine", lambda *_: pytest.fail("audited twice"))
    mmx.run(load("model.head.hidden=4"))
    with pytest.raises(BaseException, match="audited twice"):
        mmx.run(load("data.dataset.seed=5"))


def test_a_damaged_verdict_is_made_anew(load: Load, home: Path) -> None:
    mmx.run(load())
    (file,) = (home / "cache" / "mmx-cache" / "audit").glob("*.json")
    before = file.read_text()
    file.write_text(before[: len(before) // 2])
    mmx.run(load("model.head.hidden=4"))
    assert file.read_text() == before
