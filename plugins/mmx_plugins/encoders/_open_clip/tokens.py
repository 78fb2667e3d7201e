"""How texts become ids: by the vocabulary of the first CLIP, or by the folder's own tokenizer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from mmx.blocks import check_tokenizer_files, chunk_advice, ends_of, in_windows, token_count
from mmx.errors import MissingExtraError, WeightsError, said_by
from mmx.interfaces import TokenCount
from mmx_plugins.encoders._open_clip.folder import ClipFolder

CLIPS = "clips"  # a mode of the library: the token of a class stands behind the padding
_USUAL_LENGTH = 77  # tokens, of the first CLIP, where a folder is silent


class ClipTokenizer(ABC):
    """Texts to ids.

    Attributes:
        longest: tokens that a text has at most.
        special: tokens that each text gets besides its own.
        padding: the id that fills a text up.
        digest: SHA-256 of its rules and vocabulary.
        size: how many ids there are.
        inner: decodes single ids.
    """

    longest: int
    special: int
    padding: int
    digest: str
    size: int
    inner: Any

    @abstractmethod
    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, special tokens included, cut to ``longest``."""

    @abstractmethod
    def plain(self, text: str) -> list[int]:
        """Ids of a whole text, without special tokens."""

    @property
    def room(self) -> int:
        """Tokens of a text among its special ones."""
        return max(self.longest - self.special, 0)

    def count(self, texts: Sequence[str], most: int = 1) -> TokenCount:
        """How much of texts is read in so many windows at most."""
        found = [self.plain(text) for text in texts]
        more = chunk_advice(max(map(len, found), default=0), self.room, most)
        advice = f"this model reads no more than {self.longest} tokens at once"
        return token_count(
            self.inner, found, self.room * most, f"{advice}; {more}" if more else advice
        )

    def windows(self, texts: Sequence[str], most: int) -> list[list[int]]:
        """Ids as of ``rows``; of a text that would be cut, in so many windows at most."""
        rows = self.rows(texts)
        if most == 1 or not self.room:
            return rows
        ends = ends_of(self.rows(["a"])[0], self.plain("a"))
        for place, text in enumerate(texts):
            if len(rows[place]) >= self.longest and len(ids := self.plain(text)) > self.room:
                rows[place] = in_windows(ids, self.longest, most, ends)
        return rows


def clip_tokenizer(folder: ClipFolder) -> ClipTokenizer:
    """The tokenizer of a model.

    Raises:
        WeightsError: the folder has none, or of a kind that is not read.
    """
    try:
        from open_clip import get_tokenizer  # an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("open_clip", "mmx[open-clip]") from error
    stated = folder.part("text_cfg")
    settings = stated.get("tokenizer_kwargs") or {}
    mode, drawn = stated.get("tokenizer_mode"), settings.get("reduction_mask")
    if drawn or mode not in (None, "", CLIPS):
        key = f"reduction_mask: {drawn}" if drawn else f"tokenizer_mode: {mode}"
        raise WeightsError(
            f"{folder.path} writes its texts by {key}, which this method does not read: texts that "
            "are too long lose tokens by chance there, so that no two readings are alike; without "
            "the key they are cut at the end, which is not what the model was trained with"
        )
    with said_by("open_clip", f"{folder.path} has no tokenizer that can be loaded"):
        found: Any = get_tokenizer(f"local-dir:{folder.path}")
    longest = int(stated.get("context_length") or _USUAL_LENGTH)
    if stated.get("hf_tokenizer_name"):
        check_tokenizer_files(folder.path, {*found.tokenizer.vocab_files_names.values()})
    if mode == CLIPS and stated.get("hf_tokenizer_name"):
        return _Clips(found, longest)
    return _Own(found, longest) if stated.get("hf_tokenizer_name") else _Simple(found, longest)


class _Simple(ClipTokenizer):
    """The vocabulary of the first CLIP; it spells everything, what it does not know in bytes."""

    special, padding = 2, 0

    def __init__(self, found: Any, longest: int) -> None:
        self.inner = found
        self.longest = longest
        self.size = int(found.vocab_size)
        self.digest = sha256(repr(sorted(found.encoder.items())).encode()).hexdigest()

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        whole = self.inner(list(texts), context_length=self.longest).tolist()
        end = self.inner.eot_token_id
        return [ids[: ids.index(end) + 1] for ids in whole]

    def plain(self, text: str) -> list[int]:
        found: list[int] = self.inner.encode(text)
        return found


class _Own(ClipTokenizer):
    """A tokenizer of transformers that lies in the folder."""

    def __init__(self, found: Any, longest: int) -> None:
        self._whole = found
        self.inner = found.tokenizer
        self.longest = longest
        self.special = int(self.inner.num_special_tokens_to_add())
        self.padding = int(self.inner.pad_token_id or 0)
        self.size = len(self.inner)
        backend = getattr(self.inner, "backend_tokenizer", None)
        vocabulary = repr(sorted(self.inner.get_vocab().items()))
        rules = vocabulary if backend is None else backend.to_str()
        self.digest = sha256(rules.encode()).hexdigest()

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        cleaned = [self._whole.clean_fn(text) for text in texts]
        short = self.inner(cleaned, truncation=True, max_length=self.longest)["input_ids"]
        whole = self._whole(list(texts), context_length=self.longest).tolist()
        return [ids[: len(row)] for ids, row in zip(whole, short, strict=True)]

    def plain(self, text: str) -> list[int]:
        found: list[int] = self.inner(self._whole.clean_fn(text), add_special_tokens=False)[
            "input_ids"
        ]
        return found


class _Clips(_Own):
    """Begins and ends a text, and names its class behind it; the tower moves that to the end.

    Source: Liu et al. 2024, CLIPS, arXiv:2411.16828
    """

    def __init__(self, found: Any, longest: int) -> None:
        super().__init__(found, longest)
        special = (self.inner.bos_token_id, self.inner.eos_token_id, self.inner.cls_token_id)
        if None in (*special, self.inner.pad_token_id):
            raise WeightsError(
                "tokenizer_mode: clips needs a tokenizer with bos, eos, cls and pad tokens, and "
                "this one lacks some of them"
            )
        self.special, self._ends = len(special), special

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        first, *behind = self._ends
        return [[first, *self.plain(text)[: self.room], *behind] for text in texts]
