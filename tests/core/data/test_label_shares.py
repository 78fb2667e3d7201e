"""Every part has its share of each label where groups allow it; where they do not, it is told."""

from collections.abc import Sequence

import numpy as np
import pytest

from mmx import Dataset, Sample
from mmx.data import Manifest, make_data_report, make_split, read_manifest, uneven_shares
from mmx.spec import SplitSpec
from mmx_plugins.tasks.multi_label import MultiLabelParams

LABELS = tuple(f"label {place}" for place in range(14))
PREVALENCE = np.geomspace(0.5, 0.005, len(LABELS))


class Studies(Dataset):
    """Studies of patients, of whom some have several, with labels that go together."""

    classes = LABELS

    def __init__(self, patients: int) -> None:
        draw = np.random.default_rng(0)
        of = np.repeat(np.arange(patients), draw.integers(1, 4, patients))
        ill = 0.5 * draw.normal(size=(patients, 1)) + 0.7 * draw.normal(size=(patients, 14))
        score = ill[of] + 0.5 * draw.normal(size=(len(of), 14))
        there = score > np.quantile(score, 1 - PREVALENCE, axis=0).diagonal()
        unknown = draw.random(there.shape) < 0.15
        self.rows = [
            Sample(
                f"s{row}",
                f"p{of[row]}",
                labels={
                    name: None if unknown[row, at] else float(there[row, at])
                    for at, name in enumerate(LABELS)
                },
            )
            for row in range(len(of))
        ]

    def samples(self) -> Sequence[Sample]:
        return self.rows


def studies(patients: int) -> Manifest:
    return read_manifest(Studies(patients), 0.0, MultiLabelParams())


@pytest.fixture(scope="module")
def many() -> Manifest:
    return studies(1_500)


@pytest.mark.parametrize("seed", range(12))
def test_every_label_has_its_share_within_two_points(many: Manifest, seed: int) -> None:
    split = make_split(many, SplitSpec(seed=seed))
    assert uneven_shares(many.strata, split) == ()
    for at in range(len(LABELS)):
        known = many.targets[:, at] >= 0
        shares = [
            many.targets[known & (split.parts == part), at].mean()
            for part in ("train", "validation", "test")
        ]
        assert max(shares) - min(shares) <= 0.04


def test_what_few_groups_do_not_allow_stands_in_the_data_report() -> None:
    few = studies(50)
    split = make_split(few, SplitSpec())
    report = make_data_report(few, split)
    assert report.uneven
    for one in report.uneven:
        column = few.targets[:, LABELS.index(one.label)]
        known = column >= 0
        assert one.overall == pytest.approx(column[known].mean())
        assert one.share == pytest.approx(column[known & (split.parts == one.part)].mean())
        assert abs(one.share - one.overall) > 0.02
    gaps = [abs(one.share - one.overall) for one in report.uneven]
    assert gaps == sorted(gaps, reverse=True)
    assert sum(one.samples for one in report.sizes.values()) == len(few)
