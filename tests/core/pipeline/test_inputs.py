"""A kind of input that core does not know: fitted on training rows, keyed, cached, restored."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import mmx
from mmx.data import FeatureCache, FrozenEncoder, Manifest, Split, read_manifest
from mmx.interfaces import (
    Dataset,
    Features,
    FeatureShape,
    Input,
    InputRows,
    RejectedRow,
    Sample,
    Store,
)
from mmx.pipeline.model_inputs import ModelInputs, PreparedRows, fit_inputs, restored_inputs
from mmx_plugins.tasks.single_label import SingleLabelParams

LENGTH = 6


@dataclass(frozen=True, slots=True)
class Waves:
    """Curves [B, L] and which rows have one."""

    curve: Tensor
    present: Tensor


class WaveStore(Store):
    """Curves of rows, less a mean."""

    def __init__(self, files: Sequence[Path | None], ids: Sequence[str], mean: float) -> None:
        self._curves, self.unreadable, self.keys = [], list[RejectedRow](), list[str]()
        for file, name in zip(files, ids, strict=True):
            curve, content = None, b""
            try:
                content = b"" if file is None else file.read_bytes()
                curve = None if file is None else np.load(file, allow_pickle=False) - mean
            except (OSError, ValueError) as error:
                self.unreadable.append(RejectedRow(name, str(error)))
            self._curves.append(curve)
            self.keys.append(hashlib.sha256(content + repr(mean).encode()).hexdigest())

    @property
    def present(self) -> Tensor:
        return torch.tensor([curve is not None for curve in self._curves])

    def collate(self, rows: Sequence[int]) -> Waves:
        zero = np.zeros(LENGTH, np.float32)
        curves = [zero if self._curves[row] is None else self._curves[row] for row in rows]
        return Waves(torch.from_numpy(np.stack(curves)).float(), self.present[list(rows)])


class WaveInput(Input):
    """Reads a .npy file; the mean of the training rows is taken off."""

    mean = 0.0

    def fit(self, samples: Sequence[Sample], hidden: Mapping[str, str]) -> str:
        assert all(sample.label is None for sample in samples)
        found: list[Any] = [sample.inputs.get(self.name) for sample in samples]
        return json.dumps({"mean": float(np.mean([np.load(one) for one in found if one]))})

    def restore(self, statistics: str) -> None:
        self.mean = json.loads(statistics)["mean"]

    def prepare(self, rows: InputRows) -> WaveStore:
        files: list[Any] = [sample.inputs.get(self.name) for sample in rows.samples]
        return WaveStore(files, [sample.id for sample in rows.samples], self.mean)


class WaveEncoder(mmx.Encoder):
    """A linear map of the curve."""

    input: ClassVar[type[Input]] = WaveInput
    weights: ClassVar[Mapping[str, str]] = {"origin": "random"}  # type: ignore[misc]

    def __init__(self) -> None:
        super().__init__()
        self.shape, self.linear = FeatureShape(4), nn.Linear(LENGTH, 4)
        self.ran = 0

    def forward(self, waves: Waves) -> Features:
        self.ran += len(waves.curve)
        return Features.of_pooled(self.linear(waves.curve), waves.present)


class Cases(Dataset):
    classes = ("a", "b")

    def __init__(self, folder: Path, values: Sequence[float | None]) -> None:
        self.folder, self.values = folder, values
        folder.mkdir(parents=True, exist_ok=True)
        for row, value in enumerate(values):
            if value is not None:
                np.save(folder / f"{row}.npy", np.full(LENGTH, value, np.float32))

    def samples(self) -> Sequence[Sample]:
        return [
            Sample(
                f"s{row}", f"g{row}", label="ab"[row % 2],
                inputs={} if value is None else {"ecg": self.folder / f"{row}.npy"},
            )
            for row, value in enumerate(self.values)
        ]  # fmt: skip


class Only:
    """A spec of a model with this encoder alone."""

    encoders: ClassVar[dict[str, Any]] = {"ecg": type("Params", (), {"train": "frozen"})}


def fitted(
    folder: Path, values: Sequence[float | None], train: int
) -> tuple[Manifest, WaveEncoder, ModelInputs]:
    """The first rows train, the others test."""
    manifest = read_manifest(Cases(folder, values), 0.0, SingleLabelParams())
    parts = np.array(["train"] * train + ["test"] * (len(values) - train))
    split = Split(parts, 0, "")
    torch.manual_seed(0)
    encoder = WaveEncoder()
    found = fit_inputs(Only, {"ecg": encoder}, 0, manifest, split, {})  # type: ignore[arg-type]
    return manifest, encoder, found


def stored(manifest: Manifest, inputs: ModelInputs) -> Store:
    return inputs.stores(PreparedRows(manifest.samples, {}, {}))["ecg"]


def test_what_is_learned_comes_from_the_training_rows_alone(tmp_path: Path) -> None:
    _, _, before = fitted(tmp_path / "a", [1.0, 3.0, 100.0, 7.0], train=2)
    _, _, after = fitted(tmp_path / "b", [1.0, 3.0, -5.0, None], train=2)
    assert json.loads(before.statistics["ecg"]) == {"mean": 2.0}
    assert before.statistics == after.statistics
    assert before.digests == after.digests
    _, _, other = fitted(tmp_path / "c", [1.0, 5.0, 100.0, 7.0], train=2)
    assert other.digests != before.digests


def test_a_run_gives_back_what_was_learned(tmp_path: Path) -> None:
    manifest, _, inputs = fitted(tmp_path, [1.0, 3.0, 9.0, None], train=2)
    fresh = restored_inputs(Only, {"ecg": WaveEncoder()}, 0, inputs.statistics)  # type: ignore[arg-type]
    expected, got = stored(manifest, inputs), stored(manifest, fresh)
    assert got.keys == expected.keys
    assert isinstance(got, WaveStore)
    assert got.collate([2, 3]).curve[0].tolist() == [7.0] * LENGTH
    assert got.collate([2, 3]).present.tolist() == [True, False]


def test_an_input_that_learns_must_take_it_back() -> None:
    class Forgetful(WaveInput):
        restore = Input.restore

    with pytest.raises(NotImplementedError, match="Forgetful has a fit and no restore"):
        Forgetful("ecg", WaveEncoder()).restore("{}")


def test_a_frozen_encoder_of_any_kind_is_cached_by_content_and_statistics(tmp_path: Path) -> None:
    manifest, encoder, inputs = fitted(tmp_path / "rows", [1.0, 3.0, 3.0, None], train=2)
    store = stored(manifest, inputs)
    encoder.learn("frozen")
    cache = FeatureCache(tmp_path / "cache", budget_gb=1.0)
    want = frozenset({"pooled"})
    found = cache.encode(FrozenEncoder(encoder, "{}", dtype=np.float32), store, range(4), want=want)
    assert encoder.ran == 3, "equal curves are encoded once"
    assert found.collate([3, 1]).present.tolist() == [False, True]
    exact = encoder(store.collate([1]))
    torch.testing.assert_close(found.collate([1]).pooled, exact.pooled)
    encoder.ran = 0
    again = cache.encode(
        FrozenEncoder(encoder, "{}"), stored(manifest, inputs), range(4), want=want
    )
    assert (again.encoded, encoder.ran) == (3, 3)  # in another number type
    assert (
        cache.encode(
            FrozenEncoder(encoder, "{}", dtype=np.float32),
            stored(manifest, inputs),
            range(4),
            want=want,
        ).encoded
        == 0
    )
    mean = ModelInputs(inputs.by_name, {})
    assert isinstance(mean.by_name["ecg"], WaveInput)
    mean.by_name["ecg"].restore('{"mean": 0.5}')
    assert set(stored(manifest, mean).keys).isdisjoint(store.keys)


def test_a_store_gives_a_row_the_same_alone_as_beside_others(tmp_path: Path) -> None:
    manifest, _, inputs = fitted(tmp_path, [1.0, 3.0, 9.0, None], train=2)
    store = stored(manifest, inputs)
    assert isinstance(store, WaveStore)
    whole = store.collate([3, 0, 2])
    for place, row in enumerate([3, 0, 2]):
        assert torch.equal(store.collate([row]).curve[0], whole.curve[place])
    fewer = replace(manifest, samples=[manifest.samples[2]])
    assert stored(fewer, inputs).keys == [store.keys[2]]


def test_a_file_that_cannot_be_read_is_told_and_not_there(tmp_path: Path) -> None:
    manifest, _, inputs = fitted(tmp_path, [1.0, 3.0, 9.0], train=2)
    (tmp_path / "2.npy").write_bytes(b"no array")
    store = stored(manifest, inputs)
    assert [one.row for one in store.unreadable] == ["s2"]
    assert store.present.tolist() == [True, True, False]


def test_images_of_another_name_are_not_taken_for_those_of_an_encoder() -> None:
    rows = PreparedRows([], {}, {})
    with pytest.raises(mmx.DataError, match="no row has images of the modality 'clinic'"):
        rows.images("clinic")
