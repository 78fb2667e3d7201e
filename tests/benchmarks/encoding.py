"""How fast frozen image encoders run: plain fp32, channels last, and channels last with bf16.

Run: python tests/benchmarks/encoding.py. Prints images per second and ratios, measured side by side
in turns so that other load of the machine strikes all ways alike.
"""

import sys
import time
from collections.abc import Callable
from statistics import median

import torch

from mmx import Encoder, Images
from mmx_plugins.encoders.timm import TimmParams
from mmx_plugins.encoders.torchvision import TorchvisionParams

BATCH, TURNS = 32, 5
SIZES = ((150, 200), (128, 128))
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def encode(encoder: Encoder, images: Images, layout: str, bf16: bool) -> None:
    """Encode a batch without gradients."""
    encoder.to(memory_format=LAYOUTS[layout])
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        encoder(images)


def train(encoder: Encoder, images: Images, layout: str, bf16: bool) -> None:
    """One step forward and backward with all weights learning."""
    encoder.to(memory_format=LAYOUTS[layout])
    encoder.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        loss = encoder(images).pooled.square().mean()
    loss.backward()


def rates(step: Callable[..., None], encoder: Encoder, images: Images) -> dict[str, float]:
    """Images per second of each way, the median over turns."""
    ways = [(layout, bf16) for layout in LAYOUTS for bf16 in (False, True)]
    seconds: dict[tuple[str, bool], list[float]] = {way: [] for way in ways}
    for turn in range(TURNS + 1):
        for way in ways:
            start = time.perf_counter()
            step(encoder, images, *way)
            if turn:  # the first one warms up
                seconds[way].append(time.perf_counter() - start)
    return {
        f"{layout} {'bf16' if bf16 else 'fp32'}": BATCH / median(seconds[layout, bf16])
        for layout, bf16 in ways
    }


def main() -> None:
    """Measure both encoders at both sizes."""
    networks = {
        "tf_efficientnet_lite0": TimmParams(weights="none").build,
        "resnet18": TorchvisionParams(arch="resnet18", weights="none").build,
    }
    for name, build in networks.items():
        for height, width in SIZES:
            pixels = torch.randint(256, (BATCH, 1, 3, height, width), dtype=torch.uint8)
            images = Images(pixels, torch.ones(BATCH, 1, dtype=torch.bool))
            for verb, training, step in (("encode", "frozen", encode), ("train", "full", train)):
                encoder = build()
                encoder.learn(training)  # type: ignore[arg-type]
                found = rates(step, encoder, images)
                plain = found["contiguous fp32"]
                shown = ", ".join(
                    f"{way} {rate:.0f}/s ({rate / plain:.2f}x)" for way, rate in found.items()
                )
                sys.stdout.write(f"{name} {height}x{width} {verb}: {shown}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
