"""The tokenizer of a folder, as it lies there."""

from pathlib import Path
from typing import Any

from mmx.blocks import check_tokenizer_files
from mmx.errors import said_by

_OLD_END = 2  # end of a text in old configurations of CLIP, whatever their tokenizers write


def folder_tokenizer(folder: Path) -> Any:
    """Load it.

    Raises:
        WeightsError: it has none, or one that cannot be loaded.
    """
    from transformers import AutoTokenizer  # seconds of import

    with said_by("transformers", f"{str(folder)!r} has no tokenizer that can be loaded"):
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    check_tokenizer_files(folder, {*tokenizer.vocab_files_names.values()})
    return tokenizer


def end_of_text(tokenizer: Any, config: Any) -> int | None:
    """The token at which a CLIP pools its texts.

    Args:
        tokenizer: of its folder.
        config: of its tower of texts.
    """
    stated: int | None = config.eos_token_id
    own: int | None = tokenizer.eos_token_id
    return own if stated == _OLD_END else stated
