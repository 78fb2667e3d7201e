"""Bad input: each kind has its words and exit status 2, no traceback, and nothing half written."""

import io
import os
import pickle
import struct
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from mmx.runs import RunFolder

PLUGIN = str(Path(__file__).parents[1] / "tiny" / "encoders.py")
RUN = ("run", "spec.yaml", "--plugin", PLUGIN)
LOCAL = (*RUN, "--plugin", "p.py")
CHECK = ("spec", "check", "spec.yaml", "--plugin", PLUGIN)
PREDICT = ("predict", "run", "--text", "it itches", "--without", "image")
EVALUATE = ("evaluate", "run", "--data", "cases.csv")
Change = Callable[[Any], object]


def nothing(place: Any) -> None:
    """Leave everything as it is; the command itself is wrong."""


def content(name: str, data: bytes | str) -> Change:
    """A file has this content instead."""
    raw = data.encode() if isinstance(data, str) else data
    return lambda place: (place / name).write_bytes(raw)


def swapped(name: str, old: str, new: str) -> Change:
    return lambda place: place.swap(name, old, new)


def cut(name: str, length: int) -> Change:
    """A file is cut short."""
    return lambda place: (place / name).write_bytes((place / name).read_bytes()[:length])


def gone(name: str) -> Change:
    return lambda place: (place / name).unlink()


def theirs(change: Change) -> Change:
    """A run that a stranger wrote so: its checksums are those of the changed files."""

    def changed(place: Any) -> None:
        change(place)
        RunFolder(place / "run").finish()

    return changed


def folder(name: str) -> Change:
    """A folder stands where a file should be."""

    def change(place: Any) -> None:
        (place / name).unlink(missing_ok=True)
        (place / name).mkdir()

    return change


def link_outside(place: Any) -> None:
    (place / "images/00.png").unlink()
    (place / "images/00.png").symlink_to("../../outside.png")


def bomb(side: int) -> bytes:
    """A PNG of a few bytes whose header promises side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


def floating() -> bytes:
    raw = io.BytesIO()
    Image.fromarray(np.full((8, 8), np.nan, dtype=np.float32)).save(raw, "TIFF")
    return raw.getvalue()


class Payload:
    """Leaves a file where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch EXECUTED",)


PICKLE = pickle.dumps({"state_dict": Payload()})
RESNET = ("--set", "model.image={type: torchvision, arch: resnet18, weights: w.pth}")
SPLIT = ("--set", "data.split.file=split.csv")
HEAD = "sample_id,group_id,label,part,fold\n"

SPECS: dict[str, tuple[Change, tuple[str, ...], str]] = {
    "spec that is not there": (gone("spec.yaml"), RUN, "spec.yaml: cannot be read: No such file"),
    "spec that is a folder": (folder("spec.yaml"), RUN, "cannot be read: it is a folder"),
    "spec without content": (content("spec.yaml", ""), RUN, "spec.yaml: it is empty"),
    "spec that is an image": (content("spec.yaml", bomb(3)), RUN, "byte 0x89 is not UTF-8"),
    "spec with a control character": (content("spec.yaml", "name: \a"), CHECK, "U+0007 is not a"),
    "spec that grows by aliases": (
        content("spec.yaml", "a: &a [x, x]\n" + "".join(
            f"{n}: &{n} [{', '.join(['*' + m] * 9)}]\n" for m, n in pairwise("abcdefg"))),
        CHECK, "more than 10000 values"),
    "spec that is nested deeply": (content("spec.yaml", "[" * 9999), CHECK, "more than 50 deep"),
    "spec with a tag": (swapped("spec.yaml", "good", "!!python/name:os.system"), CHECK,
                        "a tag (!)"),
    "two values for one key": (swapped("spec.yaml", "epochs: 1", "epochs: 1, epochs: 2"), CHECK,
                               "duplicate key 'epochs'"),
    "key that does not exist": (swapped("spec.yaml", "epochs", "epoch"), CHECK, "nearest: epochs"),
    "method that does not exist": (swapped("spec.yaml", "concat", "conact"), CHECK,
                                   "nearest: concat"),
    "learning rate that is no number": (
        nothing, (*CHECK, "--set", "train.optimizer.lr=.nan"), ".nan is not a number that a spec"),
    "number without end": (nothing, (*CHECK, "--set", "seed=1e999"), "the number is too large"),
    "seed beyond 32 bits": (nothing, (*CHECK, "--set", f"seed={2**40}"), "less than 4294967296"),
    "image size beyond memory": (
        nothing, (*CHECK, "--set", "data.image.height=1000000000"), "less than or equal to"),
    "batch of nothing": (nothing, (*CHECK, "--set", "train.batch_size=0"), "greater than 0"),
    "name that leaves the folder": (nothing, (*CHECK, "--set", "name=../../evil"), "name: "),
    "bases in a circle": (swapped("spec.yaml", "name: good", "base: spec.yaml"), CHECK,
                          "the bases go round in a circle"),
    "base that is not there": (swapped("spec.yaml", "name", "base: no.yaml\nname"), CHECK,
                               "there is no file"),
    "variable that is not set": (swapped("spec.yaml", "cases.csv", "'${NOT_SET_AT_ALL}/c.csv'"),
                                 CHECK, "${NOT_SET_AT_ALL} is not set"),
    "override without a value": (nothing, (*CHECK, "--set", "seed"), "write it as path=value"),
    "imbalance corrected twice": (
        nothing, (*CHECK, "--set", "loss=class_balanced", "--set",
                  "train.sampler={type: weighted, q: 1}"), "corrected more than once"),
    "hook that does not exist": (nothing, (*RUN, "--set", "hooks=[nothing]"), "nothing"),
}  # fmt: skip

TABLES: dict[str, tuple[Change, tuple[str, ...], str]] = {
    "table that is not there": (gone("cases.csv"), RUN, "there is no table"),
    "table that is a folder": (folder("cases.csv"), RUN, "is a folder that no reader knows"),
    "table of another format": (nothing, (*RUN, "--set", "data.dataset.path=spec.yaml"),
                                "which no reader reads"),
    "table without content": (content("cases.csv", ""), RUN, "no header row"),
    "table without rows": (content("cases.csv", "photo,notes,finding,person,age\n"), RUN,
                           "no rows"),
    "row with a cell too many": (swapped("cases.csv", ",33\n", ",33,7\n"), RUN,
                             "Row #5: Expected 5 columns, got 6"),
    "table that is not UTF-8": (
        content("cases.csv", b"photo,notes,finding,person,age\na,\xff,b,c,1\n"), RUN,
        "is not UTF-8"),
    "column that is not there": (swapped("cases.csv", "photo", "foto"), RUN,
                                 "has no column 'photo'; its columns are foto"),
    "two columns of one name": (swapped("cases.csv", "age", "notes"), RUN,
                                "more than one column named notes"),
    "damaged parquet": (content("cases.parquet", b"PAR1" + b"\0" * 50 + b"PAR1"),
                        (*RUN, "--set", "data.dataset.path=cases.parquet"), "Parquet"),
    "path that leaves the folder": (swapped("cases.csv", "images/00.png", "../outside.png"), RUN,
                                    "row 2: column 'photo': the path '../outside.png' leaves"),
    "absolute path": (swapped("cases.csv", "images/00.png", "/etc/hostname"), RUN, "leaves"),
    "link that leaves the folder": (link_outside, RUN, "leaves the folder"),
    "path with a zero byte": (swapped("cases.csv", "images/00.png", "images/\0.png"), RUN,
                              "zero byte"),
    "path that is too long": (swapped("cases.csv", "images/00.png", "x" * 5000), RUN, "too long"),
    "cell without a group": (swapped("cases.csv", "person-3", ""), RUN, "column 'person' is empty"),
    "cell without a label": (swapped("cases.csv", "days,benign", "days,"), RUN, "has no label"),
    "one id for two rows": (nothing, (*RUN, "--set", "data.dataset.id=finding"),
                            "stand for more than one row"),
    "fewer groups than parts": (nothing, (*RUN, "--set", "data.dataset.group=finding"),
                                "2 groups cannot fill 3 parts"),
    "one class only": (lambda place: [place.swap("cases.csv", ",malignant,", ",benign,")
                                      for _ in range(12)], RUN, "the only class is 'benign'"),
    "split without its columns": (content("split.csv", "a,b\n1,2\n"), (*RUN, *SPLIT),
                                  "has no column sample_id"),
    "split of other samples": (content("split.csv", HEAD + "x,y,benign,train,0\n"), (*RUN, *SPLIT),
                               "names samples that the data set does not have: x"),
    "text column that is not there": (swapped("spec.yaml", "column: notes", "column: note"), RUN,
                                      "note"),
}  # fmt: skip

IMAGES: dict[str, tuple[Change, tuple[str, ...], str]] = {
    "image that is not there": (gone("images/05.png"), RUN, "cannot be read: No such file"),
    "image that is a folder": (folder("images/05.png"), RUN, "cannot be read: it is a folder"),
    "image of zero bytes": (content("images/05.png", b""), RUN, "is empty (zero bytes)"),
    "image that is cut short": (cut("images/05.png", 300), RUN, "is not a readable image"),
    "image that is a text": (content("images/05.png", "hello"), RUN, "is not a readable image"),
    "image that is a script": (content("images/05.png", "%!PS-Adobe-3.0 EPSF-3.0\n"), RUN,
                               "is not a readable image"),
    "image with too many pixels": (content("images/05.png", bomb(8000)), RUN,
                                   "8000 x 8000 pixels, more than pixel_limit"),
    "image that would fill the memory": (content("images/05.png", bomb(60000)), RUN, "60000"),
    "image of no numbers": (content("images/05.png", floating()), RUN, "no pixel that is a number"),
    "image to predict that is no image": (content("x.png", "hello"),
                                          ("predict", "run", "--image", "x.png",
                                           "--without", "text"),
                                          "x.png is not a readable"),
}  # fmt: skip

WEIGHTS: dict[str, tuple[Change, tuple[str, ...], str]] = {
    "weights that are not there": (nothing, (*RUN, *RESNET), "w.pth': no such file"),
    "weights that are a program": (content("w.pth", PICKLE), (*RUN, *RESNET),
                                   "Nothing in it was run"),
    "weights of zero bytes": (content("w.pth", b""), (*RUN, *RESNET), "holds no plain tensors"),
    "weights that are cut short": (
        lambda place: (place / "w.safetensors").write_bytes(
            (place / "run/model.safetensors").read_bytes()[:90]),
        (*RUN, *RESNET[:1], RESNET[1].replace("w.pth", "w.safetensors")), "holds no plain tensors"),
    "weights of another network": (
        lambda place: (place / "w.safetensors").write_bytes(
            (place / "run/model.safetensors").read_bytes()),
        (*RUN, *RESNET[:1], RESNET[1].replace("w.pth", "w.safetensors")), "tensors"),
    "weights of a package that is not there": (
        nothing, (*RUN, RESNET[0], RESNET[1].replace("w.pth", "'package:no-such-thing/w.pth'")),
        "package 'no-such-thing' is not installed"),
}  # fmt: skip

RUNS: dict[str, tuple[Change, tuple[str, ...], str]] = {
    "run that is not there": (nothing, ("predict", "nowhere", "--text", "a"), "does not exist"),
    "run that is a file": (nothing, ("predict", "spec.yaml", "--text", "a"), "not"),
    "run that is not finished": (gone("run/finished.json"), PREDICT, "is not finished"),
    "weights of a run cut short": (theirs(cut("run/model.safetensors", 90)), PREDICT,
                                   "cannot be read"),
    "weights of a run that are a program": (theirs(content("run/model.safetensors", PICKLE)),
                                            PREDICT,
                                            "model.safetensors cannot be read"),
    "run without its weights": (theirs(gone("run/model.safetensors")), PREDICT, "cannot be read"),
    "facts of a run cut short": (theirs(cut("run/model.json", 30)), PREDICT,
                                 "model.json cannot be read"),
    "facts of a run that are a list": (theirs(content("run/model.json", "[]")),
                                       PREDICT, "model.json"),
    "facts of a run that lack one": (theirs(swapped("run/model.json", '"classes"', '"klasses"')),
                                     PREDICT,
                                     "model.json"),
    "classes of a run that are numbers": (theirs(swapped("run/model.json", '"benign"', "7")),
                                          PREDICT,
                                          "model.json"),
    "more classes than the weights": (theirs(swapped("run/model.json", '"benign"', '"a", "b"')),
                                      PREDICT,
                                      "model"),
    "environment of a run that is damaged": (theirs(content("run/environment.json",
                                                            '{"plugins": 7}')),
                                             PREDICT, "environment.json"),
    "spec of a run that is damaged": (theirs(cut("run/resolved.yaml", 100)),
                                      PREDICT, "resolved.yaml"),
    "metrics of a run that are damaged": (theirs(content("run/metrics.json", "{}")), EVALUATE,
                                          "metrics.json"),
    "split of a run that is damaged": (theirs(content("run/split.csv", "a\n1\n")),
                                       EVALUATE, "split"),
    "spec to evaluate that is not there": (nothing, ("evaluate", "run", "--data", "no.yaml"),
                                           "no.yaml: cannot be read"),
    "table to evaluate that is not there": (nothing, ("evaluate", "run", "--data", "no.csv"),
                                            "there is no table no.csv"),
    "classes that the run does not know": (
        swapped("cases.csv", ",malignant,", ",odd,"), EVALUATE, "the data has odd (1) too"),
}  # fmt: skip

PLUGINS: dict[str, tuple[Change, tuple[str, ...], str]] = {
    "plugin that is not there": (nothing, (*RUN, "--plugin", "no.py"), "no.py does not exist"),
    "plugin that is no Python file": (nothing, (*RUN, "--plugin", "cases.csv"),
                                      "is not a Python file"),
    "plugin that is binary": (content("p.py", b"\x7fELF\0\0\0"), LOCAL, "p.py"),
    "plugin with a wrong line": (content("p.py", "def f(:\n"), LOCAL, "p.py:1"),
    "plugin that fails": (content("p.py", "1 / 0\n"), LOCAL, "p.py:1: ZeroDivisionError"),
    "plugin that exits": (content("p.py", "raise SystemExit(0)\n"), LOCAL, "SystemExit"),
    "plugin that provides nothing": (content("p.py", "x = 1\n"), LOCAL, "it has no mmx_comp"),
    "plugin with an unknown hook": (
        content("p.py", "import mmx\n@mmx.hookimpl\ndef mmx_componets():\n    return []\n"),
        LOCAL, "there is no hook 'mmx_componets'; nearest: mmx_components"),
    "method that is not installed": (nothing, ("plugins", "show", "conact"), "nearest: concat"),
    "name that no method can have": (nothing, ("plugins", "new", "fusion", "../x"),
                                     "cannot be a name"),
    "kind of a template that does not exist": (nothing, ("plugins", "new", "datset", "x"),
                                               "nearest: dataset"),
    "kind that does not exist": (nothing, ("plugins", "list", "--kind", "fusoin"), "fusion"),
}  # fmt: skip

COMMANDS: dict[str, tuple[Change, tuple[str, ...], str]] = {
    "command that does not exist": (nothing, ("rum", "spec.yaml"), "No such command 'rum'"),
    "option that does not exist": (nothing, ("run", "spec.yaml", "--fast"), "No such option"),
    "run without a spec": (nothing, ("run",), "Missing argument"),
    "prediction of nothing": (nothing, ("predict", "run"), "give --image, --text, --text-file or"),
    "prediction of one and many": (nothing, ("predict", "run", "--text", "a", "--table", "c.csv"),
                                   "give --image, --text, --text-file or"),
    "prediction of spaces": (nothing, (*PREDICT[:2], "--text", "  ", *PREDICT[4:]),
                             "none of 1 cases can be answered"),
    "table without the columns": (content("c.csv", "a,b\n1,2\n"),
                                  ("predict", "run", "--table", "c.csv"), "has no column"),
    "table without cases": (content("c.csv", "photo,notes\n"),
                            ("predict", "run", "--table", "c.csv"), "has no rows"),
    "result into no folder": (nothing, (*PREDICT, "--out", "no/where.csv"), "cannot be written"),
    "result over a folder": (nothing, (*PREDICT, "--out", "images"), "cannot be written"),
    "schema into no folder": (nothing, ("spec", "schema", "--out", "no/s.json"),
                              "cannot be written"),
    "spec that is there already": (nothing, ("init",), "spec.yaml is there already"),
    "table to guess that is not there": (nothing, ("init", "--table", "no.csv"), "no.csv"),
    "runs in a place that is a file": (
        lambda place: (place / "runs").write_text("mine"), RUN, "cannot be made"),
    "cache in a place that is a file": (
        lambda place: (place / "cache").write_text("mine"), RUN, "cannot be used"),
}  # fmt: skip

BAD = SPECS | TABLES | IMAGES | WEIGHTS | RUNS | PLUGINS | COMMANDS


def named(words: tuple[str, ...]) -> tuple[str, ...]:
    """What names the plugin file of the run, for the commands that open it."""
    return ("--plugin", PLUGIN) if words[0] in ("predict", "evaluate") else ()


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_in_plain_words(
    place: Any, command: Callable[..., Result], name: str
) -> None:
    change, words, said = BAD[name]
    change(place)
    before = place.files()
    result = command(*words, *named(words))
    assert isinstance(result.exception, SystemExit), result.exception
    told = " ".join(result.stderr.replace("│", " ").split())
    assert said in told
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert place.files() == before
    assert place.half_written() == []
    assert not (place / "EXECUTED").exists()


def test_the_payload_of_the_weights_would_leave_a_file(place: Any) -> None:
    pickle.loads(PICKLE)
    assert (place / "EXECUTED").exists()


def test_the_good_input_is_good(place: Any, command: Callable[..., Result]) -> None:
    for words in (RUN, PREDICT, EVALUATE):
        result = command(*words, *named(words))
        assert result.exit_code == 0, result.stderr
