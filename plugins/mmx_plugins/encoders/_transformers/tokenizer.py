"""The tokenizer of a folder, as it lies there."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmx.blocks import check_tokenizer_files
from mmx.errors import WeightsError, said_by

_OLD_END = 2  # end of a text in old configurations of CLIP, whatever their tokenizers write
# XLM-R, T5 and ALBERT, DeBERTa, Llama; where tokenizer.json is there as well, it is read instead
_PIECES = ("sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model")


def folder_tokenizer(folder: Path) -> Any:
    """Load it.

    Raises:
        WeightsError: it has none, or one that cannot be loaded.
    """
    from transformers import AutoTokenizer  # seconds of import

    _check_sentencepiece(folder)
    with said_by("transformers", f"{str(folder)!r} has no tokenizer that can be loaded"):
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    check_tokenizer_files(folder, {*tokenizer.vocab_files_names.values()})
    return tokenizer


def _check_sentencepiece(folder: Path) -> None:
    """Name the library that is lacking; transformers names another one."""
    pieces = [name for name in _PIECES if (folder / name).is_file()]
    if pieces and not (folder / "tokenizer.json").is_file() and find_spec("sentencepiece") is None:
        raise WeightsError(
            f"{folder / pieces[0]} is read by sentencepiece, which is not installed; run: pip "
            "install sentencepiece"
        )


def end_of_text(tokenizer: Any, config: Any) -> int | None:
    """The token at which a CLIP pools its texts.

    Args:
        tokenizer: of its folder.
        config: of its tower of texts.
    """
    stated: int | None = config.eos_token_id
    own: int | None = tokenizer.eos_token_id
    return own if stated == _OLD_END else stated
