"""Why a model said so, for single cases: heat on images, words, shares of modalities, gates."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mmx.data import ImageStore, TextStore
from mmx.inference.attempts import Attempts
from mmx.inference.heat import heat_maps
from mmx.inference.missing import shares_of_case
from mmx.inference.placeholders import Placeholders
from mmx.inference.prediction import Chain
from mmx.inference.shapley import Shares
from mmx.interfaces import Batch, Images, TextEncoder, WrappingEncoder, map_tensors
from mmx.report import Explanation

Pixels = NDArray[np.uint8]
Weights = dict[str, tuple[float, ...]]
PIECES = 48  # of a text; longer ones are cut into pieces of several words
NUMBERS = 16  # of a gate or level weight; longer ones say nothing to a reader
_SIDE = 192  # pixels, the longer side of a picture
_WARM = np.array([214.0, 62.0, 0.0])


class Explainer:
    """Explains single cases of one model.

    Attributes:
        chain: the model; inference hooks are left out.
    """

    def __init__(
        self, chain: Chain, images: ImageStore, encoder: TextEncoder, placeholders: Placeholders
    ) -> None:
        self.chain, self.images, self.encoder = chain, images, encoder
        self.placeholders = placeholders

    def explain(
        self, row: int, text: str, predicted: int, explained: Mapping[str, Tensor]
    ) -> Explanation:
        """One case; what cannot be told of it is said in its notes.

        Args:
            row: of the images.
            text: as the model read it.
            predicted: what to explain, a place among the names of the task.
            explained: gates and the like of this row, by name.
        """
        self.chain.model.eval()
        attempts = Attempts()
        images = self.images.collate([row])
        unseen: tuple[Pixels | None, int] = (None, 0)
        picture, view = attempts.get(
            "what the encoder looked at", lambda: self._looked_at(images), unseen
        )
        given = attempts.get("why", lambda: self._batch(images, [text]), None)
        weights = attempts.get("gates", lambda: _readable(explained), Weights())
        image = None if picture is None else _jpeg(picture)
        if given is None:
            return Explanation(weights=weights, image=image, notes=attempts.notes)
        shares = attempts.get("shares", lambda: self._shares(given), Shares({}, {}))
        return Explanation(
            shares={name: float(value) for name, value in shares.values.items()},
            share_errors={name: float(value) for name, value in shares.errors.items()},
            words=attempts.get("words", lambda: self._words(given, text, predicted), ()),
            weights=weights,
            image=image,
            heat=attempts.get("heat", lambda: self._heat(given, predicted, picture, view), None),
            notes=attempts.notes,
        )

    def _looked_at(self, images: Images) -> tuple[Pixels | None, int]:
        """What the backbone saw of one case, small, and which of the real views that is."""
        encoder = self.chain.model.encoder("image")
        if not bool(images.mask.any()) or not isinstance(encoder, WrappingEncoder):
            return _picture(images, 0), 0
        shown = encoder.views(images)
        centre = encoder.view_centre(images.mask, images.centre)
        place = encoder.looked_at(shown.mask[0], int(centre[0]))
        return _picture(shown, place), int(shown.mask[0, :place].sum())

    def _batch(self, images: Images, texts: Sequence[str]) -> Batch:
        tokens = TextStore(texts, self.encoder).collate(range(len(texts)))
        present = torch.stack([images.present, tokens.present], dim=1)
        return Batch({"image": images, "text": tokens}, present)

    def _shares(self, given: Batch) -> Shares:
        names = self.chain.model.used
        if len(names) < 2:
            return Shares({}, {})
        with torch.inference_mode():
            return shares_of_case(self.chain, self.chain.encoded(given, names), self.placeholders)

    def _words(self, given: Batch, text: str, predicted: int) -> tuple[tuple[str, float], ...]:
        """Each word, and by how much the probability falls when it is left out."""
        pieces = pieces_of(text)
        if not pieces or not self.chain.model.reads["text"]:
            return ()
        texts = [text, *(without(pieces, place) for place in range(len(pieces)))]
        tokens = TextStore(texts, self.encoder).collate(range(len(texts)))
        with torch.inference_mode():
            image = self.chain.encoded(given, ["image"]).inputs["image"]
            image = map_tensors(image, lambda tensor: _repeated(tensor, len(texts)))
            there = torch.stack([given.present[:, 0].expand(len(texts)), tokens.present], dim=1)
            asked = Batch({"image": image, "text": tokens}, there)
            log_probs = self.chain.plain(asked).log_probs
        probability = self.chain.task.values(log_probs)[:, predicted]
        drops = (probability[0] - probability[1:]).tolist()
        return tuple(zip(pieces, drops, strict=True))

    def _heat(
        self, given: Batch, predicted: int, picture: Pixels | None, view: int
    ) -> bytes | None:
        if picture is None or not self.chain.model.reads["image"]:
            return None
        device = next(self.chain.model.parameters()).device
        on = map_tensors(given, lambda tensor: tensor.to(device))
        target = torch.tensor([predicted], device=device)
        heat = heat_maps(self.chain.model, on, target, view, read=self.chain.evidence)
        return None if heat is None else _jpeg(_overlay(picture, heat[0].float().cpu()))


def pieces_of(text: str) -> list[str]:
    """The words of a text, or runs of them when there are many."""
    words = text.split()
    size = max(1, -(-len(words) // PIECES))
    return [" ".join(words[start : start + size]) for start in range(0, len(words), size)]


def without(pieces: Sequence[str], place: int) -> str:
    """The text without one of its pieces."""
    return " ".join(piece for index, piece in enumerate(pieces) if index != place)


def _repeated(tensor: Tensor, times: int) -> Tensor:
    """One row as many; scalars, such as penalties, as they are."""
    return tensor.repeat_interleave(times, dim=0) if tensor.ndim else tensor


def _readable(explained: Mapping[str, Tensor]) -> Weights:
    """Gates and weights of a few numbers; of a long vector its mean, maps not at all."""
    found = Weights()
    for name, value in explained.items():
        if 0 < value.numel() <= NUMBERS:
            found[name] = tuple(value.flatten().float().tolist())
        elif value.ndim == 1:
            found[f"{name}, mean of {len(value)}"] = (float(value.float().mean()),)
    return found


def _picture(images: Images, view: int) -> Pixels | None:
    """[H, W, 3] of a view, small; None when it is absent."""
    if not images.mask[0, view]:
        return None
    pixels = images.pixels[0, view]
    if pixels.is_floating_point():
        pixels = (pixels * 255).round().clamp(0, 255).to(torch.uint8)
    if len(pixels) != 3:  # a stack of slices: the middle one
        pixels = pixels[len(pixels) // 2].expand(3, -1, -1)
    whole = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    whole.thumbnail((_SIDE, _SIDE))
    return np.asarray(whole)


def _overlay(picture: Pixels, heat: Tensor) -> Pixels:
    """The picture in grey under its heat [h, w] in [0, 1]."""
    height, width = picture.shape[:2]
    shown = Image.fromarray((heat.numpy() * 255).astype(np.uint8))
    alpha = np.asarray(shown.resize((width, height), Image.Resampling.BICUBIC)) / 255 * 0.75
    grey = picture.mean(axis=2, keepdims=True)
    mixed: NDArray[np.float64] = grey * (1 - alpha[..., None]) + _WARM * alpha[..., None]
    return mixed.round().clip(0, 255).astype(np.uint8)


def _jpeg(picture: Pixels) -> bytes:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
