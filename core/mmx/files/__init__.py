"""Files: opened only when they are plain, written whole, sealed, locked, and owned."""

from mmx.files.atomic import remove_parts, temporary, write_whole
from mmx.files.hold import Busy, Hold
from mmx.files.journal import Journal
from mmx.files.kept import keep, recall
from mmx.files.naming import named_path
from mmx.files.owned import cache_path, own_folder
from mmx.files.regular import UnfitFileError, need_regular, open_regular, read_regular
from mmx.files.renamed import under_new_name
from mmx.files.sealed import seal, unseal
from mmx.files.sheet import Sheet, own_words, sheet

__all__ = [
    "Busy", "Hold", "Journal", "Sheet", "UnfitFileError", "cache_path", "keep", "named_path",
    "need_regular", "open_regular", "own_folder", "own_words", "read_regular", "recall",
    "remove_parts", "seal", "sheet", "temporary", "under_new_name", "unseal", "write_whole",
]  # fmt: skip
