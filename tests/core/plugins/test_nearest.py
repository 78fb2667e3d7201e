"""Guessing what somebody meant."""

from mmx.plugins import nearest


def test_the_most_similar_name_is_given_whatever_the_case() -> None:
    assert nearest("IBFAA", ["concat", "ibfa", "film"]) == "ibfa"


def test_nothing_is_guessed_when_nothing_is_similar() -> None:
    assert nearest("transformer", ["ibfa", "mlp"]) is None
    assert nearest("ibfa", []) is None
