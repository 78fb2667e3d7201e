import json
import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer

from mmx import DataError
from mmx.interfaces import Record, Value
from mmx_plugins.encoders._records.cells import number, word
from mmx_plugins.encoders._records.columns import Category, FittedTable, Number, Origin, Scale
from mmx_plugins.encoders._records.fit import fit_table
from mmx_plugins.encoders._records.rules import Rules
from mmx_plugins.encoders._records.scaling import bin_edges, fit_scale, scaled
from mmx_plugins.encoders._records.tabulate import tabulate


def one(table: FittedTable, name: str) -> Number | Category:
    return next(column for column in table.columns if column.origin.name == name)


def test_columns_stand_in_the_order_of_their_names(records: list[Record]) -> None:
    assert fit_table(records, Rules(), {}).names == ("age", "sex", "site", "thickness")
    derived = fit_table(records, Rules(since={"exam": "birth"}), {})
    assert derived.names == ("age", "exam since birth", "sex", "site", "thickness")


def test_what_is_not_read_is_told_with_the_reason(records: list[Record]) -> None:
    left_out = fit_table(records, Rules(), {"site": "it tells the label"}).left_out
    assert left_out["site"] == "it tells the label"
    assert "since or cyclic" in left_out["birth"]
    assert left_out["case"].startswith("like an id: 80 different values in 80")
    assert "constant" in left_out["hospital"]


def test_a_text_is_left_to_narratives() -> None:
    rows: list[Record] = [{"a": float(k), "note": f"a spot number {k % 30}"} for k in range(90)]
    assert "a narrative reads" in fit_table(rows, Rules(), {}).left_out["note"]


def test_an_excluded_field_must_not_be_named(records: list[Record]) -> None:
    with pytest.raises(DataError, match="must not read 'site': it tells the label"):
        fit_table(records, Rules(columns=("age", "site")), {"site": "it tells the label"})
    with pytest.raises(DataError, match="must not read 'exam': it tells the label"):
        fit_table(records, Rules(since={"birth": "exam"}), {"exam": "it tells the label"})


def test_a_name_that_no_record_has_is_refused_with_those_that_are(records: list[Record]) -> None:
    with pytest.raises(DataError, match="no field 'agee'; nearest: age"):
        fit_table(records, Rules(columns=("agee",)), {})


def test_nothing_left_to_read_is_refused_with_every_reason() -> None:
    with pytest.raises(DataError, match="no column to read: 'a': no training row has a value"):
        fit_table([{"a": None}, {"a": ""}], Rules(), {})


def test_statistics_are_those_of_numpy_over_known_cells(records: list[Record]) -> None:
    age = one(fit_table(records, Rules(), {}), "age")
    known = np.array([row["age"] for row in records if row["age"] is not None], dtype=float)
    assert isinstance(age, Number)
    assert age.scale.mean == pytest.approx(known.mean(), abs=1e-12)
    assert age.scale.sd == pytest.approx(known.std(), abs=1e-12)
    assert (age.scale.low, age.scale.high) == (known.min(), known.max())
    assert age.missing == pytest.approx(1 - len(known) / len(records))


def test_statistics_know_nothing_of_the_order_of_rows_and_columns(records: list[Record]) -> None:
    turned = [dict(reversed(list(row.items()))) for row in reversed(records)]
    first, second = fit_table(records, Rules(), {}), fit_table(turned, Rules(), {})
    for here, there in zip(first.columns, second.columns, strict=True):
        assert here.origin == there.origin
        if isinstance(here, Category):
            assert here == there
        elif isinstance(there, Number):
            np.testing.assert_allclose(here.edges, there.edges, rtol=1e-6)


def test_what_was_fitted_survives_as_json(records: list[Record]) -> None:
    table = fit_table(records, Rules(quantile=True, since={"exam": "birth"}), {})
    assert FittedTable.model_validate_json(table.model_dump_json()) == table
    assert json.loads(table.model_dump_json())["rows"] == len(records)


def test_rare_categories_are_other_and_said_to_be_trained(records: list[Record]) -> None:
    table = fit_table(records, Rules(), {})
    site, sex = one(table, "site"), one(table, "sex")
    assert isinstance(site, Category)
    assert site.values == ("arm", "back", "face")
    assert site.other_seen
    assert isinstance(sex, Category)
    assert sex.values == ("female", "male")
    assert not sex.other_seen


def test_a_category_whose_values_are_all_rare_is_out() -> None:
    rows: list[Record] = [{"a": float(k), "b": "xyz"[k % 3]} for k in range(9)]
    assert "fewer than 5" in fit_table(rows, Rules(), {}).left_out["b"]


def test_days_between_dates_are_a_number(records: list[Record]) -> None:
    table = fit_table(records, Rules(since={"exam": "birth"}), {})
    rows: list[Record] = [{"exam": "2020-03-01", "birth": "2020-02-01"}, {"exam": "2020-03-01"}]
    column = one(table, "exam since birth")
    assert [column.origin.read(row) for row in rows] == [29.0, None]


def test_a_month_is_a_point_on_a_circle(records: list[Record]) -> None:
    table = fit_table(records, Rules(cyclic={"exam": "month"}), {})
    day: Record = {"exam": "01.04.2021"}
    assert one(table, "exam month sin").origin.read(day) == pytest.approx(1)
    assert one(table, "exam month cos").origin.read(day) == pytest.approx(0, abs=1e-12)
    friday: Record = {"exam": "2026-11-27"}
    weekly = fit_table(records, Rules(cyclic={"exam": "weekday"}), {})
    sine = one(weekly, "exam weekday sin").origin.read(friday)
    assert sine == pytest.approx(math.sin(2 * math.pi * 4 / 7))


def test_declared_codes_are_missing() -> None:
    rows: list[Record] = [{"a": float(k), "b": "n.d." if k % 2 else "yes"} for k in range(-1, 19)]
    table = fit_table(rows, Rules(missing_codes={"a": (-1,)}), {})
    age = one(table, "a")
    assert isinstance(age, Number)
    assert age.scale.low == 0
    assert age.missing == pytest.approx(1 / 20)
    told = fit_table(rows, Rules(missing_codes={"b": ("n.d.",)}), {}).left_out["b"]
    assert told.startswith("constant: its only value is 'yes'")


def test_words_among_stated_numbers_are_missing_and_told() -> None:
    rows: list[Record] = [{"a": one} for one in [*map(str, range(19)), ">90"]]
    assert "like an id" in fit_table([*rows, {"b": 1.0}, {"b": 2.0}], Rules(), {}).left_out["a"]
    table = fit_table(rows, Rules(kinds={"a": "number"}), {})
    assert table.notes == (
        "column 'a': 1 training cells such as '>90' are no numbers and are read as missing",
    )
    words: list[Record] = [{"a": one} for one in ("x", "y", "z", "x", "y", "z")]
    with pytest.raises(DataError, match="'a' shall be a number and most of its cells are none"):
        fit_table(words, Rules(kinds={"a": "number"}), {})


def test_quantile_scaling_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(3)
    values = draw.gamma(2, 3, 500).round(1)  # many equal ones
    new = np.concatenate([draw.gamma(2, 3, 200), [-5.0, 1e9]])
    reference = QuantileTransformer(
        n_quantiles=500, output_distribution="normal", subsample=1000
    ).fit(values[:, None])
    got = scaled(new, fit_scale(values, quantile=True))
    expected = np.asarray(reference.transform(new[:, None])).ravel()
    np.testing.assert_allclose(got, expected, atol=1e-9)


def test_equal_quantiles_are_one_edge() -> None:
    assert bin_edges(np.array([0.0] * 90 + [1.0] * 10), 4) == (0.0, 1.0)
    assert len(bin_edges(np.arange(100.0), 16)) == 17


def test_of_a_date_with_slashes_the_order_is_asked_for_and_never_guessed() -> None:
    rows: list[Record] = [
        {"exam": f"{1 + row % 9:02d}/0{1 + row % 5}/2021", "birth": "1990-01-01"}
        for row in range(40)
    ]
    with pytest.raises(DataError, match=r"'01/01/2021'.*set dates: \{exam: day_first\} or \{exam"):
        fit_table(rows, Rules(since={"exam": "birth"}), {})
    found = {
        order: one(
            fit_table(rows, Rules(since={"exam": "birth"}, dates={"exam": order}), {}),
            "exam since birth",
        )
        for order in ("day_first", "month_first")
    }
    assert isinstance(found["day_first"], Number)
    days = [(1 + row % 9, 1 + row % 5) for row in range(40)]
    wanted = [(date(2021, m, d) - date(1990, 1, 1)).days for d, m in days]
    assert found["day_first"].scale.mean == pytest.approx(np.mean(wanted))
    assert found["day_first"] != found["month_first"]
    rows[3] = {"exam": "28/03/2021", "birth": "1990-01-01"}
    fit_table(rows, Rules(since={"exam": "birth"}, dates={"exam": "day_first"}), {})
    with pytest.raises(DataError, match="read as month_first, '28/03/2021' is no date"):
        fit_table(rows, Rules(since={"exam": "birth"}, dates={"exam": "month_first"}), {})
    with pytest.raises(DataError, match="must not read 'exam'"):
        fit_table(rows, Rules(dates={"exam": "day_first"}), {"exam": "it tells the label"})


@given(
    st.lists(
        st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=4)
        | st.sampled_from(["3.5", " 4 ", "1e3", "1_000", "nan", "-inf", "", "١"]),
        max_size=8,
    )
)  # fmt: skip
def test_columns_that_are_read_at_once_are_those_of_their_cells(cells: list[Value]) -> None:
    column = Number(
        origin=Origin(how="field", fields=("a",)), missing=0, edges=(-1.0, 1.0),
        scale=Scale(mean=0, sd=1, low=-1e30, high=1e30),
    )  # fmt: skip
    sorts = Category(
        origin=Origin(how="field", fields=("b",)), missing=0, mode=0, other_seen=True,
        values=("1", "3.5", "True", "a"),
    )  # fmt: skip
    table = FittedTable(rows=1, columns=(column, sorts))
    found = tabulate([{"a": one, "b": one} for one in cells], table)
    for row, cell in enumerate(cells):
        value, name = number(cell), word(cell)
        assert found.known[row].tolist() == [value is not None, name is not None]
        if value is not None:
            assert float(found.values[row, 0]) == float(np.float32(np.clip(value, -1e30, 1e30)))
        if name is not None:
            places = {one: place for place, one in enumerate(sorts.values)}
            assert int(found.codes[row, 1]) == places.get(name, 4)
