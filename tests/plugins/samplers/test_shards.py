"""Laws of shuffling by shards."""

from collections import Counter

import pytest
import torch

from mmx.errors import DataError
from mmx_plugins.samplers.shards import Shards, ShardsParams, deal


def shards(*sizes: int, seed: int = 0, **settings: int) -> Shards:
    """A sampler of rows in files of these sizes, one file after the other."""
    params = ShardsParams.model_validate(settings)
    sampler = params.build(torch.zeros(sum(sizes), dtype=torch.int64), seed)
    sampler.set_files([f"{file}.tar" for file, size in enumerate(sizes) for _ in range(size)])
    return sampler


@pytest.mark.parametrize("sizes", [(1,), (5, 5), (40,) * 30, (1, 300, 7, 7, 90, 2, 2, 2, 55)])
def test_each_row_comes_once(sizes: tuple[int, ...]) -> None:
    for epoch in range(3):
        sampler = shards(*sizes)
        sampler.set_epoch(epoch)
        assert sorted(sampler) == list(range(sum(sizes)))


def test_seed_and_epoch_alone_decide_order_and_lanes() -> None:
    sampler, rows = shards(*[9] * 20), range(180)
    first = list(sampler), sampler.lanes_of(rows)
    sampler.set_epoch(1)
    assert (list(sampler), sampler.lanes_of(rows)) != first
    sampler.set_epoch(0)
    torch.rand(3)  # global random numbers have no say
    assert (list(sampler), sampler.lanes_of(rows)) == first
    other = shards(*[9] * 20, seed=1)
    assert (list(other), other.lanes_of(rows)) != first


def test_other_names_of_the_same_files_change_nothing() -> None:
    sampler = shards(*[9] * 20)
    before = list(sampler)
    sampler.set_files([f"/elsewhere/{row // 9}" for row in range(180)])
    assert list(sampler) == before


def test_a_file_lies_in_one_lane() -> None:
    sampler = shards(*range(10, 40))
    lanes = sampler.lanes_of(range(sampler.length))
    assert len({*zip(sampler.file.tolist(), lanes, strict=True)}) == 30
    assert {*lanes} == {*range(8)}


def test_lanes_hold_about_as_many_rows() -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(600, 800, (100,), generator=generator)
    for _ in range(20):
        held = torch.bincount(deal(sizes, 8, generator).lane, sizes)
        assert held.max() - held.min() <= sizes.max()  # of the greedy rule: one file


def test_one_large_file_has_a_lane_for_itself() -> None:
    dealt = deal(torch.tensor([10] * 50 + [900]), 8, torch.Generator().manual_seed(0))
    assert dealt.lane.tolist().count(int(dealt.lane[-1])) == 1


def test_a_batch_has_rows_of_each_lane_as_many_as_fall_to_it() -> None:
    sampler = shards(*[50] * 40, lanes=4)
    order = list(sampler)
    for start in range(0, 2000, 32):
        counts = Counter(sampler.lanes_of(order[start : start + 32]))
        assert all(abs(counts[lane] - 8) <= 1 for lane in range(4) if start + 32 <= 2000)


def test_a_lane_reads_as_many_files_at_a_time_as_its_window() -> None:
    sampler = shards(*[200] * 32, lanes=2, window=4)
    order = torch.tensor(list(sampler))
    lane = torch.tensor(sampler.lanes_of(order.tolist()))
    files = sampler.file[order[lane == 0]]
    open_at_once = [len(part.unique()) for part in files.split(50)]  # a quarter of a file
    assert max(open_at_once) == 5  # one follows another meanwhile
    assert sorted(open_at_once)[len(open_at_once) // 2] <= 5
    assert min(open_at_once) >= 4


def test_without_files_it_is_a_shuffle() -> None:
    sampler = ShardsParams().build(torch.zeros(40, dtype=torch.int64), 0)
    place = torch.zeros(40, 40)
    for epoch in range(400):
        sampler.set_epoch(epoch)
        place[torch.arange(40), torch.tensor(list(sampler))] += 1
    expected = 400 / 40
    chi = ((place - expected) ** 2 / expected).sum() / (39 * 39)
    assert chi == pytest.approx(1, abs=0.15)  # each row anywhere as often as anywhere else


def test_rows_without_a_file_are_dealt_one_by_one() -> None:
    sampler = ShardsParams(lanes=2).build(torch.zeros(60, dtype=torch.int64), 0)
    sampler.set_files(["a.tar"] * 20 + [""] * 40)
    lanes = torch.tensor(sampler.lanes_of(range(60)))
    assert len(lanes[:20].unique()) == 1
    assert lanes.bincount().tolist() == [30, 30]


def test_there_are_no_more_lanes_than_files() -> None:
    assert shards(5, 5, 5).lanes == 3
    assert shards(*[5] * 30).lanes == 8
    assert shards(*[5] * 30, lanes=16).lanes == 16


def test_files_of_other_rows_are_refused() -> None:
    with pytest.raises(DataError, match="2 files for 5 rows"):
        shards(5).set_files(["a", "b"])


def test_class_counts_stay() -> None:
    counts = torch.tensor([50])
    assert shards(50).expected_counts(counts) is counts
    assert not ShardsParams().rebalances
