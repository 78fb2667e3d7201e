"""The line under the headline is that of the task: per cent, a share, or a scale of its own."""

from mmx.interfaces import Interval, Summary
from mmx.report.headline import HeadlineScale, headline_scale
from mmx.report.wording import formed


def summary(headline: Interval, **more: object) -> Summary:
    words = {"ends": "", "meaning": "", "measured": "", "intervals": ""}
    return Summary("score", "score", headline, **words, **more)  # type: ignore[arg-type]


def test_a_share_is_written_in_per_cent() -> None:
    found = headline_scale(summary(Interval(0.713, 0.66, 0.76), guess=0.25))
    ends = ("0", "50\u202f%", "100\u202f%")
    assert found == HeadlineScale(713, 660, 760, 250, ends, "71.3\u202f%", "25.0\u202f%")


def test_an_area_is_no_percentage() -> None:
    found = headline_scale(summary(Interval(0.94), guess=0.5, form=".3f"))
    assert found == HeadlineScale(940, None, None, 500, ("0", "0.5", "1"), "0.940", "0.500")


def test_a_scale_may_have_other_ends() -> None:
    told = summary(Interval(0.5, -1.2, 0.8), guess=0.0, form=".3f", scale=(-1, 1))
    found = headline_scale(told)
    assert found == HeadlineScale(750, 0, 900, 500, ("-1", "0", "1"), "0.500", "0.000")


def test_the_ends_of_a_scale_of_units_are_short() -> None:
    told = summary(Interval(3.34), guess=11.7, form=".2f", scale=(0.0, 14.0236))
    found = headline_scale(told)
    assert found is not None
    assert found.ends == ("0", "7.01", "14")


def test_without_a_guess_or_a_number_there_is_no_line() -> None:
    assert headline_scale(summary(Interval(0.5))) is None
    assert headline_scale(summary(Interval(float("nan")), guess=0.5)) is None


def test_numbers_are_written_as_the_task_says() -> None:
    assert formed(0.7134, ".1%") == "71.3\u202f%"
    assert formed(12.34, ".1f") == "12.3"
    assert formed(None, ".3f") == "\u2013"
