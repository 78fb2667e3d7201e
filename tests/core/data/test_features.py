import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mmx.blocks import pool_level
from mmx.data.cache_budget import sizes_below
from mmx.data.encoding import FrozenEncoder
from mmx.data.feature_cache import FeatureCache
from mmx.errors import DataError
from mmx.interfaces import (
    Encoder,
    Features,
    FeatureShape,
    Images,
    SingleImageEncoder,
    TextEncoder,
    Texts,
)

ALL = frozenset({"pooled", "tokens", "levels"})


class Eye(SingleImageEncoder):
    """A convolution with batch norm and dropout; counts the images it sees."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__([0.5] * 3, [0.25] * 3)
        torch.manual_seed(0)
        self.convolution, self.norm = nn.Conv2d(3, 5, 2, stride=2), nn.BatchNorm2d(5)
        self.drop, self.scale, self.seen = nn.Dropout(0.5), scale, 0
        self.shape, self.weights = FeatureShape(5, (3, 5)), {"origin": "x", "sha256": ""}

    def encode(self, pixels: Tensor) -> Features:
        self.seen += len(pixels)
        found = self.drop(self.norm(self.convolution(pixels))) * self.scale
        levels = tuple(_features(one) for one in (pixels, found.float()))
        return Features(levels[1].tokens, levels[1].mask, levels=levels)


def _features(found: Tensor) -> Features:
    tokens = found.flatten(2).transpose(1, 2)
    return Features(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))


class Ear(TextEncoder):
    """An embedding of letters; counts the texts it sees."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.letters, self.seen = nn.Embedding(200, 4), 0
        self.shape, self.weights = FeatureShape(4, (4,)), {"origin": "x", "sha256": ""}

    def tokenize(self, texts: Sequence[str]) -> Texts:
        ids = torch.zeros(len(texts), max(1, *map(len, texts)), dtype=torch.int64)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor([ord(letter) for letter in text])
        return Texts(ids, ids > 0)

    def forward(self, texts: Texts) -> Features:
        self.seen += len(texts.ids)
        plain = Features(self.letters(texts.ids), texts.mask)
        return Features(plain.tokens, plain.mask, plain.pooled, levels=(plain,))


class Pictures:
    """Random images by number; equal numbers are equal images, -1 is absent."""

    def __init__(self, numbers: Sequence[int], height: int = 10, width: int = 14) -> None:
        self.numbers, self.size = list(numbers), (height, width)
        self.keys = [f"{number}-{height}x{width}" for number in numbers]

    def collate(self, rows: Sequence[int]) -> Images:
        pixels = torch.zeros(len(rows), 1, 3, *self.size, dtype=torch.uint8)
        for place, row in enumerate(rows):
            generator = torch.Generator().manual_seed(self.numbers[row] + 1)
            pixels[place].random_(0, 256, generator=generator)
        mask = torch.tensor([[self.numbers[row] >= 0] for row in rows])
        return Images(pixels, mask)


class Words:
    """Texts of rows."""

    def __init__(self, texts: Sequence[str], encoder: Ear) -> None:
        self.all, self.keys, self.encoder = list(texts), [f"t{text}" for text in texts], encoder

    def collate(self, rows: Sequence[int]) -> Texts:
        return self.encoder.tokenize([self.all[row] for row in rows])


def cache(folder: Path, gigabytes: float = 1.0) -> FeatureCache:
    return FeatureCache(folder, budget_gb=gigabytes)


@pytest.mark.parametrize("want", [ALL, {"pooled"}, {"tokens"}, {"levels"}, {"pooled", "levels"}])
def test_what_comes_back_is_what_the_encoder_gives_in_eval_mode(
    tmp_path: Path, want: frozenset[str]
) -> None:
    eye, source = Eye(), Pictures([3, 1, 4, 1, 5, -1])
    rows = [5, 0, 3, 1]
    found = cache(tmp_path).encode(
        FrozenEncoder(eye, "{}", batch_size=2, dtype=np.float32),
        source,
        range(6),
        want=frozenset(want),
    )
    got, exact = found.collate(rows), eye.eval()(source.collate(rows))
    assert got.present.tolist() == [False, True, True, True]
    if "pooled" in want:
        torch.testing.assert_close(got.pooled, exact.pooled)
    if "tokens" in want:
        torch.testing.assert_close(got.tokens, exact.tokens)
        assert got.mask.all()
    for level, expected in zip(got.levels, exact.levels, strict=False):
        assert level.tokens.shape[1] == 16
        torch.testing.assert_close(level.pooled, expected.pooled)
    assert len(got.levels) == (2 if "levels" in want else 0)


def test_texts_of_any_length_come_back_padded_to_the_longest_of_the_batch(tmp_path: Path) -> None:
    ear = Ear()
    source = Words(["abc", "", "abcdefg", "xy"], ear)
    found = cache(tmp_path).encode(
        FrozenEncoder(ear, "{}", batch_size=3), source, range(4), want=ALL
    )
    got, exact = found.collate([3, 1, 0]), ear(source.collate([3, 1, 0]))
    assert got.mask.tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert got.present.tolist() == [True, False, True]
    kept = exact.tokens.masked_fill(~exact.mask[..., None], 0)
    for tokens in (got.tokens, got.levels[0].tokens):
        torch.testing.assert_close(tokens, kept, atol=2e-3, rtol=1e-3)
        assert tokens.dtype == torch.float32
    torch.testing.assert_close(got.pooled, exact.pooled, atol=2e-3, rtol=1e-3)


def test_equal_inputs_are_encoded_once_and_never_again(tmp_path: Path) -> None:
    eye, source = Eye(), Pictures([7, 7, 8, 7, 8])
    first = cache(tmp_path).encode(FrozenEncoder(eye, "{}"), source, range(5), want=ALL)
    assert (first.encoded, eye.seen) == (2, 2)
    again = cache(tmp_path).encode(FrozenEncoder(eye, "{}"), source, range(5), want=ALL)
    assert (again.encoded, again.hits, eye.seen) == (0, 2, 2)
    assert torch.equal(first.collate([0]).tokens, first.collate([3]).tokens)


def test_new_inputs_are_added_and_old_ones_stay(tmp_path: Path) -> None:
    eye, source = Eye(), Pictures([1, 2, 3, 4])
    cache(tmp_path).encode(FrozenEncoder(eye, "{}"), source, [0, 1], want=ALL)
    both = cache(tmp_path).encode(
        FrozenEncoder(eye, "{}", dtype=np.float16), source, [3, 1, 0], want=ALL
    )
    assert (both.encoded, eye.seen) == (1, 3)
    rows = [3, 0, 1]
    exact = eye.eval()(source.collate(rows))
    torch.testing.assert_close(both.collate(rows).tokens, exact.tokens, atol=5e-3, rtol=1e-3)
    with pytest.raises(DataError, match=r"rows \[2\]"):
        both.collate([0, 2])


def test_what_is_stored_serves_less_and_adds_only_what_is_lacking(tmp_path: Path) -> None:
    eye, source = Eye(), Pictures([1, 2])
    keep = cache(tmp_path)
    assert (
        keep.encode(
            FrozenEncoder(eye, "{}"), source, [0, 1], want=frozenset({"pooled", "tokens"})
        ).encoded
        == 2
    )
    assert (
        keep.encode(FrozenEncoder(eye, "{}"), source, [0, 1], want=frozenset({"pooled"})).encoded
        == 0
    )
    assert keep.encode(FrozenEncoder(eye, "{}"), source, [0, 1], want=ALL).encoded == 2
    assert keep.encode(FrozenEncoder(eye, "{}"), source, [0, 1], want=ALL).encoded == 0
    names = sorted(path.name for path in tmp_path.rglob("*.bin"))
    assert names.count("tokens.bin") == names.count("pooled.bin") == 1


def test_weights_settings_precision_type_and_size_are_apart(tmp_path: Path) -> None:
    eye, source, keep = Eye(), Pictures([1]), cache(tmp_path)
    want = frozenset({"pooled"})
    assert keep.encode(FrozenEncoder(eye, "{}"), source, [0], want=want).encoded == 1
    assert keep.encode(FrozenEncoder(eye, '{"a":1}'), source, [0], want=want).encoded == 1
    assert (
        keep.encode(FrozenEncoder(eye, "{}", precision="bf16"), source, [0], want=want).encoded == 1
    )
    assert (
        keep.encode(FrozenEncoder(eye, "{}", dtype=np.float32), source, [0], want=want).encoded == 1
    )
    assert keep.encode(FrozenEncoder(eye, "{}"), Pictures([1], 12, 12), [0], want=want).encoded == 1
    eye.std[0] = 2.0
    assert keep.encode(FrozenEncoder(eye, "{}"), source, [0], want=want).encoded == 1
    assert keep.encode(FrozenEncoder(eye, "{}"), source, [0], want=want).encoded == 0


def test_encoding_leaves_mode_and_buffers_as_they_were(tmp_path: Path) -> None:
    eye = Eye()
    eye.train()
    before = eye.norm.running_mean.clone()  # type: ignore[union-attr]
    cache(tmp_path).encode(FrozenEncoder(eye, "{}"), Pictures([1, 2]), [0, 1], want=ALL)
    assert eye.training
    assert eye.norm.training
    assert torch.equal(eye.norm.get_buffer("running_mean"), before)


def damage_flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))


def damage_cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [damage_flip, damage_cut, Path.unlink])
@pytest.mark.parametrize("name", ["tokens.bin", "tokens.lengths.bin", "index.json"])
def test_a_damaged_file_is_noticed_and_made_again(tmp_path: Path, damage, name: str) -> None:  # type: ignore[no-untyped-def]
    eye, source = Eye(), Pictures([1, 2])
    exact = (
        cache(tmp_path).encode(FrozenEncoder(eye, "{}"), source, [0, 1], want=ALL).collate([0, 1])
    )
    damage(next(tmp_path.rglob(name)))
    again = cache(tmp_path).encode(FrozenEncoder(eye, "{}"), source, [0, 1], want=ALL)
    assert (again.damaged, again.encoded) == (1, 2)
    assert torch.equal(again.collate([0, 1]).tokens, exact.tokens)
    assert cache(tmp_path).encode(FrozenEncoder(eye, "{}"), source, [0, 1], want=ALL).damaged == 0


def test_an_interrupted_write_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    eye, source = Eye(), Pictures([1, 2])
    with pytest.raises(KeyboardInterrupt):
        cache(tmp_path).encode(
            FrozenEncoder(eye, "{}", batch_size=1), source, [0, 1], want=ALL, progress=stop
        )
    assert not list(tmp_path.rglob("*.bin"))
    torn = next(path for path in tmp_path.iterdir() if path.is_dir()) / f".writing-{32 * 'a'}"
    torn.mkdir()
    (torn / "tokens.bin").write_bytes(b"half")
    assert cache(tmp_path).encode(FrozenEncoder(eye, "{}"), source, [0, 1], want=ALL).encoded == 2
    assert not torn.exists()


def test_a_budget_that_is_too_small_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    eye, source = Eye(), Pictures(range(40))
    with pytest.raises(DataError, match=r"needs 0\.0\d GiB.*budget_gb to at least"):
        cache(tmp_path, 1e-6).encode(
            FrozenEncoder(eye, "{}", batch_size=1),
            Pictures(range(40), 256, 256),
            range(40),
            want=ALL,
        )
    assert not list(tmp_path.rglob("*.bin"))
    assert eye.seen < 10 + 1
    assert (
        cache(tmp_path).encode(FrozenEncoder(eye, "{}"), source, range(40), want=ALL).encoded == 40
    )


def test_runs_that_share_a_folder_encode_only_once(tmp_path: Path) -> None:
    eyes, source = [Eye() for _ in range(3)], Pictures(range(12))
    found: list[Tensor] = []

    def run(eye: Encoder) -> None:
        got = cache(tmp_path).encode(
            FrozenEncoder(eye, "{}", batch_size=2), source, range(12), want=ALL
        )
        found.append(got.collate(range(12)).tokens)

    threads = [threading.Thread(target=run, args=(eye,)) for eye in eyes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(eye.seen for eye in eyes) == 12
    assert all(torch.equal(found[0], other) for other in found)


def test_what_is_stored_is_read_while_another_run_encodes(tmp_path: Path) -> None:
    source, found = Pictures(range(4)), list[int]()

    def read(*_: int) -> None:
        found.append(
            cache(tmp_path).encode(FrozenEncoder(Eye(), "{}"), source, [0], want=ALL).encoded
        )

    cache(tmp_path).encode(FrozenEncoder(Eye(), "{}"), source, [0], want=ALL)
    cache(tmp_path).encode(FrozenEncoder(Eye(), "{}"), source, [1], want=ALL, progress=read)
    assert set(found) == {0}


def test_numbers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="float16 cannot hold"):
        cache(tmp_path).encode(FrozenEncoder(Eye(1e6), "{}"), Pictures([1]), [0], want=ALL)


def test_unknown_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pooled, tokens, levels"):
        cache(tmp_path).encode(
            FrozenEncoder(Eye(), "{}"), Pictures([1]), [0], want=frozenset({"token"})
        )


def test_progress_counts_what_is_encoded(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    frozen = FrozenEncoder(Eye(), "{}", batch_size=2)

    def tell(done: int, total: int) -> None:
        told.append((done, total))

    cache(tmp_path).encode(frozen, Pictures([1, 1, 2, 3]), range(4), want=ALL, progress=tell)
    assert told == [(2, 3), (3, 3)]


@pytest.mark.parametrize(("height", "width"), [(5, 7), (8, 8), (19, 25), (3, 9), (1, 1)])
def test_levels_are_pooled_on_the_grid_of_the_image(height: int, width: int) -> None:
    found = torch.randn(2, 6, height, width)
    pooled = pool_level(_features(found), height * 8 - 2, width * 8)
    side = (min(height, 4), min(width, 4))
    expected = nn.functional.adaptive_avg_pool2d(found, side).flatten(2).transpose(1, 2)
    torch.testing.assert_close(pooled.tokens, expected)


def test_the_index_holds_no_code(tmp_path: Path) -> None:
    cache(tmp_path).encode(FrozenEncoder(Eye(), "{}"), Pictures([1]), [0], want=ALL)
    index = json.loads(next(tmp_path.rglob("index.json")).read_text())
    assert set(index) == {"crc", "body"}
    assert {p.suffix for p in tmp_path.rglob("*") if p.is_file()} <= {".bin", ".json", ".TAG", ""}


def test_the_budget_counts_what_stays_while_others_take_files_away(tmp_path: Path) -> None:
    (tmp_path / "shard").mkdir()
    (tmp_path / "shard" / "pooled.bin").write_bytes(b"12345")
    (tmp_path / "shard" / "gone").symlink_to("nowhere")  # listed, and not there when looked at
    assert list(sizes_below(tmp_path)) == [5]
