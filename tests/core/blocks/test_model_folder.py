"""Folders with a model: safetensors as they are, files of torch by way of safetensors."""

import json
import os
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from mmx.blocks import conversion, folder_tensors
from mmx.errors import WeightsError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own."""
    monkeypatch.setenv("MMX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mmx-cache" / "weights"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tmp_path / "model"


def digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def tensors() -> dict[str, Tensor]:
    shared = torch.randn(3, generator=torch.Generator().manual_seed(0))
    return {"a": shared, "b": shared, "c": torch.ones(2, 2).T}


def test_safetensors_are_read_as_they_are(folder: Path, cache: Path) -> None:
    save_file({"a": torch.ones(3)}, folder / "model.safetensors")
    torch.save({"a": torch.zeros(3)}, folder / "pytorch_model.bin")
    found, record = folder_tensors(folder)
    assert torch.equal(found["a"], torch.ones(3))
    assert record == {"origin": str(folder), "sha256": digest(folder / "model.safetensors")}
    assert not cache.exists()


def test_a_file_of_torch_is_converted_once_and_both_digests_are_kept(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(tensors(), folder / "pytorch_model.bin")
    found, record = folder_tensors(folder)
    assert all(torch.equal(found[name], value) for name, value in tensors().items())
    (made,) = cache.glob("*.safetensors")
    assert made.stem == record["sha256"] == digest(folder / "pytorch_model.bin")
    assert record["converted_sha256"] == digest(made)
    monkeypatch.setattr(conversion, "_write", None)  # a second conversion would raise
    again, same = folder_tensors(folder)
    assert same == record
    assert again.keys() == found.keys()


def test_a_damaged_conversion_is_made_again(folder: Path, cache: Path) -> None:
    torch.save(tensors(), folder / "pytorch_model.bin")
    _, record = folder_tensors(folder)
    (made,) = cache.glob("*.safetensors")
    made.write_bytes(made.read_bytes()[:-4] + b"\x01\x02\x03\x04")
    found, same = folder_tensors(folder)
    assert same == record
    assert torch.equal(found["c"], torch.ones(2, 2))


def test_few_conversions_are_kept(folder: Path, cache: Path) -> None:
    for number in range(conversion.KEPT + 2):
        torch.save({"a": torch.tensor([float(number)])}, folder / "pytorch_model.bin")
        _, record = folder_tensors(folder)
        os.utime(cache / f"{record['sha256']}.safetensors", (number, number))
    assert len(list(cache.glob("*.safetensors"))) <= conversion.KEPT + 1


class Payload:
    """Pickled, it would leave a folder where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


def test_code_in_a_file_is_never_run(folder: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1), "b": Payload(tmp_path / "left")}, folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"no plain tensors.*Nothing in it was run"):
        folder_tensors(folder)
    assert not (tmp_path / "left").exists()


def test_the_old_archive_is_refused(folder: Path) -> None:
    for name in ("sys_info", "pickle", "storages", "tensors"):
        (folder / name).write_bytes(b"\x80\x02}q\x00.")
    with tarfile.open(folder / "pytorch_model.bin", "w") as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            archive.add(folder / name, name)
    with pytest.raises(WeightsError, match="no plain tensors"):
        folder_tensors(folder)


def test_pieces_are_put_together(folder: Path) -> None:
    save_file({"a": torch.ones(1)}, folder / "model-1.safetensors")
    save_file({"b": torch.zeros(1)}, folder / "model-2.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    found, record = folder_tensors(folder)
    assert found.keys() == {"a", "b"}
    both = digest(folder / "model-1.safetensors") + digest(folder / "model-2.safetensors")
    assert record["sha256"] == sha256(both.encode()).hexdigest()


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ('{"weight_map": {"a": "../x.safetensors"}}', "no file of the folder"),
        ('{"weight_map": {"a": "absent.safetensors"}}', "no file of the folder"),
        ('{"weight_map": {}}', "names no file"),
        ('{"weight_map": 3}', "no index"),
        ("[]", "no index"),
        ("{", "no index"),
    ],
)
def test_a_wrong_index_is_told(folder: Path, index: str, words: str) -> None:
    (folder / "model.safetensors.index.json").write_text(index)
    with pytest.raises(WeightsError, match=words):
        folder_tensors(folder)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tf_model.h5", r"tf_model.h5 \(TensorFlow\), which is not read"),
        ("flax_model.msgpack", "Flax"),
        ("weights.tar.gz", "an old archive"),
        ("notes.txt", "it has no weights; needed is one of model.safetensors, pytorch_model.bin"),
    ],
)
def test_a_folder_without_weights_says_what_it_has(folder: Path, name: str, words: str) -> None:
    (folder / name).touch()
    with pytest.raises(WeightsError, match=words):
        folder_tensors(folder)
