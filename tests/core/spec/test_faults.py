"""Every fault of a file, each in plain words and at its place."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mmx import Spec, SpecError, load_spec
from mmx.errors import Fault

Faults = Callable[..., Sequence[Fault]]

# what is replaced in the good spec, by what; line, column, key and words of its one fault
WRONG = [
    ("name: good", "nam: good", [(1, 1, "name", "is missing"),
                                 (1, 1, "nam", "unknown key 'nam'; nearest: name")]),
    ("name: good", "name: 5", [(1, 7, "name", "a text is needed, got 5; write it in quotes")]),
    ("train:\n", "train:\n  optimiser: sgd\n",
     [(12, 3, "train.optimiser", "unknown key 'optimiser'; nearest: optimizer")]),
    ("train:\n", "train:\n  schedule: cosin\n",
     [(12, 13, "train.schedule",
       "'cosin' is not 'cosine', 'constant' or 'one_cycle'; nearest: cosine")]),
    ("train:\n", "train:\n  epochs: 0\n",
     [(12, 11, "train.epochs", "should be greater than 0, got 0")]),
    ("train:\n", "train:\n  epochs: .inf\n",
     [(12, 11, "", ".inf is not a number that a spec may hold")]),
    ("train:\n", "train:\n  clip_norm: 1e999\n", [(12, 14, "", "the number is too large")]),
    ("train:\n", "train:\n  optimizer: {lr: 'nan'}\n",
     [(12, 19, "train.optimizer.lr", "should be a finite number, got 'nan'")]),
    ("train:\n", "train:\n  off: 1\n", [(12, 3, "train.off", "unknown key 'off'; known: ep")]),
    ("train:\n", "train:\n  sampler: toy_order\n",
     [(13, 3, "", "duplicate key 'sampler'; it stands in line 12 already")]),
    ("train:\n", "train:\n  <<: {epochs: 3}\n",
     [(12, 3, "", "merge keys (<<) are not read; use base: FILE")]),
    ("train:\n", "train:\n  [1]: 3\n", [(12, 3, "", "a key is a word, not a list or a mapping")]),
    ("train:\n", "train:\n\tepochs: 3\n",
     [(12, 1, "", "a tab stands here; YAML is indented with spaces")]),
    ("train:\n", "train:\n  epochs: !!python/name:os.system\n",
     [(12, 11, "", "a tag (!) is not read here")]),
    ("train:\n", "train:\n  epochs: [3\n", [(13, 10, "", "this is not YAML: expected ',' or ']'")]),
    ("train:\n", "train:\n  margin: -1\n",
     [(12, 11, "train.margin", "should be greater than or equal to 0")]),
    ("train:\n", "train:\n  confidence: 1\n",
     [(12, 15, "train.confidence", "should be less than 1, got 1")]),
    ("heads: 8", "heads: 0", [(8, 34, "model.fusion.heads", "should be greater than or equal to")]),
    ("heads: 8", "heads: 13", [(8, 11, "model.fusion", "13 heads bring bad luck")]),
    ("heads: 8", "head: 8", [(8, 27, "model.fusion.head", "unknown key 'head'; nearest: heads")]),
    ("type: toy_mix", "type: toy_mx",
     [(8, 18, "model.fusion.type", "no fusion 'toy_mx' is installed; nearest: toy_mix.")]),
    ("type: toy_mix, ", "",
     [(8, 11, "model.fusion", "a type is needed, the name of a fusion; none is given")]),
    ("type: toy_mix", "type: [toy_mix]",
     [(8, 18, "model.fusion.type", "a type is needed, the name of a fusion; got ['toy_mix']")]),
    ("head: toy_top", "head: toy_tip",
     [(9, 9, "model.head", "no head 'toy_tip' is installed; nearest: toy_top.")]),
    ("head: toy_top", "head: 7", [(9, 9, "model.head",
                                   "a head is a name or a mapping with a type, got 7")]),
    ("text: toy_ear", "text: toy_eye",
     [(7, 9, "model.text", "'toy_eye' encodes image; an encoder of text is needed")]),
    ("image: toy_eye", "image: {type: toy_wrapper, backbone: {type: toy_eye, ach: big}}",
     [(6, 56, "model.image.backbone.ach", "unknown key 'ach'; nearest: arch")]),
    ("image: toy_eye", "image: {type: toy_wrapper, backbone: toy_ear}",
     [(6, 40, "model.image.backbone", "'toy_ear' encodes text; an encoder of image is needed")]),
    ("image: toy_eye", "image: toy_wrapper", [(6, 10, "model.image.backbone", "is missing")]),
    ("  text: toy_ear\n", "",
     [(7, 11, "model.fusion", "fusion.toy_mix fuses 2 or more modalities, and the model has 1 (")]),
    ("  text: toy_ear\n", "  text: toy_ear\n  encoders: {text: toy_ear}\n",
     [(7, 3, "model.text", "model.encoders.text says the same already; write one of the two")]),
    ("  text: toy_ear\n", "  encoders: {photo: {type: toy_eye, ach: big}, Xray: toy_eye}\n",
     [(7, 37, "model.encoders.photo.ach", "unknown key 'ach'; nearest: arch"),
      (7, 54, "model.encoders.Xray", "'Xray' cannot name a modality")]),
    ("  text: toy_ear\n", "  encoders: {keys: toy_ear}\n",
     [(7, 20, "model.encoders.keys", "'keys' cannot be the name of a modality; choose another")]),
    ("train:\n", "train:\n  optimizer: {lr_image: 0.1, rates: {txt: 1}}\n",
     [(12, 43, "train.optimizer.rates.txt", "nearest: text; the modalities of the model are ")]),
    ("loss: toy_plain", "inference: [toy_twice, {type: toy_twice, times: 0}]\nloss: toy_plain",
     [(10, 49, "inference.1.times", "should be greater than 0, got 0")]),
    ("dataset: toy_rows", "dataset: toy_rows\n  split: {train: 0.9}",
     [(4, 10, "data.split", "train + validation + test + calibration must be 1, they are 1.2; ")]),
    ("dataset: toy_rows", "dataset: toy_rows\n  split: {folds: 3, fold: 3}",
     [(4, 10, "data.split", "fold 3 does not exist: folds is 3, and the first fold is 0")]),
    ("dataset: toy_rows", "dataset: {type: toy_rows, weights: 7}",
     [(3, 38, "data.dataset.weights", "7 is not 'none' or 'bundled'; or ")]),
    ("dataset: toy_rows", "dataset: {type: toy_rows, root: '${NOT_SET}/x'}",
     [(3, 35, "data.dataset.root", "${NOT_SET} is not set; run `export NOT_SET=FOLDER`, ")]),
    ("name: good", "name: good\nbase: nowhere.yaml", [(2, 7, "base", "there is no file ")]),
    ("name: good", "name: good\nbase: [a.yaml]", [(2, 7, "base", "base is the name of a file")]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), WRONG, ids=[case[1] for case in WRONG])
def test_a_fault_has_its_place_and_plain_words(
    faults: Faults, good: str, old: str, new: str, expected: list[tuple[int, int, str, str]]
) -> None:
    assert old in good
    found = faults(good.replace(old, new))
    assert [(one.line, one.column, one.key) for one in found] == [one[:3] for one in expected]
    for one, (line, *_, words) in zip(found, expected, strict=True):
        assert one.message.startswith(words)
        assert one.source == good.replace(old, new).splitlines()[line - 1]
        assert one.file == Path("spec.yaml")


def test_the_good_spec_has_no_fault(faults: Faults, good: str) -> None:
    assert faults(good) == []


def test_a_fault_shows_its_line_with_a_caret(faults: Faults, good: str) -> None:
    (fault,) = faults(good.replace("toy_mix", "toy_mx"))
    first, line, caret = str(fault).splitlines()
    assert first.startswith("spec.yaml:8:18: model.fusion.type: no fusion 'toy_mx' is installed")
    assert line[caret.index("^") :].startswith("toy_mx")


def test_all_faults_are_told_in_one_go_in_the_order_of_the_file(faults: Faults) -> None:
    found = faults("""\
        name: bad name
        seeed: 4
        data:
          dataset: {type: toy_rows, root: "${NOT_SET}", n: 0}
          narrative: toy_wordz
          narrative: toy_words
          split: {train: 0.9}
        model:
          image: {type: toy_wrapper, backbone: {type: toy_eye, ach: big}}
          text: toy_eye
          fusion: {type: toy_mx}
          head: {type: toy_top, hiden: 3}
        loss: toy_even
        train:
          sampler: toy_balanced
          optimiser: sgd
          epochs: .nan
        inference: [{type: toy_twice, times: -1}]
        """)
    assert [(one.line, one.column) for one in found] == [
        (1, 7), (2, 1), (4, 35), (4, 52), (5, 14), (6, 3), (7, 10), (9, 56), (10, 9), (11, 18),
        (12, 25), (15, 12), (16, 3), (17, 11), (18, 38),
    ]  # fmt: skip


# a wrong key, and what does not fit together elsewhere
VALUES = ("schedule: cosin", "epochs: 0", "clip_norm: high", "augment: heavy", "seeds: 3")
RULES = [
    ("  text: toy_ear\n", "", "model.fusion"),
    ("loss: toy_plain\ntrain:\n  sampler: toy_order",
     "loss: toy_even\ntrain:\n  sampler: toy_balanced", "train.sampler"),
    ("train:\n", "train:\n  optimizer: {rates: {txt: 1}}\n", "train.optimizer.rates.txt"),
    ("train:\n", "train:\n  modality_dropout: {imag: 0.5}\n", "train.modality_dropout.imag"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(("old", "new", "key"), RULES, ids=[rule[2] for rule in RULES])
def test_a_wrong_key_hides_nothing_that_does_not_fit_together(
    faults: Faults, good: str, value: str, old: str, new: str, key: str
) -> None:
    wrong = good.replace(old, new).replace("train:\n", f"train:\n  {value}\n")
    assert {one.key for one in faults(wrong)} == {f"train.{value.split(':')[0]}", key}


@pytest.mark.parametrize(
    ("old", "new"),
    [("type: toy_mix", "type: toy_mx"), ("text: toy_ear", "text: toy_er"),
     ("dataset: toy_rows", "dataset: {type: toy_rows, n: 0}")],
)  # fmt: skip
def test_what_hangs_on_a_wrong_key_is_not_accused(
    faults: Faults, good: str, old: str, new: str
) -> None:
    assert len(faults(good.replace(old, new))) == 1


def test_a_wrong_setting_of_a_method_leaves_the_method(faults: Faults, good: str) -> None:
    wrong = good.replace("heads: 8", "heads: 0").replace(
        "train:\n", "train:\n  optimizer: {rates: {txt: 1}}\n"
    )
    assert [one.key for one in faults(wrong)] == ["model.fusion.heads", "train.optimizer.rates.txt"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("# nothing\n", "it is empty"),
        ("- a\n- b\n", "a spec is a mapping, got a list"),
        ("word", "a spec is a mapping, got 'word'"),
        ("a: 1\n---\na: 2\n", "a second document begins here; a spec is one document, without ---"),
        ("a: \x01", "U+0001 is not a character that YAML may hold"),
        ("a: " + "[" * 200, "it is nested more than 50 deep"),
        ("a: [" + "1," * 100_000, "it has more than 10000 values"),
        ("a: &a [*a]", "it has more than 10000 values or is nested more than 50 deep"),
    ],
)
def test_what_is_no_mapping_has_one_fault(faults: Faults, text: str, words: str) -> None:
    (fault,) = faults(text)
    assert fault.message.startswith(words)


def test_aliases_that_grow_beyond_measure_are_a_fault(faults: Faults) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    (fault,) = faults("\n".join(lines))
    assert fault.message.startswith("it has more than 10000 values")


def test_a_long_line_is_not_shown(faults: Faults, good: str) -> None:
    (fault,) = faults(good.replace("name: good", f"name: {'x' * 300}"))
    assert (fault.line, fault.column, fault.source) == (1, 7, "")


def test_a_large_file_is_refused_before_it_is_read(faults: Faults) -> None:
    (fault,) = faults("#" * 1_000_001)
    assert "more than the 1000000 that are read" in fault.message


def test_bytes_that_are_not_utf_8_have_a_place(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"name: a\nseed: 0 # M\xfcnchen\n")
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column) == (2, 12)
    assert fault.message == "byte 0xFC is not UTF-8; save the file as UTF-8"


def test_a_byte_order_mark_is_no_fault(tmp_path: Path, good: str, toys: Path) -> None:
    file = tmp_path / "marked.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + good.encode())
    assert load_spec(file, plugins=[toys]).name == "good"


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        load_spec(tmp_path / name)


CORRECTED = [
    ("loss: toy_even", "sampler: toy_balanced", "train.sampler and loss"),
    ("loss: toy_even", "class_weights: inverse_frequency\n  sampler: toy_order",
     "train.class_weights and loss"),
    ("loss: toy_plain", "class_weights: inverse_frequency\n  sampler: toy_balanced",
     "train.sampler and train.class_weights"),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "train", "named"), CORRECTED)
def test_imbalance_is_corrected_once(
    load: Callable[..., Spec], faults: Faults, good: str, loss: str, train: str, named: str
) -> None:
    twice = good.replace("loss: toy_plain", loss).replace("sampler: toy_order", train)
    (fault,) = faults(twice)
    assert fault.message.startswith(f"class imbalance is corrected more than once, by {named}; ")
    assert fault.key == named.split()[0]
    assert len(faults(twice.replace("heads: 8", "heads: 0"))) == 2  # another fault hides nothing
    assert load(twice + "allow_double_correction: true\n").allow_double_correction
