"""The folder of a model: one on this machine, or what the hub's own cache holds of a name."""

from pathlib import Path

from mmx.blocks import check_model_folder, hub_folder
from mmx.errors import WeightsError

# the second where the first is not there
_WEIGHTS = (["model*.safetensors"], ["pytorch_model*.bin"])


def model_folder(model: str | Path, holds: str) -> Path:
    """A folder with ``config.json``; a name is looked up on the hub and in its cache.

    Args:
        model: a folder, or the name of a model on the hub.
        holds: what it should hold, for errors, such as "a text model".

    Raises:
        WeightsError: there is no such folder, the hub has no such model or cannot be reached.
    """
    if isinstance(model, str):
        return hub_folder(model, f"{holds} (config.json, weights and their companions)", _WEIGHTS)
    if not model.is_dir():
        raise WeightsError(f"there is no folder {model} with {holds}; give bundled or a folder")
    check_model_folder(model)
    if not (model / "config.json").is_file():
        inside = sorted(one.parent.name for one in model.glob("*/config.json"))
        hint = f"; name the folder inside it that has one: {', '.join(inside)}" if inside else ""
        raise WeightsError(
            f"{model} has no config.json, so it holds no model of transformers{hint}"
        )
    return model
