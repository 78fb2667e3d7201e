"""Files that torch wrote, turned once into safetensors, which holds nothing but tensors."""

import logging
import re
from pathlib import Path

from mmx.blocks.tensor_file import read_tensors
from mmx.blocks.weights import file_digest
from mmx.errors import WeightsError
from mmx.files import cache_path, keep, own_folder, recall, write_whole

LOG = logging.getLogger("mmx.blocks")
KEPT = 8  # files; the one that was not used for longest goes first
_NAME = re.compile(r"[0-9a-f]{64}\.safetensors")


def converted(file: Path) -> Path:
    """The tensors of a file as safetensors in mmx's cache, under the digest of the file.

    It is written once, and again where its own digest is not the one that was noted.

    Raises:
        WeightsError: the file holds something else than plain tensors, or the cache cannot be used.
    """
    digest = file_digest(file)
    try:
        folder = own_folder(cache_path()) / "weights"
        folder.mkdir(exist_ok=True)
        made = folder / f"{digest}.safetensors"
        if not _whole(made):
            _write(file, made)
        made.touch()
        _make_room(folder)
    except OSError as error:
        raise WeightsError(
            f"{file} cannot be turned into safetensors: {error}; name a folder for the cache with "
            "MMX_CACHE"
        ) from error
    return made


def _whole(made: Path) -> bool:
    """Whether it is there as it was written."""
    noted = recall(made.with_suffix(".json"))
    if noted is None or not made.is_file():
        return False
    if noted.get("digest") == file_digest(made):
        return True
    LOG.warning("%s is damaged; it is made again", made)
    return False


def _write(file: Path, made: Path) -> None:
    from safetensors.torch import save  # only where weights are read

    # safetensors refuses tensors that share memory, as tied weights do
    tensors = {name: value.clone().contiguous() for name, value in read_tensors(file).items()}
    write_whole(made, save(tensors))
    keep(made.with_suffix(".json"), {"digest": file_digest(made), "of": file.name})


def _make_room(folder: Path) -> None:
    kept = [entry for entry in folder.iterdir() if _NAME.fullmatch(entry.name)]
    for old in sorted(kept, key=lambda entry: entry.stat().st_mtime)[:-KEPT]:
        old.with_suffix(".json").unlink(missing_ok=True)
        old.unlink(missing_ok=True)
