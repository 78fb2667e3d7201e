"""Rows, splits, images and texts: from a data set to batches."""

from mmx.data.appearance import Appearance, appearance_of
from mmx.data.assign import assign_groups
from mmx.data.beside_lists import with_lists
from mmx.data.beside_tables import tables_beside
from mmx.data.cached import CachedFeatures
from mmx.data.cell_parts import parts_of_cells
from mmx.data.cells import texts_of
from mmx.data.contents import Contents
from mmx.data.data_report import Count, DataReport, make_data_report
from mmx.data.encoding import FrozenEncoder, KeyedInputs
from mmx.data.feature_cache import FeatureCache
from mmx.data.field_columns import record_columns
from mmx.data.frames import Decoder
from mmx.data.gathering import Gathering
from mmx.data.grey_range import measured_range
from mmx.data.image_readers import ImageReaders
from mmx.data.image_store import ImageStore
from mmx.data.images import FILE_LIMIT, read_image
from mmx.data.joined_tables import joined
from mmx.data.label_shares import UnevenShare, uneven_shares
from mmx.data.lost_depth import lost_depths
from mmx.data.manifest import Manifest, check_bad, read_manifest
from mmx.data.one_reader import read_by_one
from mmx.data.part import Part, Source, part_of
from mmx.data.small_grey import SMALL_SIDE, small_greys
from mmx.data.split import Split, make_split, read_split, write_split
from mmx.data.table_rows import TableRows
from mmx.data.tables import (
    in_memory,
    is_table,
    open_like,
    open_table,
    read_table,
    reader_with_columns,
    without_nulls,
)
from mmx.data.text_files import WrittenText
from mmx.data.texts import TextStore, learn_texts, new_texts, text_notes, write_texts
from mmx.data.threads import in_threads
from mmx.data.token_loss import (
    TokenLoss,
    cut_texts,
    loss_warnings,
    new_token_loss,
    strange_texts,
    token_losses,
)
from mmx.data.tokens import Tokens
from mmx.data.unread import unread_by_all
from mmx.data.view_cache import CachedViews, ViewStore
from mmx.data.whole_groups import UNUSED, check_groups

__all__ = [
    "Appearance", "CachedFeatures", "CachedViews", "Contents", "Count", "DataReport", "Decoder",
    "FILE_LIMIT", "FeatureCache", "FrozenEncoder", "Gathering", "ImageReaders", "ImageStore",
    "KeyedInputs", "Manifest", "Part", "SMALL_SIDE", "Source", "Split", "TableRows", "TextStore",
    "TokenLoss", "Tokens", "UNUSED", "UnevenShare", "ViewStore", "WrittenText", "appearance_of",
    "assign_groups", "check_bad", "check_groups", "cut_texts", "in_memory", "in_threads",
    "is_table", "joined", "learn_texts", "loss_warnings", "lost_depths", "make_data_report",
    "make_split", "measured_range", "new_texts", "new_token_loss", "open_like", "open_table",
    "part_of", "parts_of_cells", "read_by_one", "read_image", "read_manifest",
    "reader_with_columns", "read_split", "read_table", "record_columns", "small_greys",
    "strange_texts", "tables_beside", "text_notes", "texts_of", "token_losses", "uneven_shares",
    "unread_by_all", "with_lists", "without_nulls", "write_split", "write_texts",
]  # fmt: skip
