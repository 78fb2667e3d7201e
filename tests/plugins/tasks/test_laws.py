"""Tasks keep the laws of their kind with other settings than the default ones, too."""

import pytest

import mmx
from mmx.testing import check
from mmx_plugins.tasks.multi_label import MultiLabelParams
from mmx_plugins.tasks.ordinal import OrdinalParams

LEVELS = ("none", "mild", "severe", "gone")


@pytest.mark.parametrize(
    "task",
    [
        *(OrdinalParams(levels=LEVELS, decision=one) for one in ("median", "argmax", "mean")),
        *(MultiLabelParams(unknown=one) for one in ("negative", "positive")),
    ],
    ids=str,
)
def test_it_keeps_the_laws(task: mmx.Params) -> None:
    assert [one for one in check(task) if one.status != "passed"] == []
