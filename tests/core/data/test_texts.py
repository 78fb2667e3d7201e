"""Texts see no label, and are tokenised once per distinct text."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from mmx import (
    DataError,
    Dataset,
    Features,
    Images,
    Narrative,
    NarrativeParams,
    Sample,
    ShapeError,
    TextEncoder,
    Texts,
)
from mmx.data import (
    Manifest,
    Part,
    Split,
    TextStore,
    make_split,
    part_of,
    read_manifest,
    write_texts,
)
from mmx.interfaces import Facts
from mmx.spec import SplitSpec
from mmx_plugins.tasks.single_label import SingleLabelParams

PADDING = 7


class Letters(TextEncoder):
    """One token per letter; counts how many texts it tokenised."""

    seen = 0

    def tokenize(self, texts: Sequence[str]) -> Texts:
        self.seen += len(texts)
        ids = torch.full((len(texts), max(map(len, texts))), PADDING)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor([ord(letter) for letter in text])
        return Texts(ids, ids != PADDING)

    def forward(self, texts: Texts) -> Features:
        raise ShapeError("never run here")


class Spy(NarrativeParams):
    """Writes what it is shown."""

    def build(self, features: object) -> "Shown":
        return Shown()


class Teller(Spy):
    """Declares that it needs the label."""

    @property
    def needs_label(self) -> bool:
        return True


class Shown(Narrative):
    learned: tuple[str, ...] = ()

    def fit(self, train: Sequence[Sample]) -> None:
        self.learned = tuple(sample.id for sample in train)
        assert all(sample.label is None for sample in train[:]) or "dx" in train[0].record

    def write(self, sample: Sample) -> str:
        return f"{sample.label} {dict(sample.record)} {len(self.learned)}"


@pytest.fixture
def told(rows: Callable[..., Dataset]) -> tuple[Manifest, Split]:
    samples = [
        Sample(f"s{row}", f"g{row}", record={"age": 3.0, "dx": "histo"}, label="ab"[row % 2])
        for row in range(20)
    ]
    manifest = read_manifest(
        rows(samples, "ab", facts=Facts(leak_columns=("dx",))), 0.0, SingleLabelParams()
    )
    return manifest, make_split(manifest, SplitSpec())


def test_a_narrative_sees_no_label_and_no_leak_column(told: tuple[Manifest, Split]) -> None:
    manifest, split = told
    texts = write_texts(manifest, Spy(), split)
    assert set(texts) == {f"None {{'age': 3.0}} {len(split.rows('train'))}"}


def test_only_a_narrative_that_declares_it_sees_the_label(told: tuple[Manifest, Split]) -> None:
    manifest, split = told
    texts = write_texts(manifest, Teller(), split)
    assert texts[1].startswith("b {'age': 3.0, 'dx': 'histo'}")


def test_a_text_that_is_no_string_is_refused(told: tuple[Manifest, Split]) -> None:
    class Silent(Shown):
        def write(self, sample: Sample) -> str:
            return None  # type: ignore[return-value]

    class SilentParams(Spy):
        def build(self, features: object) -> Shown:
            return Silent()

    with pytest.raises(DataError, match="wrote NoneType for s0"):
        write_texts(told[0], SilentParams(), told[1])


def test_rows_are_padded_to_the_longest_of_them() -> None:
    store = TextStore(["abc", "", "a", "abcdef", "a"], Letters())
    short = store.collate([2, 0, 1])
    assert short.ids.tolist() == [[97, PADDING, PADDING], [97, 98, 99], [PADDING] * 3]
    assert short.mask.tolist() == [[True, False, False], [True] * 3, [False] * 3]
    assert short.present.tolist() == [True, True, False]
    assert store.collate([1]).ids.shape == (1, 1)


def test_distinct_texts_are_tokenised_once_alone_and_once_together() -> None:
    encoder = Letters()
    store = TextStore(["ab", "c", "ab", "c", "ab"], encoder)
    for _ in range(3):
        assert store.collate([0, 2, 4]).ids.tolist() == [[97, 98]] * 3
    assert (encoder.seen, store.distinct) == (4, 2)
    assert store.keys[0] == store.keys[2] != store.keys[1]


def test_a_store_equals_the_tokenizer(manifest_of: Callable[..., Manifest]) -> None:
    texts = ["one", "three", "", "eleven", "one"]
    expected, got = Letters().tokenize(texts), TextStore(texts, Letters()).collate(range(5))
    assert torch.equal(expected.ids, got.ids)
    assert torch.equal(expected.mask, got.mask)


class Blank:
    """Images that carry the row number."""

    def collate(self, rows: Sequence[int]) -> Images:
        pixels = torch.tensor(rows, dtype=torch.uint8).view(-1, 1, 1, 1, 1)
        return Images(pixels.expand(-1, 1, 3, 2, 2), torch.tensor(rows)[:, None] % 2 == 0)


class Cached:
    """Features that carry the row number."""

    def collate(self, rows: Sequence[int]) -> Features:
        return Features.of_pooled(torch.tensor(rows, dtype=torch.float32)[:, None])


def test_a_part_gives_its_own_rows_in_the_order_asked_for(
    manifest_of: Callable[..., Manifest],
) -> None:
    manifest = manifest_of(range(40), [0, 1] * 20)
    split = make_split(manifest, SplitSpec())
    part = part_of(manifest, split, "train", {"image": Blank(), "text": Cached()})
    rows = split.rows("train")
    batch, target = part.batch([5, 0, 3])
    wanted = rows[[5, 0, 3]]
    assert len(part) == len(rows)
    image, text = batch.inputs["image"], batch.inputs["text"]
    assert isinstance(image, Images)
    assert isinstance(text, Features)
    assert image.pixels[:, 0, 0, 0, 0].tolist() == wanted.tolist()
    assert text.pooled[:, 0].tolist() == wanted.tolist()
    assert target.tolist() == manifest.targets[wanted].tolist()
    assert batch.group == tuple(manifest.groups[wanted])
    assert batch.present.tolist() == [[row % 2 == 0, True] for row in wanted.tolist()]


def test_a_part_needs_a_label_and_a_group_for_each_row() -> None:
    labels: Tensor = torch.zeros(2, dtype=torch.int64)
    with pytest.raises(DataError, match="3 rows needs as many labels and groups, got 2 and 3"):
        Part([0, 1, 2], {"image": Blank(), "text": Cached()}, labels, ["a", "b", "c"])
