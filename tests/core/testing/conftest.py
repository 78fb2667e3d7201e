"""How the tests of the laws ask what a method breaks."""

from collections.abc import Callable

import pytest

from mmx import Params
from mmx.testing import check, check_law, laws
from mmx.testing.method_check import BASIC


@pytest.fixture
def failing() -> Callable[[Params], dict[str, str]]:
    """The laws that a method breaks, of all, each with its sentence."""
    return lambda params: {one.name: one.detail for one in check(params) if one.status == "failed"}


@pytest.fixture
def caught() -> Callable[[Params, str], None]:
    """``caught(params, law)``: the law fails in one sentence, and no law before it stops the check.

    It tries this law alone and the basic ones, after which a check goes no further; test_check.py
    holds that a check tries all laws in order.
    """

    def is_caught(params: Params, law: str) -> None:
        names = [name for name in laws(params.kind) if name in BASIC or name == law]
        tried = (check_law(params, name) for name in names)
        found = next((one for one in tried if one.status == "failed"), None)
        assert found is not None
        assert found.name == law, found.detail
        assert "\n" not in found.detail

    return is_caught
