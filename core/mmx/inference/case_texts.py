"""Texts of new cases, by a narrative that learned from the training rows of a run."""

from collections.abc import Sequence
from pathlib import Path

from mmx.data import (
    ImageReaders,
    ImageStore,
    Manifest,
    Split,
    learn_texts,
    new_texts,
    read_manifest,
    read_split,
)
from mmx.errors import DataError, MmxError
from mmx.inference.trained_run import TrainedRun
from mmx.interfaces import IMAGE, NarrativeParams, Sample
from mmx.pipeline import FrozenFeatures, cache_folder, read_scored, stage
from mmx.runs import Observer
from mmx.spec import names_of


def case_texts(
    trained: TrainedRun,
    params: NarrativeParams,
    samples: Sequence[Sample],
    hidden: Sequence[str],
    observer: Observer,
) -> list[str]:
    """The text of each sample.

    Args:
        trained: the run, from whose training rows the narrative learns what it learns.
        params: of the narrative.
        samples: new ones, whose images can be read.
        hidden: fields of the record that the narrative must not see.
        observer: is told how far reading has come.

    Raises:
        DataError: the narrative learns, and the data of the run are not there any more.
    """
    if params.needs_features:
        manifest, split = _training_rows(trained)
        seen = [*(manifest.samples[row] for row in split.rows("train").tolist()), *samples]
        modality = params.images_of or IMAGE
        narrative = params.build(_features(trained, seen, modality, observer))
        learn_texts(narrative, params, manifest, split)
    else:
        narrative = params.build(None)
        if narrative.learns:
            learn_texts(narrative, params, *_training_rows(trained))
    return new_texts(narrative, samples, hidden, with_label=params.needs_label)


def _training_rows(trained: TrainedRun) -> tuple[Manifest, Split]:
    """The rows of the run and their parts, as they were."""
    data = trained.spec.data
    words = (
        f"the texts of this run ({names_of(data.narratives)}) are written with what was learned "
        "from its training rows, so these must be there as they were"
    )
    try:
        manifest = read_manifest(data.dataset.build(), data.max_bad, trained.spec.task)
    except MmxError as error:
        raise DataError(f"{words}: {error}") from error
    if manifest.digest != read_scored(trained.folder).data.rows:
        raise DataError(f"{words}; the data set has other rows now")
    return manifest, read_split(Path(trained.folder.path) / "split.csv", manifest)


def _features(
    trained: TrainedRun, samples: Sequence[Sample], modality: str, observer: Observer
) -> FrozenFeatures:
    data, folder = trained.spec.data, cache_folder(trained.spec.data)
    with stage(observer, "reading", "images") as told:
        images = ImageStore(
            samples,
            data.frame(modality),
            modality=modality,
            folder=folder / "images",
            memory_gb=data.memory_gb,
            progress=told,
            readers=ImageReaders(trained.spec.plugins),
        )
    return FrozenFeatures(trained.spec, folder / "features", samples, images, modality)
