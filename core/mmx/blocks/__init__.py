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
from mmx.blocks.case_phrase import case_phrase
from mmx.blocks.cut import Cut, classifier_layers, find_cut, flatten_map
from mmx.blocks.mamba_kernel import compiled_scan
from mmx.blocks.norms import Norm, PatientBatchNorm, vector_norm
from mmx.blocks.pooling import (
    masked_softmax,
    near_grid,
    pool_grid,
    pool_level,
    real_first,
    token_grid,
)
from mmx.blocks.presence import (
    StandIn,
    either_present,
    fused_vector,
    real_pooled,
    real_tokens,
    same_width,
)
from mmx.blocks.rows import alone
from mmx.blocks.selective_scan import Scan, SelectiveStateSpace, selective_scan
from mmx.blocks.ssd import ScalarStateSpace, ssd_chunked, ssd_quadratic, ssd_scan, ssd_state
from mmx.blocks.views import TURNS, Window, blurred, cut, turned, unit_pixels
from mmx.blocks.weights import (
    EFFICIENTNET_LITE0,
    MINILM,
    Weights,
    WeightsFile,
    find_weights,
    load_by_position,
    load_tensors,
    read_tensors,
    state_digest,
)

__all__ = [
    "Attention", "AttentionLayer", "Cut", "EFFICIENTNET_LITE0", "FeedForward", "MINILM", "Norm",
    "PatientBatchNorm", "ScalarStateSpace", "Scan", "SelectiveStateSpace", "SelfAttentionLayer",
    "StandIn", "TURNS", "Weights", "WeightsFile", "Window", "alone", "attention_weights", "blurred",
    "case_phrase", "check_heads", "classifier_layers", "compiled_scan", "cut", "either_present",
    "find_cut", "find_weights", "flatten_map", "fused_vector", "load_by_position", "load_tensors",
    "masked_attention", "masked_softmax", "merge_heads", "near_grid", "pool_grid", "pool_level",
    "read_tensors", "real_first", "real_pooled", "real_tokens", "same_width", "selective_scan",
    "split_heads", "ssd_chunked", "ssd_quadratic", "ssd_scan", "ssd_state", "state_digest",
    "token_grid", "turned", "unit_pixels", "vector_norm",
]  # fmt: skip
