"""Each kind of images at a size, and with changes, of its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mmx
from mmx.pipeline import prepare
from mmx.runs import SilentObserver

SPEC = """
name: frames
data:
  dataset:
    type: table
    path: cases.csv
    root: .
    images: {derm: d, clinic: c}
    label: dx
    group: who
    record: [age]
  narratives: {}
  image: {height: 32, width: 32, fit: stretch}
  images:
    clinic: {height: 24, width: 40}
model:
  encoders: {derm: {type: tiny_image, train: full}, clinic: tiny_image}
  fusion: concat
  head: {type: mlp, hidden: 8}
  projection: 8
train: {epochs: 2, batch_size: 16}
evaluation: {explain: false}
"""
P = ["p_a", "p_b"]


@pytest.fixture
def load(
    home: Path, write_image: Callable[..., Path], tiny_plugin: Path
) -> Callable[..., mmx.Spec]:
    """Write 40 rows with a picture of each kind; ``load(*overrides)`` loads the spec."""
    rows = [
        {
            "d": write_image(f"d{row}.png", seed=row).name,
            "c": write_image(f"c{row}.png", seed=97 * row + 1).name,
            "dx": "ab"[row // 2 * 13 % 7 % 2], "who": f"w{row // 2}", "age": 20 + row * 11 % 60,
        }
        for row in range(40)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(home / "cases.csv", index=False)
    (home / "frames.yaml").write_text(SPEC)

    def load(*overrides: str) -> mmx.Spec:
        return mmx.load_spec(home / "frames.yaml", overrides=overrides, plugins=[tiny_plugin])

    return load


def sizes(spec: mmx.Spec) -> dict[str, tuple[int, int]]:
    pictures = prepare(spec, SilentObserver()).pictures
    return {name: store.size for name, store in pictures.items()}


def answers(run: mmx.Run) -> np.ndarray:
    return run.predictions[P].to_numpy()


def test_keys_that_a_modality_leaves_out_are_those_of_all_images(
    load: Callable[..., mmx.Spec], home: Path, tiny_plugin: Path
) -> None:
    spec = load()
    assert sizes(spec) == {"derm": (32, 32), "clinic": (24, 40)}
    assert spec.data.frame("clinic").fit == "stretch"
    (home / "again.yaml").write_text(spec.to_yaml())
    again = mmx.load_spec(home / "again.yaml", plugins=[tiny_plugin])
    assert again.data == spec.data
    assert again.to_yaml() == spec.to_yaml()


def test_a_size_is_the_same_wherever_it_is_stated(load: Callable[..., mmx.Spec]) -> None:
    """Law: the frame of each modality decides what is read of it, whichever key states it."""
    one = load("data.images={clinic: {height: 32}, derm: {height: 32}}", "data.image.height=24")
    other = load("data.images={}")
    assert one.data.frame("derm") == other.data.frame("derm")
    np.testing.assert_array_equal(answers(mmx.run(one)), answers(mmx.run(other)))


@pytest.mark.parametrize("trained", ["frozen", "full"])
def test_new_cases_are_brought_to_the_size_of_their_kind(
    load: Callable[..., mmx.Spec], home: Path, tiny_plugin: Path, trained: str
) -> None:
    spec = load(f"model.encoders.clinic.train={trained}")
    run = mmx.run(spec)
    test = run.predictions[run.predictions["part"] == "test"]
    rows = [int(str(name)) - 2 for name in test["sample"]]
    asked = mmx.predict(run.path, home / "cases.csv", plugins=[tiny_plugin]).iloc[rows]
    np.testing.assert_allclose(asked[P].to_numpy(), test[P].to_numpy(), atol=1e-4)
    scored = mmx.evaluate_run(run.path, home / "frames.yaml", plugins=[tiny_plugin]).predictions
    kept = scored.set_index("sample").loc[test["sample"].tolist(), P]
    np.testing.assert_allclose(kept.to_numpy(), test[P].to_numpy(), atol=1e-4)


def test_another_size_of_one_kind_encodes_that_kind_alone_again(
    load: Callable[..., mmx.Spec], home: Path
) -> None:
    frozen = "model.encoders.derm=tiny_image"
    first = encoded(mmx.run(load(frozen)))
    other = encoded(mmx.run(load(frozen, "data.images.clinic.width=32")))
    assert first == {"derm": 40, "clinic": 40}
    assert other == {"derm": 0, "clinic": 40}


def encoded(run: mmx.Run) -> dict[str, int]:
    found = pd.read_json(run.path / "events.jsonl", lines=True)
    row = found[found["event"] == "encoded"].iloc[0]
    return {name: int(row[name]) for name in ("derm", "clinic")}


def test_changes_of_one_kind_leave_the_other_in_the_cache(load: Callable[..., mmx.Spec]) -> None:
    run = mmx.run(load("train.augment={derm: light}"))
    found = pd.read_json(run.path / "events.jsonl", lines=True)
    row = found[found["event"] == "encoded"].iloc[0]
    assert int(row["clinic"]) == 40
    plain = mmx.run(load())
    assert not np.array_equal(answers(run), answers(plain))
    every = mmx.run(load("train.augment={derm: none, clinic: none}"))
    np.testing.assert_array_equal(answers(every), answers(plain))


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ("data.images.xray={height: 8}", "data.images.xray", "with images are derm, clinic"),
        ("train.augment={xray: light}", "train.augment.xray", "with images are derm, clinic"),
        ("data.images.clinic.height=0", "data.images.clinic.height", "greater than 0"),
    ],
)
def test_a_stranger_or_a_wrong_size_is_told_at_its_key(
    load: Callable[..., mmx.Spec], change: str, key: str, words: str
) -> None:
    with pytest.raises(mmx.SpecError) as told:
        load(change)
    (fault,) = told.value.faults
    assert fault.key == key
    assert words in fault.message


def test_a_size_that_an_encoder_cannot_read_is_told_with_the_key_of_its_kind(
    load: Callable[..., mmx.Spec],
) -> None:
    with pytest.raises(mmx.SpecError, match=r"set data.images.clinic to \{height:"):
        mmx.run(load("data.images.clinic={height: 2, width: 2}"))


def test_texts_are_written_from_the_images_that_a_narrative_names(
    load: Callable[..., mmx.Spec],
) -> None:
    text = "model.encoders={derm: tiny_image, clinic: tiny_image, words: tiny_text}"
    narrative = "data.narratives={words: {type: rangm, level: LEVEL, images: NAME}}"

    def texts(level: str, name: str) -> list[str]:
        spec = load(text, narrative.replace("LEVEL", level).replace("NAME", name))
        return [one.text for one in mmx.narratives(spec, 12)]

    for level in ("visual", "retrieved"):
        assert texts(level, "derm") != texts(level, "clinic")
    with pytest.raises(mmx.DataError, match="looks at the images of xray, and the data set has"):
        texts("visual", "xray")
    with pytest.raises(mmx.SpecError, match="which no encoder reads; encoders of images: derm"):
        texts("retrieved", "xray")
