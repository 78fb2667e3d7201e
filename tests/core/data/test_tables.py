"""Tables are read as they are written, and paths stay inside their folder."""

import gzip
import time
from pathlib import Path
from typing import Any

import pandas
import pytest

from mmx import DataError, open_table, read_table
from mmx.blocks import inside
from mmx.data import in_memory, open_like
from mmx.errors import EncodingError
from mmx.interfaces import Reading
from mmx_plugins.readers.csv import CsvParams


def test_cells_stay_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,age\n007,80.0\n,\nNA,"two\nlines"\n', encoding="utf-8")
    assert read_table(tmp_path / "a.csv").to_dict("list") == {
        "id": ["007", "", "NA"],
        "age": ["80.0", "", "two\nlines"],
    }


def test_tabs_semicolons_and_byte_order_marks_are_understood(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a\tb\n1\t2,5\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("\ufeffa;b\n1;2,5\n", encoding="utf-8")
    for name in ("a.tsv", "b.csv"):
        assert read_table(tmp_path / name).to_dict("list") == {"a": ["1"], "b": ["2,5"]}


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    pandas.DataFrame({"a": [1, 2], "b": ["x", None]}).to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table["a"].tolist() == [1, 2]
    assert table["b"].isna().tolist() == [False, True]


def test_every_null_of_parquet_is_none_and_whole_numbers_stay_whole(tmp_path: Path) -> None:
    dates = [pandas.Timestamp("2020-02-03"), pandas.NaT]
    pandas.DataFrame(
        {
            "whole": pandas.array([2**53 + 1, None], dtype="Int64"),
            "share": [0.5, float("nan")],
            "word": ["x", pandas.NA],
            "date": dates,
            "yes": pandas.array([True, None], dtype="boolean"),
        }
    ).to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.iloc[0].tolist() == [2**53 + 1, 0.5, "x", dates[0], True]
    assert table.iloc[1].tolist() == [None] * 5


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"a,b\n1,2\n3\n", "Row #3"),
        ("a.csv", b"a,b\n1,2,3\n", "Row #2"),
        ("a.csv", b"a,a\n1,2\n", "more than one column named a"),
        ("a.csv", b"", "no header row"),
        ("a.csv", b"a,b\n\xff,1\n", "UTF-?8"),
        ("a.pkl", b"x", "ends in .pkl, which no reader reads.*save it as CSV"),
        ("a.parquet", b"no parquet", "not a readable Parquet file"),
    ],
)
def test_faults_of_a_table_are_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / name)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no table"):
        read_table(tmp_path / "none.csv")


def test_a_path_inside_is_found(tmp_path: Path) -> None:
    assert inside(tmp_path, "a/b.png") == (tmp_path / "a/b.png").resolve()
    assert inside(tmp_path, "a/../b.png") == (tmp_path / "b.png").resolve()
    assert inside(tmp_path, tmp_path / "b.png") == (tmp_path / "b.png").resolve()


@pytest.mark.parametrize("path", ["../b.png", "a/../../b.png", "/etc/passwd", "..", "a/../.."])
def test_a_path_that_leaves_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(DataError, match="leaves the folder"):
        inside(root, path)


def test_a_neighbour_with_a_longer_name_is_outside(tmp_path: Path) -> None:
    (tmp_path / "root-2").mkdir()
    with pytest.raises(DataError, match="leaves the folder"):
        inside(tmp_path / "root", "../root-2/a.png")


def test_links_that_leave_are_refused(tmp_path: Path) -> None:
    root, secret = tmp_path / "root", tmp_path / "secret"
    root.mkdir()
    secret.mkdir()
    (secret / "a.png").write_bytes(b"x")
    (root / "file.png").symlink_to(secret / "a.png")
    (root / "folder").symlink_to(secret)
    for path in ("file.png", "folder/a.png"):
        with pytest.raises(DataError, match="leaves the folder"):
            inside(root, path)


PEOPLE = "image,note,dx\na.png,démangeaison,mel\nb.png,瘙痒,nv\n"
WESTERN, CHINESE = PEOPLE.replace("瘙痒", "œil"), PEOPLE.replace("démangeaison", "瘙痒")


def same(path: Path, text: str, **settings: Any) -> None:
    """The table is what its text says, letter by letter."""
    rows = [line.split(",") for line in text.splitlines()]
    found = read_table(path, **settings)
    assert list(found.columns) == rows[0]
    assert found.values.tolist() == rows[1:]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_what_a_file_says_of_itself_is_taken(tmp_path: Path, encoding: str, packed: bool) -> None:
    content = PEOPLE.encode(encoding)
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    same(path, PEOPLE)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(WESTERN, "cp1252"), (CHINESE, "gbk"), (CHINESE, "gb18030"), (PEOPLE, "utf-16-le")],
)
def test_other_letters_are_read_when_their_encoding_is_stated(
    tmp_path: Path, text: str, encoding: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    same(path, text, encoding=encoding)


KOREAN, POLISH = "환자,진단\n피부,흑색종\n", "pacjent,rozpoznanie\n1,zmiana złośliwa\n"
CLINIC = "患者,诊断,备注\n001,黑色素瘤,左手背部有红色斑\n002,痣,年龄三十岁\n"
KLINIK = "Patient,Größe,Befund\n001,3,Übelkeit\n002,4,größer als früher\n"


@pytest.mark.parametrize(
    ("text", "encoding", "example"),
    [(CLINIC, "gbk", "'患者'"), (KLINIK, "cp1252", "'Größe'"), (WESTERN, "cp1252", "'démang")],
)
@pytest.mark.parametrize("packed", [False, True])
def test_letters_that_speak_for_an_encoding_are_read_by_it_and_told(
    tmp_path: Path, text: str, encoding: str, example: str, packed: bool
) -> None:
    content = text.encode(encoding)
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    same(path, text)
    found = open_table(path)
    assert found.guesses == {"encoding": encoding}
    assert found.notes[0].startswith(
        f"{path.name} is not UTF-8; its letters are those of {encoding}"
    )
    assert f"such as {example}" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(KOREAN, "euc-kr"), (POLISH, "cp1250"), ("größe,dx\n1,2\n", "utf-8-sig"),
     ("пациент,диагноз\n1,2\n", "cp1251"), ("患者,診断\n1,黒子\n", "shift-jis"),
     ("患者,診斷\n1,皮膚\n", "big5"), ("Größe,dx\n1,2\n", "cp1252")],
)  # fmt: skip
def test_letters_that_speak_for_nothing_certain_are_asked_for(
    tmp_path: Path, text: str, encoding: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    if encoding == "utf-8-sig":  # says itself what it is
        assert open_table(path).guesses == {}
        return
    with pytest.raises(EncodingError, match="is not UTF-8 .*encoding: cp1252"):
        read_table(path)


@pytest.mark.parametrize(
    ("encoding", "words"), [("ascii", "is not ascii"), ("latin-99", "'latin-99' is unknown")]
)
def test_an_encoding_that_does_not_fit_is_refused(
    tmp_path: Path, encoding: str, words: str
) -> None:
    (tmp_path / "a.csv").write_text(PEOPLE, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / "a.csv", encoding=encoding)


@pytest.mark.parametrize(
    ("first", "sign", "stated"),
    [("sep=;\n", ";", None), ("sep=|\r\n", "|", None), ("", ";", None), ("", "\t", None),
     ("", "|", "|"), ("\ufeffsep=;\n", ";", None)],
)  # fmt: skip
def test_the_sign_between_cells_is_said_or_seen(
    tmp_path: Path, first: str, sign: str, stated: str | None
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(first + PEOPLE.replace(",", sign), encoding="utf-8", newline="")
    same(path, PEOPLE, **({"separator": stated} if stated else {}))


def test_json_lines_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"image": "a.png", "age": 40}\n\n{"image": "b.png", "sex": null}\n')
    table = read_table(path)
    assert table.to_dict("list") == {
        "image": ["a.png", "b.png"], "age": [40, None], "sex": [None, None],
    }  # fmt: skip
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert read_table(tmp_path / "a.ndjson.gz").equals(table)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", b'{"a": 1}\n[1]\n', "row 3 is no object"),
        ("a.jsonl", b'{"a": \n', "row 2 is no JSON"),
        ("a.jsonl", b"[" * 100_000, "row 2 is no JSON"),
        ("a.jsonl", b"\xff\xfe{}", "JSON lines always are|no JSON"),
        ("a.csv.gz", b"\x1f\x8b damaged", "cannot be unpacked"),
        ("a.csv.gz", gzip.compress(gzip.compress(b"a,b\n1,2\n", mtime=0), mtime=0), "packed twice"),
        ("a.json", b"[]", "ends in .json, which no reader reads; nearest: .jsonl"),
        ("a.txt", b"a b", "ends in .txt, which no reader reads.*save it as CSV"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / name)


def test_reading_the_header_grows_with_the_columns_and_not_with_their_square(
    tmp_path: Path,
) -> None:
    def seconds(columns: int) -> float:
        file = tmp_path / f"{columns}.csv"
        names = [f"gene{place}" for place in range(columns)]
        file.write_text(",".join(names) + "\n" + ",".join("1" * columns) + "\n")
        start = time.process_time()
        assert read_table(file).shape == (1, columns)
        return time.process_time() - start

    seconds(100)
    few = max(seconds(2_500) for _ in range(3))
    assert seconds(10_000) < 6 * few  # 2.5 to 3.6 times; counting each name among all, 7.6 to 9.7


@pytest.mark.parametrize(
    "own",
    [
        Reading(encoding="gbk", separator=";"),
        Reading(reader=CsvParams(encoding="gbk", separator=";")),
    ],
)
def test_a_further_table_is_read_like_the_first_where_it_does_not_say_it(
    tmp_path: Path, own: Reading
) -> None:
    path, text = tmp_path / "a.csv", CHINESE.replace(",", ";")
    for encoding in ("gbk", "utf-8", "utf-16"):
        path.write_bytes(text.encode(encoding))
        assert open_like(path, own).cells.values.tolist()[1] == ["b.png", "瘙痒", "nv"]
    pandas.DataFrame({"a": ["x"]}).to_parquet(tmp_path / "a.parquet")
    assert open_like(tmp_path / "a.parquet", own).cells.values.tolist() == [["x"]]
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(text.encode("gbk")))
    assert open_like(packed, own).cells.values.tolist()[0][1] == "瘙痒"


def test_a_reader_that_cannot_be_used_stands_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMX_BLOCK_PLUGINS", "reader.parquet")
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert read_table(tmp_path / "a.csv").to_dict("list") == {"a": ["1"]}
    pandas.DataFrame({"a": ["x"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="ends in .parquet, which no reader reads"):
        read_table(tmp_path / "a.parquet")


def test_a_table_in_memory_has_each_name_once() -> None:
    cells = pandas.DataFrame([["x", "y"]], columns=["age", "age "])
    with pytest.raises(DataError, match="more than one column named 'age'; rename them"):
        in_memory(cells)
