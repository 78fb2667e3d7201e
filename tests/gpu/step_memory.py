"""A batch that does not fit: a message that says what to set, and never a traceback."""

from check import Given, Row, held
from pictures import table_of
from step_encoding import write_spec
from tiny_runs import PLUGINS

import mmx


def main(given: Given) -> list[Row]:
    """One run with a batch that no card holds."""
    if not given.on_card:
        return [Row("out of memory", "there is no card to fill")]
    table = table_of(given.folder / "pictures", 4096, 64)
    file = write_spec(given, "too-much", table, "fp32")
    changes = ["train.batch_size=2800", "model.image.train=full", "train.precision=fp32",
               "data.image.height=512", "data.image.width=512"]  # fmt: skip
    try:
        mmx.run(mmx.load_spec(file, overrides=changes, plugins=PLUGINS))
    except mmx.RunError as error:
        words = str(error)
        good = all(key in words for key in ("batch_size", "accumulate", "precision"))
        return [held("out of memory", words, good)]
    return [held("out of memory", "the batch fitted", good=False)]
