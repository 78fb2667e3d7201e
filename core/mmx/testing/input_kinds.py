"""Laws of input kinds: what a store keeps of its rows, and what an input may learn of them."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from mmx.data import ImageStore
from mmx.interfaces import Input, InputParams, Inputs, Sample, Store
from mmx.pipeline import PreparedRows, UnlabelledSamples
from mmx.spec import ImageSpec
from mmx.testing.global_state import untouched
from mmx.testing.law import Laws, demand, finite, shape

NAME = "example"
"""What the modality is called in the laws."""


class Example:
    """The samples that an input kind makes up, and stores of them.

    Args:
        params: the input kind.
        folder: empty, for its files.
    """

    def __init__(self, params: InputParams, folder: Path) -> None:
        self.params, self.folder = params, folder
        self.samples = list(params.example(NAME, folder))
        demand(len(self.samples) > 3, "example must give four samples or more")

    def input(self) -> Input:
        """A new input, that has learned nothing."""
        return self.params.input(NAME, self.params.encoder())

    def learned(self, rows: Sequence[Sample], hidden: Mapping[str, str] | None = None) -> str:
        """What a new input learns of these rows."""
        told: object = self.input().fit(UnlabelledSamples(rows), hidden or {})
        demand(isinstance(told, str), f"fit must give a text, got {type(told).__name__}")
        return str(told)

    def store(self, rows: Sequence[Sample] | None = None, statistics: str | None = None) -> Store:
        """What a new input with these statistics makes of rows; without, with those of all."""
        rows = self.samples if rows is None else rows
        made = self.input()
        told = self.learned(self.samples) if statistics is None else statistics
        if told:
            made.restore(told)
        return made.prepare(self.rows(rows))

    def rows(self, rows: Sequence[Sample]) -> PreparedRows:
        """Rows as an input is given them, with what core does for every kind."""
        pictures = ImageStore(
            rows, ImageSpec(height=16, width=16), modality=NAME, folder=self.folder / "pixels",
            memory_gb=0.1,
        )  # fmt: skip
        texts = [str(one.record.get("text") or "") for one in rows]
        return PreparedRows(UnlabelledSamples(rows), {NAME: pictures}, {NAME: texts})


@contextmanager
def example_of(params: InputParams) -> Iterator[Example]:
    """The example of an input kind, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="mmx-input-") as folder:
        own = Path(folder) / "own"
        own.mkdir()
        yield Example(params, own)


def input_builds(params: InputParams) -> str:
    """Its class is an Input, whose store has a key, presence and tensors for each row."""
    derived = issubclass(params.input, Input)
    demand(derived, "input must name a class that derives from mmx.interfaces.Input")
    with example_of(params) as example:
        store, rows = example.store(), len(example.samples)
        demand(isinstance(store, Store), f"prepare must give a Store, got {type(store).__name__}")
        demand(len(store.keys) == rows, f"{len(store.keys)} keys for {rows} rows")
        demand(all(isinstance(key, str) and key for key in store.keys), "keys must be texts")
        demand(_boolean(store.present, rows), f"present must be [{rows}] of bool")
        found = tensors(store.collate(range(rows)))
        demand(_boolean(found["present"], rows), f"collate gives no present [{rows}] of bool")
        long = [name for name, one in found.items() if len(one) != rows]
        demand(not long, f"{', '.join(long)} of collate must have {rows} rows")
        return ", ".join(f"{name} {shape(one)}" for name, one in found.items())


def in_order(params: InputParams) -> None:
    """Rows come in the order in which they are asked for, as often as they are asked for."""
    with example_of(params) as example:
        store = example.store()
        order = [2, 0, 1, 2, *range(3, len(example.samples))]
        got, whole = tensors(store.collate(order)), tensors(store.collate(range(len(order) - 1)))
        for name, wanted in whole.items():
            demand(
                _equal(got[name], wanted[order]),
                f"{name} of the rows {order} is not that of these rows, in this order",
            )


def alone_and_together(params: InputParams) -> None:
    """A row is the same alone as among others, but for padding behind it, and of the same type."""
    with example_of(params) as example:
        store, rows = example.store(), range(len(example.samples))
        together = tensors(store.collate(rows))
        for row in rows:
            for name, own in tensors(store.collate([row])).items():
                _same_row(own, together[name][row : row + 1], f"{name} of row {row}")


def _same_row(own: Tensor, among: Tensor, words: str) -> None:
    kept = among
    for axis in range(1, own.ndim):
        kept = kept.narrow(axis, 0, min(own.shape[axis], kept.shape[axis]))
    demand(own.dtype == among.dtype, f"{words} is {own.dtype} alone and {among.dtype} together")
    demand(_equal(own, kept), f"{words} is another alone than among others")


def rows_apart(params: InputParams) -> None:
    """What is prepared beside a row changes neither the row nor its key."""
    with example_of(params) as example:
        store, told = example.store(), example.learned(example.samples)
        for row, sample in enumerate(example.samples):
            apart = example.store([sample], told)
            demand(apart.keys[0] == store.keys[row], f"row {row} has another key without others")
            for name, own in tensors(apart.collate([0])).items():
                wanted = tensors(store.collate([row]))[name]
                demand(_equal(own, wanted), f"{name} of row {row} depends on rows beside it")


def keys_follow_content(params: InputParams) -> None:
    """Equal content has one key, wherever its file lies; other content or statistics another."""
    with example_of(params) as example, example_of(params) as elsewhere:
        store, told = example.store(), example.learned(example.samples)
        held = [key for key, there in zip(store.keys, store.present, strict=True) if there]
        demand(len({*held}) == len(held), "two rows of different content have one key")
        moved = elsewhere.store(statistics=told)
        demand(list(moved.keys) == list(store.keys), "keys depend on where the files lie")
        named = [replace(one, id=f"{one.id}!", group="other") for one in example.samples]
        demand(list(example.store(named).keys) == list(store.keys), "keys depend on ids or groups")
        first, third = example.samples[0], example.samples[2]
        swapped = example.store([_with_data(first, third), *example.samples[1:]], told)
        demand(swapped.keys[0] == store.keys[2], "a row with the data of another has not its key")
        _keys_of_statistics(example)


def _keys_of_statistics(example: Example) -> None:
    """Where statistics change what is read, the keys change as well."""
    one, other = (example.learned([example.samples[row]] * 2) for row in (0, 2))
    if one == other:
        return
    stores = [example.store(statistics=told) for told in (one, other)]
    same_keys = stores[0].keys[0] == stores[1].keys[0]
    values = [tensors(store.collate([0])) for store in stores]
    alike = all(_equal(values[0][name], values[1][name]) for name in values[0])
    demand(alike or not same_keys, "other statistics give other values under the same key")


def fit_repeats(params: InputParams) -> str:
    """What is learned follows from the training rows alone, and prepares alike when restored."""
    with example_of(params) as example:
        told = example.learned(example.samples)
        demand(example.learned(example.samples) == told, "fit gives something else again")
        marked = [replace(one, label="a", labels={"a": 1}) for one in example.samples]
        demand(example.learned(marked) == told, "labels change what fit learns")
        first, again = (example.store(statistics=told) for _ in range(2))
        demand(list(first.keys) == list(again.keys), "restored twice, keys differ")
        return f"{len(told)} characters are kept" if told else "it learns nothing"


def hidden_unread(params: InputParams) -> str:
    """Fields of the record that it must not read change nothing, and are not among its fields."""
    with example_of(params) as example:
        names = list(dict.fromkeys(name for one in example.samples for name in one.record))
        if not names:
            return "its samples have no record"
        hidden = dict.fromkeys(names, "it tells the label")
        made = example.input()
        try:
            told = made.fit(UnlabelledSamples(example.samples), hidden)
        except Exception as error:  # noqa: BLE001 - it may have nothing left to read, and says so
            return f"without its fields it says: {error}"
        read = [name for name in made.fields if name in hidden]
        demand(not read, f"it reads {', '.join(read)}, which fit was told to leave alone")
        bare = [replace(one, record={}) for one in example.samples]
        keys = [list(example.store(rows, told).keys) for rows in (example.samples, bare)]
        demand(keys[0] == keys[1], "hidden fields change what is read")
        return f"{', '.join(names)} hidden"


def nothing_there(params: InputParams) -> None:
    """A sample without the modality is not present, is no fault, and holds finite numbers."""
    with example_of(params) as example:
        store = example.store()
        demand(not bool(store.present[1]), "the second sample has nothing and is present")
        told = [one.row for one in store.unreadable]
        demand(not told, f"nothing is damaged, and these are told as unreadable: {told}")
        one = tensors(store.collate([1]))
        demand(not bool(one["present"].any()), "collate calls the second sample present")
        finite({name: x for name, x in one.items() if x.is_floating_point()}, "with nothing there")


def process_untouched(params: InputParams) -> None:
    """Learning, preparing and collating change nothing of the whole process."""
    with example_of(params) as example:
        made, rows = example.input(), example.rows(example.samples)
        with untouched("fit"):
            told = made.fit(rows.samples, {})
        if told:
            made.restore(told)
        with untouched("prepare"):
            store = made.prepare(rows)
        with untouched("collate"):
            store.collate([0, 1])


def tensors(inputs: Inputs) -> dict[str, Tensor]:
    """All tensors that ``collate`` gives, by name, with ``present``."""
    demand(is_dataclass(inputs), f"collate must give a dataclass, got {type(inputs).__name__}")
    named = {one.name: getattr(inputs, one.name) for one in fields(inputs)}  # type: ignore[arg-type]
    found = {name: value for name, value in named.items() if isinstance(value, Tensor)}
    return {"present": inputs.present, **found}


def _with_data(one: Sample, other: Sample) -> Sample:
    """A sample with all data of another."""
    return replace(
        one, images=other.images, boxes=other.boxes, own=other.own, inputs=other.inputs,
        record=other.record,
    )  # fmt: skip


def _boolean(tensor: Tensor, rows: int) -> bool:
    return tensor.shape == (rows,) and tensor.dtype == torch.bool


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one.nan_to_num(), other.nan_to_num())


INPUT: Laws = {
    "builds": input_builds,
    "in_order": in_order,
    "alone_and_together": alone_and_together,
    "rows_apart": rows_apart,
    "keys_follow_content": keys_follow_content,
    "fit_repeats": fit_repeats,
    "hidden_unread": hidden_unread,
    "nothing_there": nothing_there,
    "random_state": process_untouched,
}
