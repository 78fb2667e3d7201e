"""A folder with a model as hubs lay it out: ``config.json``, and weights in one file or several."""

import hashlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path

from torch import Tensor

from mmx.blocks.conversion import converted
from mmx.blocks.tensor_file import read_tensors
from mmx.blocks.weights import file_digest
from mmx.errors import WeightsError

USUAL = ("model.safetensors", "pytorch_model.bin")
_UNREAD = {  # ends of files that hold weights and are not read
    ".h5": "TensorFlow", ".msgpack": "Flax", ".onnx": "ONNX", ".ckpt": "TensorFlow",
    ".tar": "an old archive", ".tar.gz": "an old archive", ".tgz": "an old archive",
}  # fmt: skip


def check_model_folder(folder: Path) -> None:
    """Refuse a folder in which a library would wait for a pipe or read a device without end.

    Raises:
        WeightsError: it holds something else than regular files and folders; names it.
    """
    for entry in folder.iterdir():
        if not entry.is_file() and not entry.is_dir():
            raise WeightsError(f"{entry} is neither a file nor a folder; nothing of it was read")


def check_tokenizer_files(folder: Path, names: Collection[str]) -> None:
    """Refuse a folder without a tokenizer, for which transformers makes an empty one up.

    To that one every word is unknown, and nothing says so.

    Args:
        folder: of the model.
        names: of files of which the tokenizer is read, such as ``vocab_files_names`` of
            transformers states; one of them is enough. None: it needs no file.

    Raises:
        WeightsError: none of them is there.
    """
    if names and not any((folder / name).is_file() for name in names):
        raise WeightsError(
            f"{folder} has no tokenizer: it holds none of {', '.join(sorted(names))}; copy it from "
            "where the model came from"
        )


def folder_tensors(
    folder: Path, names: Sequence[str] = USUAL
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors of the weights in a folder, and where they came from.

    Files that torch wrote are turned into safetensors once, in mmx's cache, and never unpickled.

    Args:
        folder: with the weights.
        names: of a weights file, the first that is there is read; ``NAME.index.json`` lists the
            files of one that was cut into several.

    Returns:
        Tensors by name. The record has ``origin``, ``sha256`` and, of files that torch wrote,
        ``converted_sha256``; of several files the SHA-256 of their SHA-256 in order.

    Raises:
        WeightsError: there is none of these files, or one cannot be read.
    """
    files = _files(folder, names)
    tensors: dict[str, Tensor] = {}
    read = list[Path]()
    for file in files:
        read.append(file if file.suffix == ".safetensors" else converted(file))
        tensors |= read_tensors(read[-1])
    record = {"origin": str(folder), "sha256": _digest(files)}
    return tensors, record if read == files else {**record, "converted_sha256": _digest(read)}


def _files(folder: Path, names: Sequence[str]) -> list[Path]:
    for name in names:
        if (folder / name).is_file():
            return [folder / name]
        if (folder / f"{name}.index.json").is_file():
            return _pieces(folder, f"{name}.index.json")
    there = sorted(entry.name for entry in folder.iterdir())
    unread = [f"{n} ({kind})" for n in there for end, kind in _UNREAD.items() if n.endswith(end)]
    has = f"it has {', '.join(unread)}, which is not read" if unread else "it has no weights"
    raise WeightsError(
        f"{folder}: {has}; needed is one of {', '.join(names)}. Save the model again with "
        "save_pretrained, or give weights: a file"
    )


def _pieces(folder: Path, index: str) -> list[Path]:
    """The files that an index lists, all of them inside the folder."""
    try:
        listed = json.loads((folder / index).read_text(encoding="utf-8"))["weight_map"].values()
        names = sorted({str(name) for name in listed})
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise WeightsError(f"{folder / index} is no index of weights: {error}") from error
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise WeightsError(f"{folder / index} names {name!r}, which is no file of the folder")
    if not names:
        raise WeightsError(f"{folder / index} names no file")
    return [folder / name for name in names]


def _digest(files: Sequence[Path]) -> str:
    digests = [file_digest(file) for file in files]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()
