"""What a report of a run says, and that nobody's text becomes markup."""

import dataclasses
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from mmx.evaluation import Evaluation, Interval
from mmx.report import Mistake, RunReport, render_run
from mmx_plugins.tasks.single_label import SingleLabelScores

Make = Callable[..., RunReport]
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Outline(HTMLParser):
    """Tags, ids, and whether every element is closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        named = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag == "a":
            self.links.append(named.get("href") or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(html: str) -> Outline:
    parsed = Outline()
    parsed.feed(html)
    return parsed


def text(html: str) -> str:
    """What a reader sees, with single spaces."""
    body = html[html.index("<body") :]
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", body).replace("&nbsp;", " "))


def test_a_report_is_well_formed_and_its_contents_lead_somewhere(full_page: str) -> None:
    parsed = outline(full_page)
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert len(parsed.links) == 12
    assert {link.removeprefix("#") for link in parsed.links} <= set(parsed.ids)


def test_the_same_results_give_the_same_file(full_report: Make, full_page: str) -> None:
    assert render_run(full_report()) == full_page


def test_the_headline_states_value_interval_size_and_guessing(
    full_report: Make, full_page: str
) -> None:
    headline = full_report().evaluation.metrics["balanced_accuracy"]
    seen = text(full_page)
    assert f"{100 * headline.value:.1f}\u202f%" in seen
    assert f"interval {100 * headline.low:.1f}\u202f% to {100 * headline.high:.1f}\u202f%" in seen
    assert "Measured on 120 samples of 30 lesions" in seen
    assert "akiec, would reach 33.3\u202f% balanced accuracy" in seen
    assert "epoch 2 was kept, chosen by validation balanced accuracy" in seen


def test_waivers_and_warnings_come_before_the_result(full_page: str) -> None:
    seen = text(full_page)
    result = seen.index("Of 100 samples")
    assert seen.index("the referral letter is known to the doctor") < result
    assert seen.index("Test part looked at 3 times.") < result


def test_mistakes_data_report_spec_and_environment_are_there(full_page: str) -> None:
    html = full_page
    seen = text(html)
    assert 'src="data:image/png;base64,' in html
    for words in (
        "A lesion.",
        "no image",
        "no text",
        "the image is truncated",
        "s-3, s-4; s-5, s-6",
        "without text none",
        "name: quickstart seed: 0 data: {}",
        "fusion.concat mmx",
        "core 1 files, named in environment.json",
        "1,200,345",
        "1 min 15 s",
        "image alone",
        "temperature",
        "mean gate 0.61",
    ):
        assert words in seen, words


def test_text_never_becomes_markup(
    full_report: Make, scored: Callable[..., SingleLabelScores]
) -> None:
    bad = '<script>alert("x")</script>'
    classes = (bad, "b<img src=x onerror=y>", "$c_{1}$ & d")
    report = full_report(
        classes,
        name=bad,
        group=bad,
        methods={bad: bad},
        history=[{"loss": 1.0, "terms": {bad: 1.0, "b": 2}, "validation": {bad: 0.5}}],
        mistakes=[Mistake(bad, {bad: b"GIF89a" + bad.encode()}, {bad: bad}, bad, bad, 0.9)],
        controls={bad: scored(classes).metrics},
        data_report={
            bad: bad,
            "parts": {bad: {bad: {"samples": 1, "groups": 1}}},
            "x": [{bad: bad}],
        },
        spec=bad,
        resolved=bad,
        environment={bad: bad},
        waivers={bad: bad},
        warnings=[bad],
        notes=[bad],
        created=bad,
        version=bad,
        sections=[(bad, "<p>fine</p>")],
    )
    html = render_run(report)
    parsed = outline(html)
    assert "script" not in parsed.tags
    assert "onerror=y" not in re.sub(r'"[^"]*"', "", html).replace(
        "b&lt;img src=x onerror=y&gt;", ""
    )
    assert "&lt;script&gt;" in html
    assert "$c_{1}$ &amp; d" in html
    assert "GIF89a" not in html


def test_the_page_forbids_scripts_and_loads_nothing(full_page: str) -> None:
    html = full_page
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in html
    assert not re.search(r'(?:src|href)="(?!data:|#)', html)
    assert not re.search(r"url\((?!#)", html)


def test_a_bare_report_has_only_what_it_knows(scored: Callable[..., SingleLabelScores]) -> None:
    html = render_run(RunReport("bare", "", scored()))
    parsed = outline(html)
    assert {"learning", "mistakes", "controls", "stages", "data"} & set(parsed.ids) == set()
    seen = text(html)
    assert "nan" not in seen.lower()
    assert "None" not in seen


def test_missing_numbers_are_shown_as_a_dash(full_report: Make) -> None:
    history = [
        {"epoch": 0, "loss": math.nan, "terms": None, "validation": {"nll": None}},
        {"epoch": 1, "loss": None},
    ]
    arms = {"text alone": {"accuracy": Interval(math.nan)}}
    seen = text(render_run(full_report(history=history, best_epoch=None, controls=arms)))
    assert "nan" not in seen.lower()
    assert "None" not in seen
    assert "text alone – –" in seen


def test_a_class_without_samples_is_named(
    full_report: Make, scored: Callable[..., SingleLabelScores]
) -> None:
    evaluation = scored().found
    plain = evaluation.to_json()
    absent = dataclasses.replace(evaluation.per_class[1], support=0, groups=0)
    plain["absent_classes"] = ["bcc"]
    plain["confusion"][1] = [0, 0, 0]
    gone = dataclasses.replace(
        Evaluation.from_json(plain),
        per_class=(evaluation.per_class[0], absent, evaluation.per_class[2]),
    )
    seen = text(render_run(full_report(evaluation=SingleLabelScores(gone))))
    assert "no samples in this part; left out of every average" in seen
    assert "averaged over the 2 classes" in seen


def test_one_end_or_none_is_told_in_words(scored: Callable[..., SingleLabelScores]) -> None:
    evaluation = scored().found

    def page(**interval: float) -> str:
        metrics = {**evaluation.metrics, "balanced_accuracy": Interval(**interval)}
        changed = dataclasses.replace(evaluation, metrics=metrics)
        return text(render_run(RunReport("sure", "", SingleLabelScores(changed))))

    sure = page(value=1.0, low=0.881, high=1.0)
    assert "one-sided: at least 88.1\u202f% with 97.5\u202f%" in sure
    assert "at least 0.881" in sure
    assert "one-sided: at most 9.0\u202f%" in page(value=0.0, low=0.0, high=0.09)
    assert "no interval: all samples are of one class" in page(value=0.5)


def test_groups_are_called_what_they_are(full_report: Make) -> None:
    seen = text(render_run(full_report(group="study")))
    assert "of 30 studies" in seen
    assert "several samples of one study" in seen
    assert "studys" not in seen.lower()


@pytest.mark.parametrize("count", [2, 20])
def test_any_number_of_classes_fits(full_report: Make, count: int) -> None:
    classes = tuple(f"class {number:02d}" for number in range(count))
    seen = text(render_run(full_report(classes)))
    assert all(name in seen for name in classes)
    assert ("others" in seen) == (count > 8)
