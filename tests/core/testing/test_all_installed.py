"""Every installed method keeps the laws of its kind; a new one is covered without a new test."""

import pytest

import mmx
from mmx.commands import InstalledMethod
from mmx.testing import check

# hooks are of modules that do something else besides; they have tests of their own
METHODS = [method for method in mmx.Plugins().installed() if method.kind != "hook"]
SLOW = {"encoder"}  # whole networks


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(one, id=one.key, marks=[pytest.mark.slow] if one.kind in SLOW else [])
        for one in METHODS
    ],
)
def test_keeps_the_laws_of_its_kind(
    method: InstalledMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert method.status == "found", method.reason
    results = check(mmx.Plugins().find(method.kind, method.long_name))
    broken = [f"{one.name}: {one.detail}" for one in results if not one.ok]
    assert not broken, "\n".join(broken)
