"""Modalities of other names than image and text, from a table to a run and to new cases."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import mmx
from mmx_cli.main import app

WriteImage = Callable[..., Path]

SPEC = """
name: names
data:
  dataset:
    type: table
    path: cases.csv
    root: .
    images: {derm: d, clinic: [p, q]}
    text: notes
    label: dx
    group: who
    record: [age]
  narratives: {history: {type: column, column: notes}, facts: {type: template}}
  image: {height: 32, width: 32}
model:
  encoders: {ENCODERS}
  fusion: FUSION
  head: {type: mlp, hidden: 8}
  projection: 8
train: {epochs: 1, batch_size: 16}
evaluation: {explain: 0}
"""
DERM = "derm: tiny_image"
CLINIC = "clinic: {type: multi_view, backbone: tiny_image}"


@pytest.fixture
def cases(home: Path, write_image: WriteImage) -> pd.DataFrame:
    """Rows with one picture of one kind, two of another, notes and an age."""
    rows = []
    for row in range(48):
        files = {name: write_image(f"{name}{row}.png", seed=97 * row + k).name
                 for k, name in enumerate("dpq")}  # fmt: skip
        if row % 7 == 0:
            files["q"] = ""
        label = "ab"[row // 2 * 13 % 7 % 2]
        rows.append(
            {**files, "notes": f"spot {row * 7 % 5}", "dx": label, "who": f"w{row // 2}",
             "age": 20 + row * 11 % 60}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    table.to_csv(home / "cases.csv", index=False)
    return table


def loaded(home: Path, plugin: Path, encoders: str, *more: str) -> mmx.Spec:
    file = home / "names.yaml"
    fusion = "concat" if encoders.count("tiny") > 1 else "{type: only, modality: derm}"
    text = SPEC.replace("ENCODERS", encoders).replace("FUSION", fusion)
    file.write_text(text, encoding="utf-8")
    return mmx.load_spec(file, plugins=[plugin], overrides=more)


ALL = f"{DERM}, {CLINIC}, history: tiny_text, facts: tiny_text"


@pytest.mark.parametrize("encoders", [DERM, f"{CLINIC}, history: tiny_text", ALL])
def test_a_run_of_named_modalities_answers_its_own_table(
    home: Path, tiny_plugin: Path, cases: pd.DataFrame, encoders: str
) -> None:
    spec = loaded(home, tiny_plugin, encoders)
    run = mmx.run(spec)
    kept = pd.read_parquet(run.path / "predictions.parquet").set_index("sample")
    answered = mmx.predict(run.path, home / "cases.csv", plugins=[tiny_plugin])
    test = kept[kept["part"] == "test"]
    rows = [int(str(name)) - 2 for name in test.index]
    got = answered.iloc[rows]
    assert (got["p_a"].to_numpy() - test["p_a"].to_numpy()).__abs__().max() < 1e-4


def test_each_encoder_is_held_against_the_images_of_its_own_name(
    home: Path, tiny_plugin: Path, cases: pd.DataFrame
) -> None:
    turned = "data.dataset.images={clinic: [p, q], derm: [d]}"
    assert mmx.run(loaded(home, tiny_plugin, f"{CLINIC}, {DERM}", turned)).metrics
    with pytest.raises(mmx.DataError, match="up to 2 images, and encoder.tiny_image reads 1"):
        mmx.run(loaded(home, tiny_plugin, f"clinic: tiny_image, {DERM}", turned))


def test_a_case_names_its_images_and_texts(
    home: Path, tiny_plugin: Path, cases: pd.DataFrame
) -> None:
    run = mmx.run(loaded(home, tiny_plugin, f"{CLINIC}, history: tiny_text"))
    row = cases.iloc[3]
    table = mmx.predict(run.path, home / "cases.csv", plugins=[tiny_plugin])
    images = [home / str(row["p"]), home / str(row["q"])]
    case = mmx.Case(images={"clinic": images}, text=str(row["notes"]))
    one = mmx.predict(run.path, case, plugins=[tiny_plugin])
    assert one["p_a"].iloc[0] == pytest.approx(table["p_a"].iloc[3], abs=1e-5)
    with pytest.raises(mmx.DataError, match="no images called 'xray'; it reads clinic"):
        mmx.predict(run.path, mmx.Case(images={"xray": images}), plugins=[tiny_plugin])
    named = mmx.Case(images=[Path(f"clinic={one}") for one in images], text=str(row["notes"]))
    same = mmx.predict(run.path, named, plugins=[tiny_plugin])
    assert same["p_a"].iloc[0] == one["p_a"].iloc[0]
    plain = mmx.Case(images=images, text=str(row["notes"]))  # no other kind is read
    assert mmx.predict(run.path, plain, plugins=[tiny_plugin])["p_a"].iloc[0] == one["p_a"].iloc[0]


def test_an_encoder_of_texts_needs_a_narrative_of_its_name(
    home: Path, tiny_plugin: Path, cases: pd.DataFrame
) -> None:
    with pytest.raises(mmx.SpecError) as caught:
        loaded(home, tiny_plugin, f"{DERM}, letter: tiny_text")
    (fault,) = caught.value.faults
    assert fault.key == "model.encoders.letter"
    assert fault.line > 0
    assert "data.narratives has history, facts: add letter: {type: ...}" in fault.message


def test_an_encoder_of_images_that_the_table_does_not_have_is_refused(
    home: Path, tiny_plugin: Path, cases: pd.DataFrame
) -> None:
    spec = loaded(home, tiny_plugin, f"{DERM}, xray: tiny_image")
    with pytest.raises(mmx.DataError, match="images of the modality 'xray'.* has derm, clinic"):
        mmx.run(spec)


def test_the_short_form_is_the_narrative_of_text(load: Callable[..., mmx.Spec]) -> None:
    spec = load()
    assert [*spec.data.narratives] == ["text"]
    assert "narratives:" in spec.to_yaml()
    assert (
        load("data.narratives.text.column=notes").data == load("data.narrative.column=notes").data
    )


def test_a_run_of_names_is_evaluated_and_asked_from_the_command_line(
    home: Path, tiny_plugin: Path, cases: pd.DataFrame
) -> None:
    run = mmx.run(loaded(home, tiny_plugin, f"{CLINIC}, history: tiny_text"))
    found = mmx.evaluate_run(run.path, home / "cases.csv", plugins=[tiny_plugin])
    assert len(found.predictions)
    row = cases.iloc[3]
    words = [
        "predict", str(run.path), "--plugin", str(tiny_plugin), "--text", str(row["notes"]),
        "--image", f"clinic={home / str(row['p'])}", "--image", f"clinic={home / str(row['q'])}",
    ]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    plain = CliRunner().invoke(app, [*words[:-4], "--image", str(home / str(row["p"]))])
    assert plain.exit_code == 0, plain.output  # no other kind of images is read
    both = mmx.run(loaded(home, tiny_plugin, f"{CLINIC}, {DERM}"))
    unnamed = [
        "predict",
        str(both.path),
        "--plugin",
        str(tiny_plugin),
        "--image",
        str(home / str(row["d"])),
    ]
    refused = CliRunner().invoke(app, unnamed)
    assert refused.exit_code == 2
    assert "say which is which" in refused.output
