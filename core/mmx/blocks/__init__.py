"""Layers that three or more methods share; public, for plugin authors too."""

from mmx.blocks.attention import (
    Attention,
    AttentionLayer,
    FeedForward,
    SelfAttentionLayer,
    attention_weights,
    check_heads,
    masked_attention,
    merge_heads,
    split_heads,
)
from mmx.blocks.case_phrase import case_phrase, in_months
from mmx.blocks.exact import exact_fp32
from mmx.blocks.hub import HubName, hub_folder
from mmx.blocks.image_names import (
    ends_as_image,
    with_slashes,
    without_ending,
    without_text_ending,
)
from mmx.blocks.known import known_labels, labels_per_row, mean_over_known, prevalence
from mmx.blocks.label_spelling import (
    SEPARATORS,
    check_single,
    check_spelling,
    several_labels,
    split_labels,
)
from mmx.blocks.letters import foreign_word
from mmx.blocks.links import (
    Cumulative,
    Sigmoid,
    Softmax,
    cumulative_logits,
    level_log_probs,
    log_above,
)
from mmx.blocks.memory_layout import likes_channels_last, store_channels_last
from mmx.blocks.missing_words import MISSING_WORDS, is_missing
from mmx.blocks.model_folder import (
    check_model_folder,
    check_tokenizer_files,
    folder_tensors,
)
from mmx.blocks.norms import Norm, PatientBatchNorm, vector_norm
from mmx.blocks.nouns import plural_of
from mmx.blocks.paths import inside
from mmx.blocks.per_modality import PerModality
from mmx.blocks.plain_text import PlainText, read_plain_text
from mmx.blocks.pooling import (
    masked_softmax,
    near_grid,
    pool_grid,
    pool_level,
    real_first,
    token_grid,
)
from mmx.blocks.prefixes import known_prefixes
from mmx.blocks.presence import (
    LearnedPlaceholder,
    either_present,
    fused_vector,
    real_pooled,
    real_tokens,
    same_width,
)
from mmx.blocks.report_sections import read_sections
from mmx.blocks.single_row import alone
from mmx.blocks.table_text import TableText, check_names, guessed_text, not_utf8, table_text
from mmx.blocks.tensor_file import read_tensors
from mmx.blocks.text_cells import (
    Cells,
    missing_words,
    names_files,
    read_cells,
    with_written_lists,
)
from mmx.blocks.text_fields import TextFields, TextFieldsParams
from mmx.blocks.text_windows import TextWindows, chunk_advice, ends_of, in_windows
from mmx.blocks.unknown_tokens import UnknownTokens, token_count
from mmx.blocks.views import TURNS, Window, blurred, cut, turned, unit_pixels
from mmx.blocks.weight_loading import load_by_position, load_tensors, state_digest
from mmx.blocks.weights import (
    EFFICIENTNET_LITE0,
    EFFICIENTNET_LITE1,
    EFFICIENTNET_LITE2,
    MINILM,
    Weights,
    WeightsFile,
    find_weights,
)
from mmx.interfaces import join, joined_shape

__all__ = [
    "Attention", "AttentionLayer", "Cells", "Cumulative", "EFFICIENTNET_LITE0",
    "EFFICIENTNET_LITE1", "EFFICIENTNET_LITE2", "FeedForward", "HubName", "LearnedPlaceholder",
    "MINILM", "MISSING_WORDS", "Norm", "PatientBatchNorm", "PerModality", "PlainText", "SEPARATORS",
    "SelfAttentionLayer", "Sigmoid", "Softmax", "TURNS", "TableText", "TextFields",
    "TextFieldsParams", "TextWindows", "UnknownTokens", "Weights", "WeightsFile", "Window", "alone",
    "attention_weights", "blurred", "case_phrase", "check_heads", "check_model_folder",
    "check_names", "check_single", "check_spelling", "check_tokenizer_files", "chunk_advice",
    "cumulative_logits", "cut", "either_present", "ends_as_image", "ends_of", "exact_fp32",
    "find_weights", "folder_tensors", "foreign_word", "fused_vector", "guessed_text", "hub_folder",
    "in_months", "in_windows", "inside", "is_missing", "join", "joined_shape", "known_labels",
    "known_prefixes", "labels_per_row", "level_log_probs", "likes_channels_last",
    "load_by_position", "load_tensors", "log_above", "masked_attention", "masked_softmax",
    "mean_over_known", "merge_heads", "missing_words", "names_files", "near_grid", "not_utf8",
    "plural_of", "pool_grid", "pool_level", "prevalence", "read_cells", "read_plain_text",
    "read_sections",
    "read_tensors", "real_first", "real_pooled", "real_tokens", "same_width", "several_labels",
    "split_heads", "split_labels", "state_digest", "store_channels_last", "table_text",
    "token_count", "token_grid", "turned", "unit_pixels", "vector_norm", "with_written_lists",
    "with_slashes", "without_ending", "without_text_ending",
]  # fmt: skip

StandIn = LearnedPlaceholder  # what packages written for plugin API 1 call it
