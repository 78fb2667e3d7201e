"""The state space of ``fusion.mamba``: its exact oracle, the fast form and the compiled kernel."""

from mmx_plugins.fusion._mamba.kernel import compiled_scan
from mmx_plugins.fusion._mamba.selective_scan import Scan, SelectiveStateSpace, selective_scan
from mmx_plugins.fusion._mamba.ssd import (
    ScalarStateSpace,
    ssd_chunked,
    ssd_quadratic,
    ssd_scan,
    ssd_state,
)

__all__ = [
    "ScalarStateSpace", "Scan", "SelectiveStateSpace", "compiled_scan", "selective_scan",
    "ssd_chunked", "ssd_quadratic", "ssd_scan", "ssd_state",
]  # fmt: skip
