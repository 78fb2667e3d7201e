"""Pixels of 8 and of 12 bits: processor time, bytes, and the largest error of a ramp.

    python tests/benchmarks/deep_pixels.py [--images 400] [--turns 5]

Each set is drawn once, then decoded into an empty folder and handed out in batches of 32, ten times
over, as in ten epochs; the median of the turns is printed. Of a change to the code, run it in both
trees by turns: the line of 8 bits must not change.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from mmx.data import ImageReaders, ImageStore
from mmx.interfaces import Sample
from mmx.spec import ImageSpec

STORED, SHOWN, BATCH, EPOCHS = 256, 224, 32, 10


def draw(folder: Path, count: int, bits: int) -> list[Sample]:
    """Smooth grey pictures of so many bits."""
    folder.mkdir()
    samples = []
    across, down = np.meshgrid(np.linspace(0, 1, STORED), np.linspace(0, 1, STORED))
    for number in range(count):
        grey = (np.sin(across * (1 + number / 50) + down) + 1) / 2 * (2**bits - 1)
        file = folder / f"{number}.png"
        Image.fromarray(grey.astype(np.uint8 if bits == 8 else np.uint16)).save(file)
        samples.append(Sample(str(number), str(number), images={"image": (file,)}))
    return samples


def measure(samples: list[Sample], bits: int) -> tuple[float, float, int, int]:
    """Seconds of the processor for decoding and for batches; bytes of the map and of a batch."""
    spec = ImageSpec(height=SHOWN, width=SHOWN, range="auto" if bits == 8 else (0, 2**bits - 1))
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        store = ImageStore(samples, spec, folder=folder, memory_gb=4, readers=ImageReaders())
        decoded = time.process_time() - start
        start = time.process_time()
        for _ in range(EPOCHS):
            for first in range(0, len(samples), BATCH):
                store.collate(range(first, min(first + BATCH, len(samples))))
        handed = time.process_time() - start
        batch = store.collate(range(min(BATCH, len(samples)))).pixels
        size = sum(file.stat().st_size for file in Path(folder).glob("*.npy"))
    return decoded, handed, size, batch.element_size() * batch.numel()


def largest_error() -> float:
    """Of a ramp of 12 bits at its own size, in shares of white."""
    ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ramp.png"
        Image.fromarray(ramp).save(file)
        samples = [Sample("ramp", "ramp", images={"image": (file,)})]
        spec = ImageSpec(height=64, width=64, range=(0, 4095))
        store = ImageStore(samples, spec, folder=Path(folder) / "kept", memory_gb=1)
        pixels = store.collate([0]).pixels[0, 0, 0]
        shown = pixels.double() if pixels.is_floating_point() else pixels.double() / 255
    return float(np.abs(shown.numpy() - ramp / 4095.0).max())


def main() -> None:
    """Draw, measure, print."""
    given = argparse.ArgumentParser()
    given.add_argument("--images", type=int, default=400)
    given.add_argument("--turns", type=int, default=5)
    said = given.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for bits in (8, 12):
            samples = draw(Path(folder) / str(bits), said.images, bits)
            turns = [measure(samples, bits) for _ in range(said.turns)]
            decoded, handed = (statistics.median(one[part] for one in turns) for part in (0, 1))
            print(
                f"{bits:2} bits: decoding {decoded:.2f} s, batches {handed:.2f} s of processor "
                f"time; map {turns[0][2] / 1e6:.1f} MB, batch {turns[0][3] / 1e6:.1f} MB"
            )
    error = largest_error()
    print(f"largest error of a ramp of 12 bits: {error:.2e} (1/{1 / error:.0f})")


if __name__ == "__main__":
    main()
