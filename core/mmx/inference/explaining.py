"""Why a model said so, for single cases: heat on images, words, shares of modalities, gates."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from mmx.data import ImageStore, TextStore
from mmx.inference.asking_again import asked_again, without_columns
from mmx.inference.attempts import Attempts
from mmx.inference.heat import heat_maps
from mmx.inference.looked_at import LookedAt, looked_at
from mmx.inference.missing import shares_of_case
from mmx.inference.placeholders import Placeholders
from mmx.inference.prediction import Chain
from mmx.inference.shapley import Shares
from mmx.interfaces import (
    Batch,
    Store,
    TextEncoder,
    map_tensors,
)
from mmx.report import ExplainedImage, Explanation, WithoutColumn

Weights = dict[str, tuple[float, ...]]
Words = tuple[tuple[str, float], ...]
Columns = dict[str, tuple[WithoutColumn, ...]]
PIECES = 48  # of a text; longer ones are cut into pieces of several words
NUMBERS = 16  # of a gate or level weight; longer ones say nothing to a reader


class Explainer:
    """Explains single cases of one model.

    Attributes:
        chain: the model; inference hooks are left out.
    """

    def __init__(
        self, chain: Chain, stores: Mapping[str, Store], placeholders: Placeholders
    ) -> None:
        self.chain, self.placeholders = chain, placeholders
        self.stores = {name: stores[name] for name in chain.model.modalities}

    def explain(
        self, row: int, texts: Mapping[str, str], predicted: int, explained: Mapping[str, Tensor]
    ) -> Explanation:
        """One case; what cannot be told of it is said in its notes.

        Args:
            row: of the stores.
            texts: as the model read them, by modality.
            predicted: what to explain, a place among the names of the task.
            explained: gates and the like of this row, by name.
        """
        self.chain.model.eval()
        attempts = Attempts()
        views = self._views(row, attempts)
        weights = attempts.get("gates", lambda: self._weights(explained), Weights())
        given = attempts.get("why", lambda: self._batch(row), None)
        if given is None:
            shown = _shown(views, {})
            return Explanation(weights=weights, images=shown, notes=attempts.notes, unit=self._unit)
        shares = attempts.get("shares", lambda: self._shares(given), Shares({}, {}))
        heat = {
            name: attempts.get(
                _of("heat", name, views), partial(self._heat, given, name, predicted), None
            )
            for name in views
        }
        words = self._all_words(given, texts, predicted, attempts)
        columns = self._all_columns(given, attempts)
        return Explanation(
            shares={name: float(value) for name, value in shares.values.items()},
            share_errors={name: float(value) for name, value in shares.errors.items()},
            words=words,
            columns=columns,
            weights=weights,
            images=_shown(views, heat),
            notes=attempts.notes,
            unit=self._unit,
        )

    @property
    def _unit(self) -> str | None:
        """Of answers that are numbers; None: they are probabilities."""
        return self.chain.task.answer_unit

    def _batch(self, row: int) -> Batch:
        inputs = {name: store.collate([row]) for name, store in self.stores.items()}
        return Batch(inputs, torch.stack([one.present for one in inputs.values()], dim=1))

    def _views(self, row: int, attempts: Attempts) -> dict[str, LookedAt]:
        """What the encoders of images looked at, by modality; nothing where there is no image."""
        shown = {n: one for n, one in self.stores.items() if isinstance(one, ImageStore)}
        found = {
            name: attempts.get(
                _of("what the encoder looked at", name, shown),
                partial(looked_at, self.chain.model.encoder(name), store.collate([row])),
                None,
            )
            for name, store in shown.items()
        }
        return {name: views for name, views in found.items() if views is not None}

    def _weights(self, explained: Mapping[str, Tensor]) -> Weights:
        encoders = self.chain.model.named_encoders().values()
        return _readable(explained, {k: v for one in encoders for k, v in one.entries.items()})

    def _shares(self, given: Batch) -> Shares:
        names = self.chain.model.used
        if len(names) < 2:
            return Shares({}, {})
        with torch.inference_mode():
            return shares_of_case(self.chain, self.chain.encoded(given, names), self.placeholders)

    def _all_words(
        self, given: Batch, texts: Mapping[str, str], predicted: int, attempts: Attempts
    ) -> dict[str, Words]:
        """The words of each text that has any to tell of."""
        nothing: Words = ()
        words = {
            name: attempts.get(
                _of("words", name, texts),
                partial(self._words, given, name, text, predicted),
                nothing,
            )
            for name, text in texts.items()
            if name in self.stores  # a narrative may write for a modality that no encoder reads
        }
        return {name: told for name, told in words.items() if told}

    def _all_columns(self, given: Batch, attempts: Attempts) -> Columns:
        """What is answered without each column of each record that is read."""
        nothing: tuple[WithoutColumn, ...] = ()
        found = {
            name: attempts.get(
                f"columns of {name}",
                partial(without_columns, self.chain, given, name, self.placeholders),
                nothing,
            )
            for name in self.stores
        }
        return {name: told for name, told in found.items() if told}

    def _words(self, given: Batch, name: str, text: str, predicted: int) -> Words:
        """Each word, and by how much the probability falls when it is left out."""
        pieces, encoder = pieces_of(text), self.chain.model.encoder(name)
        if not pieces or name not in self.chain.model.used or not isinstance(encoder, TextEncoder):
            return ()
        texts = [text, *(without(pieces, place) for place in range(len(pieces)))]
        tokens = TextStore(texts, encoder).collate(range(len(texts)))
        log_probs = asked_again(self.chain, given, name, tokens)
        probability = self.chain.task.values(log_probs)[:, predicted]
        drops = (probability[0] - probability[1:]).tolist()
        return tuple(zip(pieces, drops, strict=True))

    def _heat(self, given: Batch, name: str, predicted: int) -> Tensor | None:
        """[V, h, w] of the views of one modality; None where the model does not read it."""
        if name not in self.chain.model.used:
            return None
        device = next(self.chain.model.parameters()).device
        on = map_tensors(given, lambda tensor: tensor.to(device))
        target = torch.tensor([predicted], device=device)
        heat = heat_maps(self.chain.model, on, target, name, read=self.chain.evidence)
        return None if heat is None else heat[0].float().cpu()


def _of(what: str, name: str, all_of: Collection[str]) -> str:
    """What is told, and of which modality where there are several of the kind."""
    return what if len(all_of) == 1 else f"{what} of {name}"


def _shown(
    views: Mapping[str, LookedAt], heat: Mapping[str, Tensor | None]
) -> dict[str, ExplainedImage]:
    """One picture of each modality, with its heat."""
    return {name: one.shown(heat.get(name)) for name, one in views.items()}


def pieces_of(text: str) -> list[str]:
    """The words of a text, or runs of them when there are many."""
    words = text.split()
    size = max(1, -(-len(words) // PIECES))
    return [" ".join(words[start : start + size]) for start in range(0, len(words), size)]


def without(pieces: Sequence[str], place: int) -> str:
    """The text without one of its pieces."""
    return " ".join(piece for index, piece in enumerate(pieces) if index != place)


def _readable(explained: Mapping[str, Tensor], entries: Mapping[str, Sequence[str]]) -> Weights:
    """Gates and weights of a few numbers; of a long vector its mean, maps not at all.

    Of numbers that have names, such as columns, the largest stand behind theirs.

    Args:
        explained: of one case.
        entries: explanation -> names of its numbers, where they have any.
    """
    found = Weights()
    for name, value in explained.items():
        named = entries.get(name, ())
        if value.ndim == 1 and len(named) == len(value):
            numbers = value.float().tolist()
            order = sorted(range(len(numbers)), key=lambda place: -numbers[place])[:NUMBERS]
            title = f"{name} ({', '.join(named[place] for place in order)})"
            found[title] = tuple(numbers[place] for place in order)
        elif 0 < value.numel() <= NUMBERS:
            found[name] = tuple(value.flatten().float().tolist())
        elif value.ndim == 1:
            found[f"{name}, mean of {len(value)}"] = (float(value.float().mean()),)
    return found
