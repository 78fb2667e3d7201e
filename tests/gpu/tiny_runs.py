"""The small experiments of tests/tiny, as several steps start them."""

from pathlib import Path

import mmx

TINY = Path(__file__).parents[1] / "tiny"
PLUGINS = [TINY / "encoders.py"]
# encoders that learn, so that the card has something to do besides heads
TRAINED = ("model.image.train=full", "model.text.train=full", "train.epochs=2")


def tiny_spec(*overrides: str) -> mmx.Spec:
    """The spec of tests/tiny with these changes."""
    return mmx.load_spec(TINY / "spec.yaml", overrides=list(overrides), plugins=PLUGINS)
