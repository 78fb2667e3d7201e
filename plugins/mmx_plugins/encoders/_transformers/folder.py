"""The folder of a model: one on this machine, or what the hub's own cache holds of a name."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mmx.blocks import check_model_folder
from mmx.errors import WeightsError, said_by

HubName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[\w.-]+)?$")]
_ABOUT = ["*.json", "*.txt", "*.model"]  # configuration, vocabulary, preprocessing
_WEIGHTS = ["model*.safetensors"], ["pytorch_model*.bin"]  # the second where the first is not there


def model_folder(model: str | Path, holds: str) -> Path:
    """A folder with ``config.json``; a name is looked up on the hub and in its cache.

    Args:
        model: a folder, or the name of a model on the hub.
        holds: what it should hold, for errors, such as "a text model".

    Raises:
        WeightsError: there is no such folder, the hub has no such model or cannot be reached.
    """
    if isinstance(model, str):
        return _from_hub(model, holds)
    if not model.is_dir():
        raise WeightsError(f"there is no folder {model} with {holds}; give bundled or a folder")
    check_model_folder(model)
    return model


def _from_hub(name: str, holds: str) -> Path:
    from huggingface_hub import snapshot_download  # only where a name is given

    failed = (
        f"{name!r} cannot be had from the hub; give bundled, a folder with {holds} (config.json, "
        "weights and their companions), or the name of a model on the hub"
    )
    folder = Path()
    with said_by("huggingface_hub", failed):
        for weights in _WEIGHTS:
            wanted = [*_ABOUT, *weights]
            folder = Path(snapshot_download(name, allow_patterns=wanted, ignore_patterns="*/*"))
            if any(folder.glob(weights[0])):
                break
    return folder
