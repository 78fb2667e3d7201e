"""Drawn radiographs in WebDataset shards: many different JPEG files, quickly."""

import io
import json
import tarfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FINDINGS = ("clear", "opacity", "effusion", "nodule")
SITES = ("left base", "right base", "left apex", "right apex")
_CANVAS = 2048  # pixels; two windows of it, laid over each other, are a picture
PER_SHARD = 1000
_TOLD = 0.6  # share of the studies whose text tells the finding


@dataclass(frozen=True, slots=True)
class DrawnShards:
    """What is drawn.

    Attributes:
        images: pictures in all.
        studies: among which they are dealt.
        size: pixels of a side.
        per_shard: pictures in a shard.
    """

    images: int
    studies: int
    size: int
    per_shard: int = PER_SHARD


def canvas() -> NDArray[np.uint8]:
    """Smooth noise of many sizes, brightness [2048, 2048]."""
    draw, total = np.random.default_rng(0), np.zeros((_CANVAS, _CANVAS), np.float32)
    for side in (24, 96, 384):
        field = draw.normal(size=(side, side)).astype(np.float32)
        large = Image.fromarray(field).resize((_CANVAS, _CANVAS), Image.Resampling.BICUBIC)
        total += np.asarray(large) * np.float32((24 / side) ** 0.5)
    return np.asarray((total * 40 + 128).clip(0, 255), np.uint8)


def picture(paper: NDArray[np.uint8], row: int, size: int) -> bytes:
    """The JPEG file of a row."""
    draw = np.random.default_rng([7, row])
    down, across = draw.integers(0, _CANVAS - size, (2, 2))
    first, second = (
        paper[top : top + size, left : left + size] for top, left in zip(down, across, strict=True)
    )
    shown = first // 2 + second // 2
    buffer = io.BytesIO()
    Image.fromarray(np.repeat(shown[:, :, None], 3, axis=2)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def facts(row: int, drawn: DrawnShards) -> dict[str, object]:
    """All of a row but its picture: finding and text are those of its study."""
    study = row * drawn.studies // drawn.images
    draw = np.random.default_rng([8, study])
    finding, site = int(draw.integers(len(FINDINGS))), int(draw.integers(len(SITES)))
    told = finding if draw.random() < _TOLD else site
    return {
        "study": f"study-{study:06d}", "finding": FINDINGS[finding],
        "age": int(draw.integers(20, 90)),
        "notes": f"Cough for {draw.integers(2, 60)} days, pain at the {SITES[told]}.",
    }  # fmt: skip


def _write_shards(folder: Path, drawn: DrawnShards, starts: range) -> None:
    paper = canvas()
    for start in starts:
        with tarfile.open(folder / f"shard-{start // drawn.per_shard:05d}.tar", "w") as shard:
            for row in range(start, min(start + drawn.per_shard, drawn.images)):
                told = json.dumps(facts(row, drawn)).encode()
                for ending, content in (("jpg", picture(paper, row, drawn.size)), ("json", told)):
                    member = tarfile.TarInfo(f"{row:07d}.{ending}")
                    member.size = len(content)
                    shard.addfile(member, io.BytesIO(content))


def draw_shards(folder: Path, drawn: DrawnShards, processes: int = 2) -> Path:
    """Write the shards; gives their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    each = drawn.per_shard
    lanes = [range(first * each, drawn.images, processes * each) for first in range(processes)]
    if processes == 1:
        _write_shards(folder, drawn, lanes[0])
        return folder
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(partial(_write_shards, folder, drawn), lanes))
    return folder
