"""The tokenizer of a folder, as it lies there."""

from pathlib import Path
from typing import Any

from mmx.blocks import check_tokenizer_files
from mmx.errors import said_by


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
