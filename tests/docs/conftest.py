"""Pages are made here as users make them."""

import pytest


@pytest.fixture(autouse=True)
def short_pages() -> None:
    """They are whole here."""
