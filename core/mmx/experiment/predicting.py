"""Predict new cases with a finished run."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import torch

from mmx.data import ImageStore, TextStore, inside, read_table
from mmx.errors import DataError
from mmx.experiment.explaining import Explainer
from mmx.experiment.prediction import PartPrediction
from mmx.experiment.prepare import cache_folder
from mmx.experiment.processes import heard
from mmx.experiment.progress import stage
from mmx.experiment.trained import Trained, load_trained
from mmx.interfaces import Sample
from mmx.report import CaseReport, Explanation, render_cases
from mmx.runs import Observer, write_text


@dataclass(frozen=True, slots=True)
class Case:
    """What to predict: an image, a text, or both.

    Attributes:
        id: to find it again.
        image: file; None without.
        text: as the model reads it; empty without.
    """

    id: str
    image: Path | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run says to a case.

    Attributes:
        id: of the case.
        probabilities: by class, highest first.
        extras: further columns of inference hooks.
        explanation: why, where that was asked for.
    """

    id: str
    probabilities: dict[str, float]
    extras: dict[str, float]
    explanation: Explanation | None = None

    @property
    def predicted(self) -> str:
        """The class with the highest probability."""
        return next(iter(self.probabilities))


def predict(
    path: str | Path,
    cases: Sequence[Case],
    *,
    explain: bool = False,
    observer: Observer | None = None,
) -> list[Answer]:
    """Predict cases with a finished run.

    Args:
        path: the run's directory.
        cases: at least one; each with an image or a text.
        explain: also say why: heat on the image, words, shares of the sides, gates.
        observer: is told how far it has come.

    Raises:
        RunError: it is not a finished run.
        DataError: a case without image and text, or an image that cannot be read.
    """
    bare = [case.id for case in cases if case.image is None and not case.text.strip()]
    if bare or not cases:
        raise DataError(
            f"nothing to look at: no image and no text in {', '.join(bare[:5]) or 'it'}"
        )
    return _answers(load_trained(Path(path)), cases, explain, heard(observer))


def _answers(
    trained: Trained, cases: Sequence[Case], explain: bool, observer: Observer
) -> list[Answer]:
    spec = trained.spec.data
    samples = [Sample(case.id, case.id, (case.image,) if case.image else ()) for case in cases]
    images = ImageStore(samples, spec.image, folder=cache_folder(spec) / "images", memory_gb=0)
    if images.unreadable:
        shown = "; ".join(f"{bad.row}: {bad.reason}" for bad in images.unreadable[:5])
        raise DataError(f"{len(images.unreadable)} images cannot be read: {shown}")
    texts = TextStore([case.text.strip() for case in cases], trained.text_encoder)
    nothing = torch.full((len(cases),), -1)
    with stage(observer, "predicting", "cases") as told:
        found = trained.over(images, texts, nothing, [case.id for case in cases], told)
    extras = found.columns(trained.classes)
    reasons = _reasons(trained, cases, images, found) if explain else [None] * len(cases)
    return [
        Answer(
            case.id,
            _sorted(found.log_probs[row].exp().tolist(), trained.classes),
            {name: float(value[row]) for name, value in extras.items()},
            reasons[row],
        )
        for row, case in enumerate(cases)
    ]


def _reasons(
    trained: Trained, cases: Sequence[Case], images: ImageStore, found: PartPrediction
) -> list[Explanation | None]:
    explainer = Explainer(trained.chain, images, trained.text_encoder)
    return [
        explainer.explain(
            row,
            case.text.strip(),
            int(found.log_probs[row].argmax()),
            {name: values[row] for name, values in found.explain.items()},
        )
        for row, case in enumerate(cases)
    ]


def write_explanations(
    path: str | Path, run: str, cases: Sequence[Case], answers: Sequence[Answer]
) -> None:
    """Write a page with each case and why it was answered so.

    Args:
        path: of the HTML file.
        run: name of the run, for the title.
        cases: as they were given to ``predict``.
        answers: what it gave with ``explain=True``.
    """
    shown = [
        CaseReport(case.id, case.text, answer.probabilities, answer.explanation)
        for case, answer in zip(cases, answers, strict=True)
        if answer.explanation is not None
    ]
    write_text(Path(path), render_cases(run, shown))


def _sorted(probabilities: Sequence[float], classes: Sequence[str]) -> dict[str, float]:
    pairs = sorted(zip(probabilities, classes, strict=True), reverse=True)
    return {name: value for value, name in pairs}


def read_cases(table: str | Path, *, image: str = "image", text: str = "text") -> list[Case]:
    """Cases of a table: a column of image files, a column of texts, or both; ``id`` if it is there.

    Args:
        table: CSV, TSV or Parquet; image files are relative to its folder and may not leave it.
        image: name of the column of images.
        text: name of the column of texts.

    Raises:
        DataError: neither column is there, or a path leaves the folder of the table.
    """
    rows, folder = read_table(table), Path(table).absolute().parent
    if image not in rows and text not in rows:
        raise DataError(
            f"{table} has the columns {', '.join(map(str, rows.columns))}; none is called "
            f"{image!r} or {text!r}; name them with --image-column and --text-column"
        )
    ids = rows["id"] if "id" in rows else [str(number) for number in range(2, len(rows) + 2)]
    empty = [""] * len(rows)
    files, texts = (rows.get(name, empty) for name in (image, text))
    return [
        Case(str(name), inside(folder, str(file)) if str(file) else None, str(words))
        for name, file, words in zip(ids, files, texts, strict=True)
    ]


def write_answers(path: str | Path, answers: Sequence[Answer]) -> None:
    """Write answers as CSV: id, predicted, p_CLASS in alphabetical order, columns of hooks."""
    classes = sorted(answers[0].probabilities)
    extras = sorted(answers[0].extras)
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "predicted", *(f"p_{name}" for name in classes), *extras])
    for one in answers:
        values = [one.probabilities[name] for name in classes] + [one.extras[n] for n in extras]
        writer.writerow([one.id, one.predicted, *(f"{value:.6g}" for value in values)])
    write_text(Path(path), text.getvalue())
