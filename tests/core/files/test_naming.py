"""What a user wrote becomes a path, or a plain reason why no file has that name."""

from pathlib import Path

import pytest

from mmx.files import named_path


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("a" * 300 + ".csv", "longer than the 255 bytes"),
        ("é" * 200, "longer than the 255 bytes"),
        ("a/" * 3000, "longer than the 4096 bytes"),
        ("a\0b", "zero byte"),
        ("~nobodyx/x.csv", "a home that is not known here"),
    ],
)
def test_what_no_file_can_be_called_has_a_reason(written: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        named_path(written)
    assert len(str(caught.value)) < 200


def test_variables_and_the_home_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMX_TEST_FOLDER", "/data")
    assert named_path("${MMX_TEST_FOLDER}/a.csv") == Path("/data/a.csv")
    assert named_path("~/a.csv") == Path.home() / "a.csv"
