"""Means of gates by class."""

import torch

from mmx.inference.gates import in_words, mean_by_class
from mmx.inference.prediction import PartPrediction
from mmx_plugins.tasks.single_label import SingleLabel


def test_means_are_over_the_rows_of_each_class() -> None:
    target = torch.tensor([0, 0, 2, -1])
    explain = {"gate": torch.tensor([0.2, 0.4, 0.9, 0.5]), "map": torch.ones(4, 7)}
    found = mean_by_class(
        PartPrediction(torch.zeros(4, 3), target, explain=explain), SingleLabel("abc")
    )
    rounded = {name: round(value, 6) for name, value in found["gate"].items()}
    assert rounded == {"all": 0.5, "a": 0.3, "c": 0.9}
    assert set(found) == {"gate"}
    assert in_words(found) == ["Mean gate on the test part: 0.50; by class: a 0.30, c 0.90."]
