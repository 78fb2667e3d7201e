"""The table that is asked about, and how answers are compared."""

from pathlib import Path

import pandas as pd

import mmx


def table(place: Path) -> pd.DataFrame:
    """Its rows, as texts."""
    return pd.read_csv(place / "cases.csv", dtype=str, keep_default_na=False)


def shares(found: pd.DataFrame) -> pd.DataFrame:
    """The probabilities alone."""
    return found.filter(regex="^p_").astype(float)


def known(run: mmx.Run) -> pd.DataFrame:
    """What the run itself says of its test part."""
    return run.predictions.query("part == 'test'").set_index("sample")
