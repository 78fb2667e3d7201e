"""Which rows have something for an encoder of neither images nor texts."""

from typing import TYPE_CHECKING

import numpy as np

from mmx.data import Manifest, record_columns
from mmx.interfaces import RECORD
from mmx.spec import Spec

if TYPE_CHECKING:
    from numpy.typing import NDArray


def holding(spec: Spec, manifest: Manifest, rows: "NDArray[np.int64]") -> "NDArray[np.bool_]":
    """[B], whether each row has a filled field that an encoder of records may read, or an input.

    Args:
        spec: knows the encoders.
        manifest: all rows.
        rows: [B].
    """
    found = np.zeros(len(rows), dtype=bool)
    encoders = spec.model.encoders
    if any(params.modality == RECORD for params in encoders.values()):
        for values in record_columns(manifest.samples, rows.tolist()).values():
            found |= np.array([value is not None for value in values], dtype=bool)
    names = [name for name in encoders if name in manifest.contents.inputs]
    for place in np.flatnonzero(~found).tolist() if names else ():
        inputs = manifest.samples[int(rows[place])].inputs
        found[place] = any(inputs.get(name) is not None for name in names)
    return found
