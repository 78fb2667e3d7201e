"""What is said of the texts of new cases: what they lack, and what the model cannot read."""

from collections.abc import Iterator, Mapping, Sequence

from mmx.data import cut_texts, new_token_loss, strange_texts, text_notes
from mmx.inference.trained_run import TrainedRun
from mmx.interfaces import NarrativeParams, Sample, TextEncoder
from mmx.pipeline import read_scored


def told_of_texts(
    trained: TrainedRun,
    narratives: Mapping[str, NarrativeParams],
    samples: Sequence[Sample],
    written: Mapping[str, Sequence[str]],
    hidden: Sequence[str],
) -> tuple[str, ...]:
    """Sentences on the texts of samples.

    Args:
        trained: the run.
        narratives: that wrote them, by modality.
        samples: the cases.
        written: modality -> their texts.
        hidden: fields of the record that texts are never written from.
    """
    lacks = (note for one in narratives.values() for note in text_notes(one, samples, hidden))
    spoken = {name: texts for name, texts in written.items() if any(map(str.strip, texts))}
    return tuple(dict.fromkeys([*lacks, *_unread(trained, spoken)]))


def _unread(trained: TrainedRun, written: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Where texts are cut, or clearly more of them is unknown than of the training texts."""
    scored = read_scored(trained.folder)
    for name, texts in written.items():
        encoder = trained.model.encoder(name)
        if isinstance(encoder, TextEncoder):
            method = trained.spec.model.encoders[name].entry_point
            loss = new_token_loss(encoder, texts)
            yield from cut_texts(loss, method)
            yield from strange_texts(loss, scored.unknown(name), method)
