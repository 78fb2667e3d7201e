"""What modalities carry of an answer: points of a probability, or units of a number."""

from mmx.report.share_words import share_words

EXACT = {"ecg": (-0.312, 0.0), "record": (0.15, 0.0)}


def test_a_probability_is_moved_by_points() -> None:
    assert "by ecg -31.2 and record +15.0 points" in share_words(EXACT)


def test_a_number_is_moved_by_units() -> None:
    told = share_words(EXACT, "years")
    assert "by ecg -0.312 and record +0.15 years (" in told
    assert "probability" not in told
    assert "record +0.15 (Shapley" in share_words(EXACT, "")


def test_the_error_of_sampling_stands_beside() -> None:
    assert "+3.12 ± 0.25 years" in share_words({"ecg": (3.12, 0.25)}, "years")
