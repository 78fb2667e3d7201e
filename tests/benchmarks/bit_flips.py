"""Random bits of the files of a run and of a cache are flipped; each must be noticed or harmless.

    python tests/benchmarks/bit_flips.py --flips 400

A small experiment (``tests/tiny`` with temperature scaling) is run once, and its data are prepared
with texts from similar images, so that there is a cache of each kind. Then, again and again, one
bit of one file is flipped, all that reads the file is done, and the file is put back. A flip is
*noticed* when mmx refuses the file by its name or says that it makes it anew, *without effect* when
what was read is the same as before, and *missed* otherwise. Prints a table by kind of file. Exit
status 1 if any is missed; data from a damaged cache must be the same as before in any case.
"""

import argparse
import hashlib
import logging
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TINY = Path(__file__).parents[1] / "tiny"
OVERRIDES = ("train.threads=1", "train.epochs=2", "inference=[{type: temperature}]")
RETRIEVED = "data.narrative={type: rangm, level: retrieved}"
PREDICTED = {
    "model.safetensors", "model.json", "environment.json", "resolved.yaml", "hooks.safetensors",
    "hooks.json",
}  # fmt: skip
NOTICED, HARMLESS, MISSED = "noticed", "without effect", "missed"


class Bench:
    """A finished run with its cache, and what comes out of each."""

    def __init__(self, home: Path) -> None:
        os.environ.update(MMX_RUNS=str(home / "runs"), MMX_CACHE=str(home / "cache"))
        import mmx

        def load(*more: str) -> mmx.Spec:
            return mmx.load_spec(
                TINY / "spec.yaml", overrides=[*OVERRIDES, *more], plugins=[TINY / "encoders.py"]
            )

        self.run, self.spec = mmx.run(load()), load(RETRIEVED)
        self.cache = home / "cache" / "mmx-cache"
        self.predicted, self.data = self._predict(), self._data()

    def files(self) -> dict[str, list[Path]]:
        """Kind -> files."""
        own = [file for file in self.run.path.rglob("*") if file.is_file()]
        own = [file for file in own if not file.name.startswith(".lock")]
        kinds = {f"run/{file.relative_to(self.run.path).as_posix()}": [file] for file in own}
        for room in ("images", "features", "texts", "audit"):
            kept = [file for file in (self.cache / room).rglob("*") if file.is_file()]
            for file in kept:
                if file.suffix in (".npy", ".json", ".bin"):
                    kinds.setdefault(f"cache/{room}/*{file.suffix}", []).append(file)
        return dict(sorted(kinds.items()))

    def flip(self, kind: str, file: Path, bit: int) -> str:
        """What becomes of one flipped bit."""
        whole = file.read_bytes()
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        kept = self.cache.with_name("kept")
        if kind.startswith("cache"):
            shutil.copytree(self.cache, kept)
        file.write_bytes(changed)
        try:
            return self._run_file(file) if kind.startswith("run") else self._cache_file()
        finally:
            if kind.startswith("cache"):
                shutil.rmtree(self.cache)
                kept.rename(self.cache)
            else:
                file.write_bytes(whole)

    def _run_file(self, file: Path) -> str:
        import mmx

        name = file.relative_to(self.run.path).as_posix()
        try:
            if name in PREDICTED:
                return HARMLESS if self._predict() == self.predicted else MISSED
            if name == "metrics.json":
                self.run.headline()
            elif name == "predictions.parquet":
                self.run.predictions  # noqa: B018 - it is read
            else:
                self.run.folder.check()  # as ``mmx run`` does with a finished run
        except mmx.RunError as error:
            return NOTICED if file.name in str(error) or "finished.json" in str(error) else MISSED
        return MISSED

    def _cache_file(self) -> str:
        with heard() as notes:
            same = self._data() == self.data
        if not same:
            return MISSED
        return NOTICED if notes else HARMLESS

    def _predict(self) -> Any:
        import mmx

        case = mmx.Case("x", text="a small brown spot on the arm")
        return mmx.predict(
            self.run.path, case, without=["image"], plugins=[TINY / "encoders.py"]
        ).to_csv()

    def _data(self) -> Any:
        """Pixels, sizes, texts, features and findings, as a training would get them."""
        from mmx.data import CachedFeatures
        from mmx.experiment.auditing import short_audit
        from mmx.pipeline import prepare
        from mmx.pipeline.learner import build_learner
        from mmx.pipeline.sources import open_sources
        from mmx.pipeline.spec_hooks import open_hooks
        from mmx.runs import SilentObserver

        prepared = prepare(self.spec, SilentObserver())
        rows = list(range(len(prepared.manifest)))
        learner = build_learner(self.spec, prepared.manifest, prepared.split)
        stores = learner.inputs.stores(prepared.rows)
        sources = open_sources(
            self.spec, learner.model, stores, SilentObserver(), rows=rows, statistics={}
        )
        cached = list(sources.by_name.values())
        found = [one.collate(rows) for one in cached if isinstance(one, CachedFeatures)]
        audited = short_audit(
            self.spec, prepared, open_hooks(self.spec, SilentObserver()), SilentObserver()
        )
        return digest(
            prepared.images.collate(rows).pixels, prepared.images.sizes(rows),
            *(part for one in found for part in (one.tokens, one.mask, one.pooled, one.present)),
            prepared.texts, [one.to_json() for one in audited.findings],
        )  # fmt: skip


def digest(*values: Any) -> str:
    """SHA-256 of arrays, tensors and plain data."""
    found = hashlib.sha256()
    for value in values:
        value = value.numpy() if hasattr(value, "numpy") else value
        found.update(value.tobytes() if hasattr(value, "tobytes") else repr(value).encode())
    return found.hexdigest()


@contextmanager
def heard() -> Iterator[list[str]]:
    """What core notes in its log meanwhile."""
    notes: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            notes.append(record.getMessage())

    log, ear = logging.getLogger("mmx"), Ear()
    log.addHandler(ear)
    log.propagate = False
    try:
        yield notes
    finally:
        log.removeHandler(ear)
        log.propagate = True


def flips(bench: Bench, count: int, seed: int, tell: Callable[[str], None]) -> Counter[Any]:
    """Flip bits over all kinds of files in turn; how often each kind came to each end."""
    drawn, found = random.Random(seed), Counter[Any]()
    kinds = [kind for kind, files in bench.files().items() if any(f.stat().st_size for f in files)]
    for number in range(count):
        kind = kinds[number % len(kinds)]
        file = drawn.choice([f for f in bench.files()[kind] if f.stat().st_size])
        bit = drawn.randrange(8 * file.stat().st_size)
        outcome = bench.flip(kind, file, bit)
        found[kind, outcome] += 1
        if outcome == MISSED:
            tell(f"missed: bit {bit} of {file}")
    return found


def table(found: Counter[Any]) -> str:
    """The outcomes in Markdown."""
    lines = ["| file | flips | noticed | without effect | missed |", "|---|---|---|---|---|"]
    for kind in sorted({kind for kind, _ in found}):
        counts = [found[kind, outcome] for outcome in (NOTICED, HARMLESS, MISSED)]
        lines.append(f"| {kind} | {sum(counts)} | {' | '.join(map(str, counts))} |")
    totals = [sum(n for (_, end), n in found.items() if end == outcome)
              for outcome in (NOTICED, HARMLESS, MISSED)]  # fmt: skip
    lines.append(f"| all | {sum(totals)} | {' | '.join(map(str, totals))} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = flips(Bench(Path(home)), given.flips, given.seed, print)
    print(table(found))
    sys.exit(any(outcome == MISSED for _, outcome in found))


if __name__ == "__main__":
    main()
