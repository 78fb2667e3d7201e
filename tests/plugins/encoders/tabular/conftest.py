"""A small clinical table: numbers with gaps, categories with rare values, dates, an id."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from mmx.interfaces import Record
from mmx_plugins.encoders._records.encoder import ColumnsEncoder
from mmx_plugins.encoders.mlp import MlpParams
from mmx_plugins.encoders.tabular.params import TabularParams


def table(rows: int = 80, seed: int = 0) -> list[Record]:
    """Records; every seventh age and every fifth sex is missing."""
    draw = np.random.default_rng(seed)
    sites = ["back", "arm", "face", "scalp"]
    return [
        {
            "age": None if row % 7 == 3 else float(draw.integers(20, 90)),
            "thickness": float(draw.gamma(2, 0.7)),
            "sex": None if row % 5 == 1 else ("female" if draw.random() < 0.5 else "male"),
            "site": sites[int(draw.integers(0, 3))] if row != 11 else "scalp",
            "birth": f"19{draw.integers(30, 99)}-0{draw.integers(1, 9)}-1{draw.integers(0, 9)}",
            "exam": f"202{draw.integers(0, 5)}-0{draw.integers(1, 9)}-2{draw.integers(0, 8)}",
            "case": f"case-{row}",
            "hospital": "north",
        }
        for row in range(rows)
    ]


@pytest.fixture
def records() -> list[Record]:
    return table()


@pytest.fixture
def fitted() -> Callable[..., ColumnsEncoder]:
    """fitted(records, **settings): an encoder whose columns are fitted, in eval mode."""

    def make(records: Sequence[Record], *, seed: int = 0, **settings: object) -> ColumnsEncoder:
        params = MlpParams if settings.get("type") == "mlp" else TabularParams
        encoder = params.model_validate(settings).build()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoder.learn_columns(encoder.fit(records, {}))
        encoder.learn("full")
        encoder.eval()
        return encoder

    return make
