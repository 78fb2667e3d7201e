"""Pages are made here as users make them."""

import pytest


@pytest.fixture(autouse=True)
def figures() -> None:
    """They are rendered."""
