"""How often an audit reads the rows of a table, and which texts it writes."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmx
from mmx.data import TableRows
from mmx.interfaces import Narrative

ROWS = 300
SPEC = """\
name: facts
data:
  dataset: {type: table, path: cases.csv, label: finding, group: person, record: [age, site]}
model: {record: tabular, fusion: only}
"""


@pytest.fixture
def spec(home: Path) -> mmx.Spec:
    """Facts alone: no image, and no encoder of texts."""
    draw = np.random.default_rng(0)
    lines = ["person,age,site,finding"]
    for row in range(ROWS):
        age, site, finding = draw.integers(20, 90), draw.integers(4), draw.integers(2)
        lines.append(f"p{row // 2},{age},s{site},f{finding}")
    (home / "cases.csv").write_text("\n".join(lines) + "\n")
    (home / "spec.yaml").write_text(SPEC)
    return mmx.load_spec(home / "spec.yaml")


def test_each_row_is_read_once_and_no_text_that_nobody_reads_is_written(
    spec: mmx.Spec, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, written = Counter[int](), list[int]()

    def counted(rows: TableRows, row: int) -> mmx.Sample:
        read[row] += 1
        return sample(rows, row)

    def noted(narrative: Narrative, samples: Any) -> Any:
        written.append(len(samples))
        return write(narrative, samples)

    sample: Callable[..., mmx.Sample] = TableRows._sample
    write = Narrative.write_all
    monkeypatch.setattr(TableRows, "_sample", counted)
    monkeypatch.setattr(Narrative, "write_all", noted)
    mmx.audit_spec(spec, out=home / "audit")
    assert len(read) == ROWS
    assert read.most_common(1)[0][1] == 1
    assert written == []
    assert len(mmx.narratives(spec, 5)) == 5  # who asks for the texts is given them
    assert written == [ROWS]
