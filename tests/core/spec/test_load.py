"""Reading a spec: numbers and words, bases, overrides, paths."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mmx import PluginError, Spec, SpecError, load_spec
from mmx.errors import Fault

Load = Callable[..., Spec]
Faults = Callable[..., Sequence[Fault]]


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-4", 1e-4), ("1E+2", 100.0), (".5", 0.5), ("3.", 3.0), ("-2", -2.0), ("0x10", 16.0)],
)
def test_numbers_are_read_as_they_are_meant(
    load: Load, good: str, written: str, value: float
) -> None:
    spec = load(good.replace("heads: 8", f"rate: {written}"))
    assert spec.resolved()["model"]["fusion"]["rate"] == value


@pytest.mark.parametrize(
    "written", ["no", "off", "1:30", "2020-01-01", "'1e-4'", "'null'", "'.inf'"]
)
def test_words_stay_words(load: Load, good: str, written: str) -> None:
    spec = load(good.replace("heads: 8", f"word: {written}"))
    assert spec.resolved()["model"]["fusion"]["word"] == written.strip("'")


def test_a_name_stands_for_a_mapping_with_that_type(load: Load, good: str) -> None:
    long = good.replace("toy_eye", "{type: toy_eye}") + "  optimizer: {type: sgd}\n"
    assert load(long).resolved() == load(good + "  optimizer: sgd\n").resolved()


def test_a_method_that_is_left_out_is_the_default_one(load: Load, good: str) -> None:
    without = load(good.replace("  head: toy_top\n", "").replace("loss: toy_plain\n", ""))
    assert without.model.head.type == "mlp"  # type: ignore[attr-defined]
    told = load(good.replace("head: toy_top", "head: {hidden: 99}"))
    assert told.resolved()["model"]["head"] == without.resolved()["model"]["head"] | {"hidden": 99}


@pytest.mark.parametrize(("written", "dim"), [("64", 64), ("{dim: 64}", 64), ("null", None)])
def test_a_projection_is_a_width_a_mapping_or_none(
    load: Load, good: str, written: str, dim: int | None
) -> None:
    spec = load(good.replace("model:", f"model:\n  projection: {written}"))
    projection = spec.model.projection
    assert (projection and projection.dim) == dim


def test_a_spec_remembers_where_it_came_from(load: Load, good: str, toys: Path) -> None:
    spec = load(good, "seed=3")
    assert spec.file == Path("spec.yaml").absolute()
    assert spec.plugin_files == (toys,)
    assert spec.text == good + "\n# --set seed=3"


def test_a_local_plugin_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="nowhere.py does not exist"):
        load_spec("spec.yaml", plugins=[tmp_path / "nowhere.py"])


# --- base ---

CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("model: {fusion: {heads: 2}}", {"type": "toy_mix", "heads": 2, "rate": 0.5}),
    ("model: {fusion: {type: toy_mix, heads: 2}}", {"type": "toy_mix", "heads": 2, "rate": 0.5}),
    ("model: {fusion: toy_mix}", {"type": "toy_mix", "heads": 8, "rate": 0.5}),
    ("model: {fusion: {type: toy_add, dim: 3}}", {"type": "toy_add", "dim": 3}),
    ("model: {fusion: toy_add}", {"type": "toy_add", "dim": 256}),
    ("seed: 4", {"type": "toy_mix", "heads": 8, "rate": 0.5}),
]


@pytest.mark.parametrize(("change", "fusion"), CHANGES)
def test_a_spec_changes_its_base(
    load: Load, good: str, change: str, fusion: dict[str, Any]
) -> None:
    base = good.replace("heads: 8", "heads: 8, rate: 0.5")
    spec = load({"child.yaml": f"base: below/base.yaml\n{change}\n", "below/base.yaml": base})
    found = spec.resolved()["model"]["fusion"]
    assert fusion.items() <= found.items()
    assert ("heads" in found) == (fusion["type"] == "toy_mix")
    assert spec.loss.type == "toy_plain"  # type: ignore[attr-defined]


def test_a_name_in_a_base_takes_settings_from_above(load: Load, good: str) -> None:
    spec = load({"a.yaml": "base: b.yaml\nmodel: {head: {hidden: 3}}", "b.yaml": good})
    assert spec.resolved()["model"]["head"] == {"type": "toy_top", "hidden": 3}


def test_lists_and_null_replace_what_is_below(load: Load, good: str) -> None:
    base = good + "inference: [toy_twice, toy_twice]\n"
    child = "base: b.yaml\ninference: [{type: toy_twice, times: 9}]\nmodel: {projection: null}\n"
    resolved = load({"a.yaml": child, "b.yaml": base}).resolved()
    assert resolved["inference"] == [{"type": "toy_twice", "times": 9}]
    assert resolved["model"]["projection"] is None


def test_bases_may_have_bases(load: Load, good: str) -> None:
    files = {
        "a.yaml": "base: b/b.yaml\nseed: 1\n",
        "b/b.yaml": "base: ../c.yaml\nseed: 2\nname: b\n",
        "c.yaml": good,
    }
    spec = load(files)
    assert (spec.seed, spec.name) == (1, "b")


def test_bases_in_a_circle_are_a_fault(faults: Faults) -> None:
    found = faults({"a.yaml": "base: b.yaml\n", "b.yaml": "seed: 1\nbase: a.yaml\n"})
    (circle,) = [one for one in found if one.key == "base"]
    assert circle.message == "the bases go round in a circle: a.yaml -> b.yaml -> a.yaml"
    assert (circle.file, circle.line, circle.column) == (Path("b.yaml"), 2, 7)


def test_a_fault_points_into_the_file_that_holds_the_key(faults: Faults, good: str) -> None:
    files = {
        "a.yaml": "base: b.yaml\nmodel:\n  fusion: {hads: 2}\n",
        "b.yaml": good.replace("head: toy_top", "head: toy_tip"),
    }
    first, second = faults(files)
    assert (first.file, first.line, first.column) == (Path("a.yaml"), 3, 12)
    assert first.message == "unknown key 'hads'; nearest: heads"
    assert (second.file, second.line, second.column) == (Path("b.yaml"), 9, 9)


# --- overrides ---


def test_an_override_sets_one_value_by_its_path(load: Load, good: str) -> None:
    base = good + "inference: [toy_twice, {type: toy_twice, times: 3}]\n"
    overrides = [
        "seed=7", "model.head.hidden=5", "inference.1.times=4", "inference.0.times=1",
        "train.optimizer.lr=1e-4", "evaluation.batch_size=10", "audit.waive={label_words: known}",
    ]  # fmt: skip
    resolved = load(base, *overrides).resolved()
    assert resolved["seed"] == 7
    assert resolved["model"]["head"] == {"type": "toy_top", "hidden": 5}
    assert [one["times"] for one in resolved["inference"]] == [1, 4]
    assert resolved["train"]["optimizer"]["lr"] == 1e-4
    assert resolved["evaluation"]["batch_size"] == 10
    assert resolved["audit"]["waive"] == {"label_words": "known"}


@pytest.mark.parametrize("override", ["model.fusion=toy_add", "model.fusion.type=toy_add"])
def test_another_type_starts_with_its_own_settings(load: Load, good: str, override: str) -> None:
    assert load(good, override).resolved()["model"]["fusion"] == {"type": "toy_add", "dim": 256}


@pytest.mark.parametrize(
    ("override", "key", "column", "words"),
    [
        (
            "model.fusion=ibfaa",
            "model.fusion",
            20,
            "no fusion 'ibfaa' is installed; nearest: ibfa.",
        ),
        ("train.optimiser=sgd", "train.optimiser", 23, "unknown key 'optimiser'; nearest: optim"),
        ("train.epochs=[1", "train.epochs", 22, "this is not YAML"),
        ("train.epochs=", "train.epochs", 20, "it is empty"),
        ("train.epochs", "", 7, "write it as path=value, such as train.epochs=5"),
        ("train..epochs=3", "", 7, "write it as path=value, such as train.epochs=5"),
        ("seed.first=x", "seed.first", 18, "seed is 0, which has no keys"),
        ("inference.2=toy_twice", "inference.2", 19, "inference is a list of 1; '2' is no place"),
    ],
)
def test_a_fault_of_an_override_shows_the_override(
    faults: Faults, good: str, override: str, key: str, column: int, words: str
) -> None:
    found = faults(good + "seed: 0\ninference: [toy_twice]\n", override)
    fault = found[-1]
    assert (fault.file, fault.line, fault.key, fault.column) == (None, 0, key, column)
    assert fault.message.startswith(words)
    assert fault.source == f"--set {override}"


# --- paths ---


def test_paths_lie_beside_the_file_that_names_them(load: Load, good: str) -> None:
    rows = "dataset: {type: toy_rows, root: images, files: [a.csv, /b.csv], weights: w.pt}"
    base = good.replace("dataset: toy_rows", rows)
    here = Path.cwd()
    alone = load(base).resolved()["data"]["dataset"]
    assert alone["root"] == str(here / "images")
    assert alone["files"] == [str(here / "a.csv"), "/b.csv"]
    files = {"a.yaml": "base: below/b.yaml\ndata: {cache: {folder: kept}}", "below/b.yaml": base}
    data = load(files).resolved()["data"]
    assert data["dataset"]["root"] == str(here / "below" / "images")
    assert data["dataset"]["files"] == [str(here / "below" / "a.csv"), "/b.csv"]
    assert data["dataset"]["weights"] == str(here / "below" / "w.pt")
    files["below/b.yaml"] = base.replace("w.pt", "none")
    assert load(files).resolved()["data"]["dataset"]["weights"] == "none"
    assert data["cache"]["folder"] == str(here / "kept")


def test_variables_in_paths_are_filled_in(
    load: Load, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMX_DATA", "/somewhere")
    spec = load(good.replace("toy_rows", "{type: toy_rows, root: '${MMX_DATA}/images'}"))
    assert spec.resolved()["data"]["dataset"]["root"] == "/somewhere/images"


# --- laws ---

WORDS = ["name: ", "model", "base", "toy_mix", "{", "}", "[", "]", ": ", "- ", "\n", "\n  ", "&a "]
WORDS += ["*a", "!", "'", '"', "#", "|", ">", "%", "---", "...", "\t", "1e-4", "?", "<<", "data"]


@given(st.text() | st.lists(st.sampled_from(WORDS)).map("".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example("? [a]\n: b")
@example("a: \ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
@example("%YAML 9.9\n---\na: b")
@example("a: &b c\nd: &b e\nf: *g")
@example("name: 1e99999999999999999999")
@example("seed: " + "9" * 5000)
@example("a: 0x" + "f" * 5000)
def test_any_text_loads_or_has_faults(tmp_path: Path, text: str) -> None:
    file = tmp_path / "any.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    assert caught.value.faults


@given(st.text(), st.text(min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_override_is_taken_or_has_faults(load: Load, good: str, value: str, path: str) -> None:
    with pytest.raises(SpecError) as caught:  # the last one is a fault for sure
        load(good, f"name={value}", f"{path}={value}", "train.epochs=-1")
    assert caught.value.faults[-1].source == "--set train.epochs=-1"


@given(
    word=st.text() | st.sampled_from(["no", "1e-4", "0o17", "1_0", "null", "~", "- a", "=", "<<"])
)
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_a_resolved_spec_loads_back_to_itself(load: Load, good: str, toys: Path, word: str) -> None:
    spec = load(good)
    mix = spec.model.fusion.model_copy(update={"word": word, "rate": 1e-7})
    changed = spec.model_copy(update={"model": spec.model.model_copy(update={"fusion": mix})})
    file = Path("other") / "again.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(changed.to_yaml().encode("utf-8", "surrogatepass"))
    assert load_spec(file, plugins=[toys]).resolved() == changed.resolved()
