"""A table of a million rows is read, checked and split in under 60 s and 2 GiB.

python tests/benchmarks/manifest.py [ROWS]
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas

from mmx.data import make_split, read_manifest
from mmx.spec import SplitSpec
from mmx_plugins.datasets.table import TableParams
from mmx_plugins.tasks.single_label import SingleLabelParams


def write_table(path: Path, rows: int) -> None:
    """Photographs of lesions in 1,000 folders, 9 classes of uneven size."""
    draw = np.random.default_rng(0)
    lesion = draw.integers(0, rows * 2 // 3, size=rows)
    label = lesion % 31 % 9
    table = pandas.DataFrame(
        {
            "photo": [f"{row % 1000:03d}/photo-{row:07d}.jpg" for row in range(rows)],
            "lesion": [f"lesion-{one:07d}" for one in lesion],
            "finding": [f"class {one}" for one in label],
            "age": draw.integers(18, 90, size=rows),
            "sex": draw.choice(["male", "female"], size=rows),
            "notes": [f"Seen on day {one}." for one in draw.integers(0, 20000, size=rows)],
        }
    )
    table.to_csv(path, index=False)


def main(rows: int, folder: Path) -> None:
    """Write the table in another process, or its memory would count; then read, check, split."""
    path = folder / "cases.csv"
    start = time.perf_counter()
    params = TableParams(
        path=path, images={"image": ("photo",)}, text="notes", label="finding", group="lesion",
        record=("age", "sex"),
    )  # fmt: skip
    dataset = params.build()
    read = time.perf_counter()
    manifest = read_manifest(dataset, 0.0, SingleLabelParams())
    checked = time.perf_counter()
    split = make_split(manifest, SplitSpec())
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sizes = ", ".join(f"{part} {len(split.rows(part))}" for part in ("train", "validation", "test"))
    sys.stdout.write(
        f"{rows} rows: read {read - start:.1f} s, checked {checked - read:.1f} s, "
        f"split {done - checked:.1f} s; in all {done - start:.1f} s of 60 s "
        f"({time.process_time():.1f} s of processor time), "
        f"peak {peak:.2f} GiB of 2 GiB ({sizes})\n"
    )


if __name__ == "__main__":
    from multiprocessing import Process

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        writer = Process(target=write_table, args=(Path(name) / "cases.csv", count))
        writer.start()
        writer.join()
        main(count, Path(name))
