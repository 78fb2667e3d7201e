"""Plain data as tables, numbers as words."""

import math

import pytest

from mmx.evaluation import Interval
from mmx.report.page_tables import as_tables, confusion_cells, epoch_table, part_table
from mmx.report.wording import bounds, count, decimal, duration, percent, plain, plural, title


def test_cells_carry_the_share_of_their_row_and_its_colour() -> None:
    (first, second), empty = confusion_cells([[3, 1], [0, 0]])
    assert (first.share, second.share) == (0.75, 0.25)
    assert first.dark
    assert not second.dark
    assert [cell.colour for cell in empty] == ["#ffffff", "#ffffff"]
    assert confusion_cells([[5]])[0][0].colour == "#08306b"


def test_colours_darken_with_the_share() -> None:
    cells = confusion_cells([[k, 100 - k] for k in range(101)])
    light = [sum(int(row[0].colour[i : i + 2], 16) for i in (1, 3, 5)) for row in cells]
    assert light == sorted(light, reverse=True)


def test_parts_become_columns_with_the_whole_part_below() -> None:
    parts = {
        "train": {"a": {"samples": 9000, "groups": 7}, "b": {"samples": 1000, "groups": 2}},
        "test": {"a": {"samples": 3, "groups": 3}},
    }
    sizes = {
        "train": {"samples": 9_990, "groups": 801}, "test": {"samples": 3, "groups": 2},
    }  # fmt: skip
    table = part_table(parts, sizes)
    assert table.head == ("", "Train: samples", "Train: groups", "Test: samples", "Test: groups")
    assert table.rows == (
        ("a", "9,000", "7", "3", "3"),
        ("b", "1,000", "2", "0", "0"),
        ("all samples", "9,990", "801", "3", "2"),
    )
    assert table.numbers == {1, 2, 3, 4}


def test_nested_data_keep_all_their_values() -> None:
    tables = as_tables(
        {
            "rows": 12,
            "ok": True,
            "none": [],
            "faults": [{"row": 1, "why": "grey"}, {"row": 2, "where": "x"}],
            "counts": {"train": {"a": 1, "b": 2, "c": 3}, "test": {"a": 4}},
        }
    )
    facts, faults, counts = tables
    assert facts.rows == (("rows", "12"), ("ok", "yes"), ("none", "none"))
    assert faults.head == ("Row", "Why", "Where")
    assert faults.rows == (("1", "grey", "–"), ("2", "–", "x"))
    assert counts.head == ("", "train", "test")
    assert counts.rows == (("a", "1", "4"), ("b", "2", "–"), ("c", "3", "–"))


def test_long_lists_say_how_much_was_left_out() -> None:
    faults, names = as_tables(
        {"names": [str(n) for n in range(40)], "faults": [{"row": n} for n in range(30)]}
    )[::-1]
    assert (len(faults.rows), faults.more) == (25, 5)
    assert names.rows[0][1].endswith("24 and 15 more")


def test_epochs_count_from_one_and_rates_of_groups_stay_apart() -> None:
    table = epoch_table([{"epoch": 0, "loss": 1.5, "lr": {"new": 1e-4}, "terms": {"kl": 0.25}}], {})
    assert table.head == ("Epoch", "Loss", "Lr: new", "Terms: kl")
    assert table.rows == (("1", "1.5000", "0.0001", "0.2500"),)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (percent(0.7134), "71.3\u202f%"),
        (percent(None), "–"),
        (decimal(math.nan), "–"),
        (decimal(math.inf), "–"),
        (bounds(Interval(0.5, 0.25, 0.75)), "0.250 to 0.750"),
        (bounds(Interval(0.5)), ""),
        (count(12345), "12,345"),
        (duration(8.42), "8.4 s"),
        (duration(200), "3 min 20 s"),
        (duration(3900), "1 h 5 min"),
        (duration(None), "–"),
        (plain(False), "no"),
        (plain(0.123456), "0.1235"),
        (plain(math.nan), "–"),
        (plural(1, "study"), "1 study"),
        (plural(2, "study"), "2 studies"),
        (plural(1200, "lesion"), "1,200 lesions"),
        (title("some_key"), "Some key"),
    ],
)
def test_numbers_read_as_people_write_them(shown: str, words: str) -> None:
    assert shown == words
