"""What makes a run the same run: the digest that names it, and the record of its surroundings."""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from PIL import features
from pydantic import BaseModel

import mmx
from mmx.blocks.weights import state_digest
from mmx.interfaces import Encoder, EncoderParams, Params
from mmx.plugins import registry
from mmx.spec import Spec

# rooms whose code decides the numbers; a change of the report makes no new run
_DECIDING = ("interfaces", "blocks", "data", "model", "training", "evaluation")
_LIBRARIES = (
    "mmx", "torch", "torchvision", "timm", "transformers", "accelerate", "numpy", "pandas",
    "pyarrow", "pillow", "scikit-learn", "scipy", "safetensors", "pydantic", "pluggy",
)  # fmt: skip


def methods_used(model: BaseModel) -> Iterator[Params]:
    """Every method that a spec names, nested ones too."""
    if isinstance(model, Params):
        yield model
    for name in type(model).model_fields:
        value = getattr(model, name)
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, BaseModel):
                yield from methods_used(item)


def sources_used(spec: BaseModel) -> dict[str, dict[str, str]]:
    """Distribution, version and source digest of each method in a spec or a part of it."""
    found = {}
    for params in methods_used(spec):
        source = registry().source(*params.entry_point.split(".", 1))
        found[source.key] = {
            "package": source.package, "version": source.version, "source": source.digest,
        }  # fmt: skip
    return dict(sorted(found.items()))


def encoder_settings(params: EncoderParams) -> str:
    """Settings and source of an encoder: edited code with the same weights gives other features."""
    sources = [(name, one["source"]) for name, one in sources_used(params).items()]
    return json.dumps([params.model_dump_json(exclude={"train"}), sources])


def core_digest() -> str:
    """SHA-256 of the parts of core that decide the numbers of a run."""
    root = Path(mmx.__file__).parent
    files = sorted(file for room in _DECIDING for file in (root / room).rglob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def weights_digest(encoder: Encoder) -> str:
    """Digest of all weights and buffers of an encoder."""
    return state_digest(encoder)


def run_digest(spec: Spec, data: Mapping[str, str], weights: Mapping[str, str]) -> str:
    """Digest of the spec, the data, the initial weights and the code that a run is made of."""
    facts: dict[str, Any] = {
        "spec": spec.digest_fields(),
        "data": dict(data),
        "weights": dict(weights),
        "methods": sources_used(spec),
        "core": core_digest(),
    }
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def environment(
    spec: Spec,
    data: Mapping[str, str],
    encoders: Mapping[str, Encoder],
    initial: Mapping[str, str],
) -> dict[str, Any]:
    """Versions of everything that matters, and the digests of data, weights and methods."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "libraries": libraries(),
        "data": dict(data),
        "weights": {
            side: {**encoder.weights, "digest": initial[side]} for side, encoder in encoders.items()
        },
        "methods": sources_used(spec),
        "plugins": [str(file) for file in spec.plugins],
        "core": core_digest(),
    }


def libraries() -> dict[str, str]:
    """Version of every library that can change a number, decoders and CUDA included."""
    return {
        **{name: _version(name) for name in _LIBRARIES},
        "libjpeg": str(features.version("jpg")),
        "cuda": str(torch.version.cuda or "none"),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """Name of the processor where the system tells it."""
    file = Path("/proc/cpuinfo")
    if file.exists():
        for line in file.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
