import pytest

from mmx.blocks import plural_of


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("lesion", "lesions"),
        ("study", "studies"),
        ("day", "days"),
        ("\u60a3\u8005", "\u60a3\u8005"),
        ("\u0441\u043b\u0443\u0447\u0430\u0439", "\u0441\u043b\u0443\u0447\u0430\u0439"),
    ],
)
def test_plural_of(one: str, several: str) -> None:
    assert plural_of(one) == several
