"""Encoding beside others: other inputs never wait, equal inputs are shared, a kill keeps."""

import errno
import resource
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

from mmx.data import filling, shard_joining, shards
from mmx.data.encoding import FrozenEncoder
from mmx.data.feature_cache import FeatureCache
from mmx.errors import DataError
from mmx.interfaces import Features, FeatureShape, TextEncoder, Texts

WANT = frozenset({"pooled"})


class Reader(TextEncoder):
    """Numbers for words; stands still on the text ``wait`` until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.seen = nn.Embedding(300, 4), list[int]()
        self.shape, self.weights = FeatureShape(4), {"origin": "x", "sha256": ""}
        self.here, self.go = threading.Event(), threading.Event()

    def tokenize(self, texts: Sequence[str]) -> Texts:
        ids = torch.tensor([[299 if text == "wait" else int(text)] for text in texts])
        return Texts(ids, torch.ones_like(ids, dtype=torch.bool))

    def forward(self, texts: Texts) -> Features:
        self.seen += texts.ids[:, 0].tolist()
        if (texts.ids == 299).any():
            self.here.set()
            assert self.go.wait(30)
        return Features(self.words(texts.ids), texts.mask)


class Source:
    """Texts."""

    def __init__(self, texts: Sequence[object]) -> None:
        self.all = [str(text) for text in texts]
        self.keys = [f"key {text}" for text in self.all]

    def collate(self, rows: Sequence[int]) -> Texts:
        return Reader().tokenize([self.all[row] for row in rows])


def encode(reader: Reader, folder: Path, texts: Sequence[object], waiting=None):  # type: ignore[no-untyped-def]
    cache = FeatureCache(folder, budget_gb=1.0)
    return cache.encode(
        FrozenEncoder(reader, "{}", batch_size=4),
        Source(texts),
        range(len(texts)),
        want=WANT,
        waiting=waiting,
    )


def started(reader: Reader, folder: Path, texts: Sequence[object]) -> threading.Thread:
    thread = threading.Thread(target=encode, args=(reader, folder, texts))
    thread.start()
    assert reader.here.wait(30)
    return thread


def test_other_inputs_never_wait(tmp_path: Path) -> None:
    slow, quick = Reader(), Reader()
    other = started(slow, tmp_path, ["wait", *range(7)])
    told: list[str] = []
    assert encode(quick, tmp_path, range(100, 120), told.append).encoded == 20
    assert other.is_alive()
    assert told == []
    slow.go.set()
    other.join()


def test_equal_inputs_are_shared_and_waiting_is_told(tmp_path: Path) -> None:
    slow, quick = Reader(), Reader()
    texts = ["wait", *range(11)]
    other = started(slow, tmp_path, texts)
    told: list[str] = []

    def heard(words: str) -> None:
        told.append(words)
        slow.go.set()

    found = encode(quick, tmp_path, texts, heard)
    other.join()
    assert sorted(quick.seen) == list(range(3, 11))  # the other one has the first batch
    assert sorted(slow.seen) == [0, 1, 2, 299]
    assert len(told) == 1
    assert "waiting for process" in told[0]
    assert "4 of 12" in told[0]
    assert found.collate([0, 11]).pooled.shape == (2, 4)


def test_what_was_encoded_before_a_kill_is_there_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "PUBLISH", 0.0)

    class Killed(Reader):
        def forward(self, texts: Texts) -> Features:
            if len(self.seen) >= 8:
                raise KeyboardInterrupt
            return super().forward(texts)

    with pytest.raises(KeyboardInterrupt):
        encode(Killed(), tmp_path, range(20))
    rest = Reader()
    found = encode(rest, tmp_path, range(20))
    assert (found.encoded, found.hits, found.damaged) == (12, 8, 0)
    assert sorted(rest.seen) == list(range(8, 20))
    assert len(list(tmp_path.rglob("index.json"))) == 1  # small shards are joined
    exact = rest.words(torch.arange(20))
    torch.testing.assert_close(found.collate(range(20)).pooled, exact, atol=2e-3, rtol=1e-3)
    assert not [file for file in tmp_path.rglob("*.lock") if file.parent.name == filling.CLAIMS]


def test_a_claim_of_a_dead_process_is_free(tmp_path: Path) -> None:
    encode(Reader(), tmp_path, [1])
    claims = next(tmp_path.rglob(filling.CLAIMS))
    for name in "ab":
        (claims / f"{32 * name}.lock").touch()
    start = time.monotonic()
    assert encode(Reader(), tmp_path, [1, 2]).encoded == 1
    assert time.monotonic() - start < 5


def test_a_shard_of_another_encoder_is_no_answer(tmp_path: Path) -> None:
    one, two = Reader(), Reader()
    with torch.no_grad():
        two.words.weight += 1
    encode(one, tmp_path, [1, 2])
    shard = next(tmp_path.rglob("shard-*"))
    encode(two, tmp_path, [7])
    place = next(path for path in tmp_path.iterdir() if path.is_dir() and path != shard.parent)
    shard.rename(place / shard.name)
    found = encode(two, tmp_path, [1, 2])
    assert (found.damaged, found.encoded) == (1, 2)
    torch.testing.assert_close(
        found.collate([0]).pooled, two.words(torch.tensor([1])), atol=2e-3, rtol=1e-3
    )


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="not mmx's"):
        encode(Reader(), tmp_path, [1])


def test_a_cache_that_grows_holds_few_shards_and_can_be_used_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "PUBLISH", 0.0)
    slow, meanwhile = Reader(), Reader()
    other = started(slow, tmp_path, [*range(160), "wait", *range(160, 170)])
    assert len(list(tmp_path.rglob("index.json"))) <= 18  # 40 batches were published
    found = encode(meanwhile, tmp_path, range(160))
    assert (found.encoded, found.hits) == (0, 160)
    slow.go.set()
    other.join()
    assert meanwhile.seen == []
    assert found.collate([0, 159]).pooled.shape == (2, 4)  # its shards were joined since


@pytest.mark.parametrize("size", [0, 1 << 30])
def test_shards_of_any_size_and_files_in_any_pieces_give_the_same_features(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small shards are joined and large ones left; files are checked in pieces."""
    monkeypatch.setattr(filling, "PUBLISH", 0.0)
    monkeypatch.setattr(shard_joining, "SMALL", size)
    monkeypatch.setattr(shards, "BLOCK", 7)
    reader = Reader()
    encode(reader, tmp_path, range(80))
    again = encode(Reader(), tmp_path, range(80))
    assert (again.encoded, again.hits, again.damaged) == (0, 80, 0)
    assert len(list(tmp_path.rglob("index.json"))) == (20 if size == 0 else 1)
    torch.testing.assert_close(
        again.collate(range(80)).pooled.float(), reader.words.weight[:80].detach(),
        atol=2e-3, rtol=1e-3,
    )  # fmt: skip


def test_more_shards_than_a_process_may_open_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "PUBLISH", 0.0)
    monkeypatch.setattr(shard_joining, "MANY", 1000)
    files = len(list(Path("/proc/self/fd").iterdir()))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files + 30, limits[1]))
    try:
        found = encode(Reader(), tmp_path, range(200))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (found.encoded, found.damaged) == (200, 0)


def test_a_process_without_files_to_open_takes_no_shard_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode(Reader(), tmp_path, range(20))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(shards, "read_regular", full)
    with pytest.raises(DataError, match="Too many open files"):
        encode(Reader(), tmp_path, range(20))
    monkeypatch.undo()
    assert encode(Reader(), tmp_path, range(20)).hits == 20


class Filed(Source):
    """Texts, five in a file."""

    def file_of(self, row: int) -> str:
        return f"shard {row // 5}"


def test_a_failure_leaves_no_shard_claimed(tmp_path: Path) -> None:
    """Even while the failure, and with it all that it saw, is kept."""

    class Failing(Reader):
        def forward(self, texts: Texts) -> Features:
            raise DataError("no memory")

    def run(reader: Reader) -> int:
        found = FeatureCache(tmp_path, budget_gb=1.0).encode(
            FrozenEncoder(reader, "{}", batch_size=4), Filed(range(50)), range(50),
            want=WANT, waiting=pytest.fail,
        )  # fmt: skip
        return found.encoded

    with pytest.raises(DataError, match="no memory") as failure:
        run(Failing())
    assert run(Reader()) == 50
    assert failure.tb  # it is kept until here
    assert not [*next(tmp_path.rglob(filling.CLAIMS)).iterdir()]


def test_a_shard_is_read_by_one_process(tmp_path: Path) -> None:
    """The first one stands still in its first shard; the other one reads all others, and waits."""
    slow, quick = Reader(), Reader()
    texts = ["wait", *range(49)]

    def run(reader: Reader, waiting=None):  # type: ignore[no-untyped-def]
        return FeatureCache(tmp_path, budget_gb=1.0).encode(
            FrozenEncoder(reader, "{}", batch_size=4), Filed(texts), range(50),
            want=WANT, waiting=waiting,
        )  # fmt: skip

    thread = threading.Thread(target=run, args=(slow,))
    thread.start()
    assert slow.here.wait(30)
    told: list[str] = []

    def heard(words: str) -> None:
        told.append(words)
        slow.go.set()

    assert run(quick, heard).collate([0, 49]).pooled.shape == (2, 4)
    thread.join()
    assert sorted(quick.seen) == list(range(4, 49))  # of the first shard not one
    assert sorted(slow.seen) == [0, 1, 2, 3, 299]
    assert "5 of 50 are left" in told[0]
