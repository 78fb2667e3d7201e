"""`mmx init`: a first spec that is valid as it stands."""

from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner, Result

import mmx
from mmx_cli.main import app

CASES = """\
image,person_id,age,sex,"what: notes, seen",finding,dx_type,row
1.jpg,p1,30,male,a round brown spot,nevus,histo,a1
2.jpg,p1,31,male,a dark uneven spot,melanoma,histo,a2
3.jpg,p2,50,female,a small red mark,nevus,consensus,a3
4.jpg,p3,60,female,a dark bleeding spot,melanoma,histo,a4
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a table and the images that it names."""
    (tmp_path / "mine" / "pictures").mkdir(parents=True)
    (tmp_path / "mine" / "cases.csv").write_text(CASES)
    for row in range(1, 5):
        (tmp_path / "mine" / "pictures" / f"{row}.jpg").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*arguments: str) -> Result:
    """Run ``mmx init``."""
    return CliRunner().invoke(app, ["init", *arguments])


def test_the_spec_for_synthetic_data_is_valid() -> None:
    assert init().exit_code == 0
    spec = mmx.load_spec("spec.yaml")
    assert spec.resolved()["data"]["dataset"]["type"] == "synthetic"
    assert "#" in Path("spec.yaml").read_text()


def test_the_spec_for_a_table_names_its_columns_and_says_why(folder: Path) -> None:
    result = init("--table", "mine/cases.csv", "--out", "my spec.yaml")
    assert result.exit_code == 0
    assert "label: finding (by its name, 2 classes)" in result.stdout
    assert "left out: dx_type (its name speaks of the diagnosis)" in result.stdout
    spec = mmx.load_spec("my spec.yaml")
    assert spec.name == "my-spec"
    dataset = spec.resolved()["data"]["dataset"]
    assert dataset["path"] == str(folder / "mine" / "cases.csv")
    assert dataset["root"] == str(folder / "mine" / "pictures")
    assert {key: dataset[key] for key in ("images", "text", "label", "group", "record")} == {
        "images": {"image": ["image"]}, "text": "what: notes, seen", "label": "finding",
        "group": "person_id", "record": ["age", "sex"],
    }  # fmt: skip
    assert spec.resolved()["data"]["narratives"]["text"]["column"] == "what: notes, seen"


def test_the_rows_of_a_guessed_table_can_be_read() -> None:
    assert init("--table", "mine/cases.csv").exit_code == 0
    rows = mmx.load_spec("spec.yaml").data.dataset.build().samples()
    assert [row.label for row in rows] == ["nevus", "melanoma", "nevus", "melanoma"]
    assert [row.group for row in rows] == ["p1", "p1", "p2", "p3"]


def test_a_table_without_sentences_or_groups_gives_a_valid_spec() -> None:
    Path("plain.csv").write_text("file,age,label\n1.jpg,30,a\n2.jpg,40,b\n3.jpg,50,a\n")
    assert init("--table", "plain.csv").exit_code == 0
    spec = mmx.load_spec("spec.yaml").resolved()
    assert spec["data"]["narratives"]["text"]["type"] == "template"
    assert spec["data"]["dataset"]["group"] is None


def test_it_never_overwrites_unless_told_to() -> None:
    Path("spec.yaml").write_text("mine")
    refused = init()
    assert refused.exit_code == 2
    assert "spec.yaml is there already; --force overwrites it" in refused.stderr
    assert Path("spec.yaml").read_text() == "mine"
    assert init("--force").exit_code == 0
    assert Path("spec.yaml").read_text() != "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--table", "nowhere.csv"], "nowhere.csv"),
        (["--table", "mine/cases.csv", "--label", "findin"], "nearest: finding"),
        (["--label", "finding"], "--label is about a table; name it with --table"),
        (["--task", "ordinal"], "--task is about a table; name it with --table"),
        (["--record"], "--record is about a table; name it with --table"),
        (["--join", "mine/cases.csv"], "--join is about a table; name it with --table"),
        (["--sheet", "Q"], "--sheet is about a table; name it with --table"),
        (["--out", "nowhere/spec.yaml"], "nowhere/spec.yaml cannot be written"),
    ],
)
def test_a_mistake_ends_with_plain_words(arguments: list[str], words: str) -> None:
    result = init(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_what_was_found_out_about_a_file_is_told_and_stands_in_the_spec(folder: Path) -> None:
    text = CASES.replace("a round brown spot", "ein r\u00f6tlicher Fleck")
    (folder / "mine" / "cases.csv").write_bytes(text.encode("cp1252"))
    result = init("--table", "mine/cases.csv")
    assert "its letters are those of cp1252, such as 'r\u00f6tlicher'" in result.stdout
    assert mmx.load_spec("spec.yaml").resolved()["data"]["dataset"]["encoding"] == "cp1252"


def test_a_sheet_of_a_workbook_becomes_a_spec(folder: Path) -> None:
    lines = [line.split(",") for line in CASES.replace('"what: notes, seen"', "notes").splitlines()]
    book = openpyxl.Workbook()
    book.create_sheet("Legend").append(["what is what"])
    for line in lines:
        book.worksheets[0].append(line)
    book.save(folder / "mine" / "cases.xlsx")
    result = init("--table", "mine/cases.xlsx")
    assert result.exit_code == 0, result.output
    assert "the sheet 'Sheet' is read; there are also Legend" in result.stdout
    dataset = mmx.load_spec("spec.yaml").data.dataset
    assert dataset.model_dump()["sheet"] == "Sheet"
    assert [one.label for one in dataset.build().samples()] == [line[5] for line in lines[1:]]
    unlabelled = init("--table", "mine/cases.xlsx", "--label", "findin", "--force")
    assert unlabelled.exit_code == 2
    assert "the sheet 'Sheet' is read" in unlabelled.stdout  # a refusal hides nothing
    (folder / "other.xlsx").write_bytes((folder / "mine" / "cases.xlsx").read_bytes())
    refused = init("--table", "other.xlsx", "--sheet", "Q", "--force")
    assert refused.exit_code == 2
    assert "has no sheet 'Q'; its sheets are Sheet, Legend" in refused.stderr


def test_a_folder_of_images_becomes_a_spec(folder: Path) -> None:
    table = CASES.replace("image,", "file_name,")
    (folder / "mine" / "pictures" / "metadata.csv").write_text(table)
    result = init("--table", "mine/pictures")
    assert result.exit_code == 0, result.output
    samples = mmx.load_spec("spec.yaml").data.dataset.build().samples()
    assert samples[0].images["image"] == (folder / "mine" / "pictures" / "1.jpg",)


def test_the_record_as_a_modality_is_valid_too(folder: Path) -> None:
    assert init("--table", "mine/cases.csv", "--record").exit_code == 0
    encoders = mmx.load_spec("spec.yaml").resolved()["model"]["encoders"]
    assert [*encoders] == ["image", "text", "record"]
    bare = CASES.replace("age,sex,", "").replace("30,male,", "").replace("31,male,", "")
    bare = bare.replace("50,female,", "").replace("60,female,", "")
    Path("bare.csv").write_text(bare)
    assert init("--table", "bare.csv", "--force").exit_code == 0
    assert "# record" not in Path("spec.yaml").read_text()


def test_a_table_without_pictures_becomes_a_spec_that_reads_its_texts(folder: Path) -> None:
    rows = [line.partition(",")[2] for line in CASES.splitlines()]
    Path("plain.csv").write_text("\n".join(rows) + "\n")
    assert init("--table", "plain.csv").exit_code == 0
    spec = mmx.load_spec("spec.yaml")
    assert [*spec.resolved()["model"]["encoders"]] == ["text"]
    assert [one.label for one in spec.data.dataset.build().samples()][:2] == ["nevus", "melanoma"]
    assert init("--table", "plain.csv", "--record", "--force").exit_code == 0
    assert [*mmx.load_spec("spec.yaml").resolved()["model"]["encoders"]] == ["text", "record"]


def test_pictures_of_kinds_that_their_columns_name_have_an_encoder_each(folder: Path) -> None:
    table = CASES.replace("image,", "derm,clinic_photo,").replace(".jpg,", ".jpg,1.jpg,")
    (folder / "mine" / "cases.csv").write_text(table)
    result = init("--table", "mine/cases.csv")
    assert "each is of another kind, by its name" in result.stdout
    spec = mmx.load_spec("spec.yaml").resolved()
    assert spec["data"]["dataset"]["images"] == {"derm": ["derm"], "clinic_photo": ["clinic_photo"]}
    assert {*spec["model"]["encoders"]} == {"derm", "clinic_photo", "text"}
    (folder / "mine" / "cases.csv").write_text(table.replace("clinic_photo,", "second,"))
    asked = init("--table", "mine/cases.csv", "--force")
    assert "question: are 'derm', 'second' views of one kind?" in " ".join(asked.stdout.split())
    encoders = mmx.load_spec("spec.yaml").resolved()["model"]["encoders"]
    assert encoders["image"]["type"] == "sequence"


def test_pictures_of_several_kinds_alone_have_no_text_beside_them(folder: Path) -> None:
    rows = [f"{n}.jpg,{n}.jpg,{label}" for n, label in enumerate(("a", "b", "a", "b"))]
    Path("pictures.csv").write_text("\n".join(["derm,clinic,diagnosis", *rows]) + "\n")
    assert init("--table", "pictures.csv").exit_code == 0
    encoders = mmx.load_spec("spec.yaml").resolved()["model"]["encoders"]
    assert [*encoders] == ["derm", "clinic"]


def test_a_text_without_a_header_is_named_and_its_spec_reads_it(folder: Path) -> None:
    lines = [f"{('TRAIN', 'TEST')[row // 2]};{row + 1}.jpg;{row % 2}" for row in range(4)]
    (folder / "mine" / "bare.csv").write_text("\n".join(lines))
    table = ["--table", "mine/bare.csv"]
    refused = init(*table)
    assert refused.exit_code == 2
    assert "mmx init --columns a,b,c" in refused.output
    done = init(*table, "--columns", "split, image, label", "--separator", ";")
    assert done.exit_code == 0, done.output
    text = (folder / "spec.yaml").read_text()
    assert "reader: {type: csv, separator: ;, columns: [split, image, label]}" in text
    found = mmx.load_spec("spec.yaml").data.dataset.build()
    assert [sample.id for sample in found.samples()] == ["1", "2", "3", "4"]
    assert found.column("split") == ["TRAIN", "TRAIN", "TEST", "TEST"]


def test_names_of_columns_are_for_files_that_have_none(folder: Path) -> None:
    book = openpyxl.Workbook()
    book.save(folder / "mine" / "cases.xlsx")
    done = init("--table", "mine/cases.xlsx", "--columns", "a,b")
    assert done.exit_code == 2
    assert "reader.xlsx: it has no setting 'columns'" in done.output
    assert "--columns is about a table" in init("--columns", "a").output


def test_names_of_columns_that_are_empty_are_refused(folder: Path) -> None:
    (folder / "mine" / "bare.csv").write_text("1.jpg,a\n2.jpg,b\n")
    done = init("--table", "mine/bare.csv", "--columns", "")
    assert (done.exit_code, "no header row with column names" in done.output) == (2, True)
