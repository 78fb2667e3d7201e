"""The control that compares images with the names of the classes, beside runs that can have it."""

import html
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import mmx
from mmx.experiment import CONTROL
from mmx.experiment.zero_shot import answered
from mmx.interfaces import EncodedPrompts
from mmx.spec import idle_keys
from mmx_plugins.tasks.multi_label import MultiLabel
from mmx_plugins.tasks.ordinal import Ordinal
from mmx_plugins.tasks.single_label import SingleLabel

Load = Callable[..., mmx.Spec]
NAMES = "evaluation.prompts.names={lenoma: a rose}"


@pytest.fixture
def comparing(tiny_spec: Path, tiny_plugin: Path) -> Load:
    """The tiny experiment with an encoder that compares images with texts."""

    def loaded(*overrides: str, **settings: object) -> mmx.Spec:
        told = "".join(f", {key}: {value}" for key, value in settings.items())
        image = f"model.image={{type: comparing{told}}}"
        plugins = [tiny_plugin, tiny_plugin.with_name("comparing.py")]
        given = (image, "train.epochs=1", *overrides)
        return mmx.load_spec(tiny_spec, overrides=given, plugins=plugins)

    return loaded


def test_it_stands_in_the_report_with_its_sentences(comparing: Load) -> None:
    run = mmx.run(comparing(NAMES, "evaluation.prompts.templates=['{}', 'one {} here']"))
    told = run.metrics["zero_shot"]["image"]
    assert told["balanced_accuracy"]["value"] == pytest.approx(1 / 3)  # all of them one class
    assert told["prompts"]["lenoma"] == ["a rose", "one a rose here"]
    assert told["prompts"]["vescaria"] == ["vescaria", "one vescaria here"]
    assert told["absent"] == 0
    kept = run.controls[run.controls[CONTROL] == "zero-shot, image"]  # what studies read
    asked = run.predictions[run.predictions["part"] == "test"]
    assert kept["sample"].tolist() == asked["sample"].tolist()
    assert set(kept["predicted"]) == {"lenoma"}
    assert set(run.controls[CONTROL]) == {"probe", "zero-shot, image"}
    page = run.report.read_text()
    assert "zero-shot, image" in page
    assert "lenoma: a rose + one a rose here; " in page


def test_what_the_model_does_not_read_of_a_sentence_is_told(comparing: Load) -> None:
    names = "evaluation.prompts.names={lenoma: a rosé}"
    run = mmx.run(comparing(names, "evaluation.prompts.templates=['one {}']", reads=2))
    cut, strange = run.metrics["zero_shot"]["image"]["unread"]
    assert cut == "These were cut, for the model reads no more tokens: 'one a rosé' (2 of 3)."
    assert strange == "Tokens of these are unknown to the model: 'one a rosé' (1 of 3)."
    assert f"{cut} {strange}" in html.unescape(run.report.read_text(encoding="utf-8"))
    whole = mmx.run(comparing(NAMES, "evaluation.prompts.templates=['one {}']", reads=3))
    assert whole.metrics["zero_shot"]["image"]["unread"] == []


def test_hooks_that_read_pixels_and_fusions_that_read_tokens_change_nothing(
    comparing: Load,
) -> None:
    run = mmx.run(comparing(NAMES, "model.fusion=cross_attention", "inference=[tta]"))
    assert run.metrics["zero_shot"]["image"]["balanced_accuracy"]["value"] == pytest.approx(1 / 3)
    assert run.metrics["probe"]["reads"] == ["image", "text"]


def test_several_labels_need_a_model_that_tells_each_alone(comparing: Load) -> None:
    labels = (
        "task=multi_label",
        "data.dataset={type: synthetic, n: 120, classes: 3, image_size: 32, target: labels}",
    )
    run = mmx.run(comparing(*labels))
    assert "the probability of each alone" in run.metrics["zero_shot"]["image"]["missing"]
    assert "There is no zero-shot control of image beside this run: its" in run.report.read_text()
    alone = mmx.run(comparing(*labels, bias=-1.0))
    assert alone.metrics["zero_shot"]["image"]["macro_auroc"]["value"] == 0.5


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"train": "full"}, "changes in training; freeze it"), ({"works": "false"}, "no tower of")],
)
def test_a_run_that_cannot_have_it_says_why(
    comparing: Load, settings: dict[str, str], words: str
) -> None:
    run = mmx.run(comparing(**settings))
    assert words in run.metrics["zero_shot"]["image"]["missing"]


def test_mistakes_in_prompts_are_told_at_their_place(comparing: Load) -> None:
    with pytest.raises(mmx.SpecError, match=r"prompts.templates.0: .*must hold \{\} once"):
        comparing("evaluation.prompts.templates=[a photo]")
    with pytest.raises(mmx.SpecError) as error:
        mmx.run(comparing("evaluation.prompts.names={lenom: rose}"))
    (fault,) = error.value.faults
    assert "evaluation.prompts.names.lenom" in str(fault)
    assert "the data have no class 'lenom'; nearest: lenoma" in str(fault)


def test_prompts_that_nothing_reads_are_told(load: Load, comparing: Load) -> None:
    assert idle_keys(comparing(NAMES)) == []
    (told,) = idle_keys(load(NAMES))
    assert told.startswith("evaluation.prompts has no effect: no encoder of this model compares")


def test_answers_are_the_formulas() -> None:
    vectors, images = torch.randn(3, 4).double(), torch.randn(5, 4).double()
    cosines = torch.nn.functional.cosine_similarity(images[:, None], vectors[None], dim=-1)
    names = ("a", "b", "c")
    for task in (SingleLabel(names), Ordinal(names)):
        for bias in (None, 2.0):
            found = answered(task, EncodedPrompts(vectors, 7.0, bias), images)
            assert found is not None
            torch.testing.assert_close(found.exp(), torch.softmax(7 * cosines, dim=1))
    found = answered(MultiLabel(names), EncodedPrompts(vectors, 7.0, -2.0), images)
    assert found is not None
    torch.testing.assert_close(found[..., 1].exp(), torch.sigmoid(7 * cosines - 2))
    torch.testing.assert_close(found.exp().sum(dim=-1), torch.ones(5, 3).double())
    nothing = answered(SingleLabel(names), EncodedPrompts(vectors, 7.0), torch.zeros(1, 4).double())
    assert nothing is not None
    torch.testing.assert_close(nothing.exp(), torch.full((1, 3), 1 / 3).double())
