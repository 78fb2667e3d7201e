"""The folder of a model of open_clip: its configuration, and its weights."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mmx.blocks import (
    check_model_folder,
    find_weights,
    folder_tensors,
    hub_folder,
    load_tensors,
    read_tensors,
)
from mmx.errors import WeightsError

FILE = "open_clip_config.json"
WEIGHTS = (
    "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin", "model.safetensors", "pytorch_model.bin",
)  # fmt: skip
_NUMBERS = ("logit_scale", "logit_bias")
_SCALE = math.log(1 / 0.07)  # where training begins, unless the configuration says so
_SHOWN = 3  # names of weights that are told
_PATTERNS = (["open_clip*.safetensors"], ["open_clip_pytorch_model.bin"])


@dataclass(frozen=True, slots=True)
class ClipFolder:
    """A model of open_clip on this machine.

    Attributes:
        path: of the folder.
        model: what ``model_cfg`` says.
        preprocess: what ``preprocess_cfg`` says.
    """

    path: Path
    model: Mapping[str, Any]
    preprocess: Mapping[str, Any]

    def part(self, name: str) -> dict[str, Any]:
        """``vision_cfg`` or ``text_cfg``.

        Raises:
            WeightsError: it is absent.
        """
        found = self.model.get(name)
        if not isinstance(found, dict):
            raise WeightsError(f"{self.path / FILE} has no {name}")
        return dict(found)

    def load(
        self, tower: nn.Module, weights: str | Path, prefix: str
    ) -> tuple[dict[str, str], tuple[str, ...]]:
        """Load the weights of the folder or of a file; where they came from, and notes.

        Args:
            tower: of images or of texts.
            weights: default (those of the folder), none, or a file.
            prefix: that names of the tower have in a whole model.
        """
        if weights == "none":
            return {"origin": "none", "sha256": ""}, ()
        tensors, record = self._tensors(weights)
        return record, _loaded(tower, tensors, record["origin"], prefix)

    def scale(self, weights: str | Path) -> tuple[float, float | None]:
        """What the model multiplies cosines by, and what it adds then; None: nothing.

        Args:
            weights: as for ``load``.

        Raises:
            WeightsError: a file holds neither or several.
        """
        if weights == "none":
            bias = self.model.get("init_logit_bias")
            start = float(self.model.get("init_logit_scale", _SCALE))
            return math.exp(start), None if bias is None else float(bias)
        tensors, record = self._tensors(weights)
        scale, bias = (_number(tensors, name, record["origin"]) for name in _NUMBERS)
        if scale is None:
            raise WeightsError(f"{record['origin']} has no logit_scale, so cosines have no scale")
        return math.exp(scale), bias

    def _tensors(self, weights: str | Path) -> tuple[Mapping[str, Tensor], dict[str, str]]:
        """All tensors of the folder or of a file, and where they came from."""
        if weights in ("default", "bundled"):
            return folder_tensors(self.path, WEIGHTS)
        found = find_weights(weights)
        return read_tensors(found.path), found.record()


def _number(tensors: Mapping[str, Tensor], name: str, origin: str) -> float | None:
    """The number of this name, behind any prefix; None: there is none."""
    found = [value for key, value in tensors.items() if key.rpartition(".")[2] == name]
    if len(found) > 1 or any(one.numel() != 1 for one in found):
        raise WeightsError(f"{origin} has {len(found)} tensors {name}; one number is wanted")
    return float(found[0]) if found else None


def _loaded(
    tower: nn.Module, tensors: Mapping[str, Tensor], origin: str, prefix: str
) -> tuple[str, ...]:
    """Load one tower out of a whole model; of plain ones the names of texts have no prefix."""
    others = ["visual.", "logit_scale", "logit_bias", "transformer.embeddings.position_ids"]
    return load_tensors(tower, tensors, origin, unused=others, prefixes=[prefix])


def _refuse_listed(name: str) -> None:
    """Refuse a name of the library's own list, which is an architecture and says no weights."""
    try:
        from open_clip import pretrained  # an extra
    except ModuleNotFoundError:  # its absence is told where it is needed
        return
    tags = pretrained.list_pretrained_tags_by_model(name)
    stored = [
        str(pretrained.get_pretrained_cfg(name, tag).get("hf_hub") or "").strip("/") for tag in tags
    ]
    known = [f"hf-hub:{one}" for one in dict.fromkeys(stored) if one.count("/") == 1]
    more = f", or a name on the hub, such as {', '.join(known[:_SHOWN])}" if known else ""
    if tags:
        raise WeightsError(
            f"{name} is an architecture of open_clip's own list, and says neither which weights "
            f"nor how images are prepared for them; give a folder with them and {FILE}{more}"
        )


def clip_folder(model: str | Path) -> ClipFolder:
    """Read the configuration of a folder, or of what the hub's cache holds of a name.

    Raises:
        WeightsError: there is no such folder, or it is no model of open_clip.
    """
    if isinstance(model, str):
        _refuse_listed(model)
        folder = hub_folder(model, f"a model of open_clip ({FILE} and weights)", _PATTERNS)
    else:
        folder = model
    if not folder.is_dir():
        raise WeightsError(f"there is no folder {folder} with a model of open_clip")
    check_model_folder(folder)
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        parts = found["model_cfg"], found.get("preprocess_cfg") or {}
    except FileNotFoundError as error:
        raise WeightsError(
            f"{folder} has no {FILE}; is it a model of transformers? Then use encoder.hf_vision "
            "or encoder.transformers"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise WeightsError(f"{folder / FILE} is no configuration of open_clip: {error}") from error
    if not all(isinstance(part, dict) for part in parts):
        raise WeightsError(f"{folder / FILE} is no configuration of open_clip: no mapping")
    return ClipFolder(folder, *parts)
