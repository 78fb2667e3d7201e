"""JPEG files and a table of them, drawn, for steps that are about speed."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

CLASSES = 7


def draw(job: tuple[Path, int, int]) -> None:
    """One picture: smooth noise, as hard to decode as a photograph of its size."""
    file, number, size = job
    draws = np.random.default_rng(number)
    coarse = draws.integers(0, 256, (size // 8, size // 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC).save(file, quality=90)


def table_of(folder: Path, count: int, size: int) -> Path:
    """``count`` pictures and cases.csv with image, label, patient and age."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number:06}.jpg" for number in range(count)]
    jobs = [(folder / name, number, size) for number, name in enumerate(names)]
    with ProcessPoolExecutor() as pool:
        list(pool.map(draw, jobs, chunksize=64))
    rows = {
        "image": names,
        "label": [f"class {number % CLASSES}" for number in range(count)],
        "patient": [f"patient {number}" for number in range(count)],
        "age": [20 + number % 60 for number in range(count)],
    }
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    return folder / "cases.csv"
