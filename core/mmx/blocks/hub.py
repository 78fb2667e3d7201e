"""Models that are given by their name on the hub: what its cache holds of them, or a download."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mmx.errors import said_by

HubName = Annotated[str, Field(pattern=r"^(hf-hub:)?[A-Za-z0-9][\w.-]*(/[\w.-]+)?$")]
"""The name of a model on the hub, such as google/vit-base-patch16-224; hf-hub: may stand before."""
_ABOUT = ("*.json", "*.txt", "*.model")  # configuration, vocabulary, preprocessing


def hub_folder(name: str, holds: str, weights: Sequence[Sequence[str]]) -> Path:
    """The folder of a model in the cache of the hub; fetched where it is absent and can be.

    Args:
        name: of the model, with or without ``hf-hub:``.
        holds: what it should hold, for errors, such as "a text model".
        weights: patterns of weights files; the next are asked for where nothing fits the first.

    Raises:
        WeightsError: the cache does not hold it, and it cannot be fetched.
    """
    from huggingface_hub import snapshot_download  # only where a name is given

    failed = (
        f"{name!r} is not in the cache of the hub and cannot be fetched; run `hf download "
        f"{_bare(name)}` where there is a network, or give a folder with {holds}"
    )
    folder = Path()
    with said_by("huggingface_hub", failed):
        for patterns in weights:
            wanted = [*_ABOUT, *patterns]
            folder = Path(
                snapshot_download(_bare(name), allow_patterns=wanted, ignore_patterns="*/*")
            )
            if any(next(folder.glob(pattern), None) for pattern in patterns):
                break
    return folder


def _bare(name: str) -> str:
    """The name of a model without ``hf-hub:``."""
    return name.removeprefix("hf-hub:")
