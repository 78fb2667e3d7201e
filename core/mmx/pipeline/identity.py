"""What makes a run the same run: the digest that names it, and the record of its surroundings."""

import hashlib
import json
import platform
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from PIL import features
from pydantic import BaseModel

from mmx.blocks import state_digest
from mmx.interfaces import ADAPTER, Encoder, EncoderParams, Params
from mmx.plugins import Code, Plugins, Source, core_code, file_digest, version_of
from mmx.spec import Spec
from mmx.training import working_device

# where the code begins that makes numbers; what it imports is found by reading it
_RUN = "mmx.experiment.whole_run"
_SHOWING = "mmx.report"  # who imports from here shows numbers, and makes none
_FEATURES = (
    "mmx.data.feature_cache",
    "mmx.data.image_store",
    "mmx.data.texts",
    "mmx.data.view_cache",
)
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
        items = value.values() if isinstance(value, Mapping) else value
        for item in items if isinstance(items, Collection) else [value]:
            if isinstance(item, BaseModel):
                yield from methods_used(item)


def sources_used(part: BaseModel, plugins: Plugins) -> dict[str, dict[str, str]]:
    """Distribution, version and source digest of each method in a spec or a part of it.

    Args:
        part: of a spec, or all of it.
        plugins: of the spec.
    """
    return {
        one.key: {"package": one.package, "version": one.version, "source": one.digest}
        for one in _sources(part, plugins)
    }


def _sources(part: BaseModel, plugins: Plugins) -> list[Source]:
    """Where each method and hook came from, by key."""
    found = [plugins.source_of(type(params)) for params in methods_used(part)]
    return list({one.key: one for one in sorted(found, key=lambda one: one.key)}.values())


def encoder_settings(params: EncoderParams, plugins: Plugins) -> str:
    """Settings and code of an encoder: edited code with the same weights gives other features."""
    sources = [(name, one["source"]) for name, one in sources_used(params, plugins).items()]
    return json.dumps([params.model_dump_json(exclude={"train"}), sources, _encoding().digest])


@cache
def _encoding() -> Code:
    """The code of core between an input and its features."""
    return core_code(_FEATURES)


@cache
def number_code() -> Code:
    """The code of core that decides the numbers of a run, and its libraries."""
    return core_code([_RUN], without=_SHOWING)


def core_digest() -> str:
    """SHA-256 of the code of core that decides the numbers of a run, and of its libraries."""
    return number_code().digest


def code_used(spec: Spec) -> dict[str, dict[str, str]]:
    """Name and digest of every file whose code decides a number, for core and each method."""
    found = {"core": number_code()} | {one.key: one.code for one in _sources(spec, spec.plugins)}
    return {key: dict(code.files) for key, code in found.items()}


def weights_digest(encoder: Encoder) -> str:
    """Digest of all weights and buffers of an encoder but its adapters, which the seed draws."""
    return state_digest(encoder, without=ADAPTER)


def run_digest(spec: Spec, data: Mapping[str, str], weights: Mapping[str, str]) -> str:
    """Digest of the spec, the data, the initial weights and the code that a run is made of."""
    facts: dict[str, Any] = {
        "spec": spec.digest_fields(),
        "data": dict(data),
        "weights": dict(weights),
        "methods": sources_used(spec, spec.plugins),
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
        "device": working_device().type,
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "libraries": libraries(),
        "data": dict(data),
        "weights": {
            name: {**encoder.weights, "digest": initial[name]} for name, encoder in encoders.items()
        },
        "methods": sources_used(spec, spec.plugins),
        "plugins": [{"file": str(file), "source": file_digest(file)} for file in spec.plugin_files],
        "core": core_digest(),
        "code": code_used(spec),
    }


def libraries() -> dict[str, str]:
    """Version of every library that can change a number, decoders and CUDA included."""
    return {
        **{name: _version(name) for name in _LIBRARIES},
        "libjpeg": str(features.version("jpg")),
        "cuda": str(torch.version.cuda or "none"),
    }


def _version(name: str) -> str:
    return version_of(name) or "not installed"


def _processor() -> str:
    """Name of the processor where the system tells it."""
    file = Path("/proc/cpuinfo")
    if file.exists():
        for line in file.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
