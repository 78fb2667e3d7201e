"""Record encoder: a clinical table as a modality of its own.

Columns are read in the order of their names, so that the order of a table cannot matter, and
everything that is known of them (ranges, bins, categories) comes from the training rows. Networks:
FT-Transformer, perceptron, residual network, or the columns themselves for a logistic regression.

Sources: Gorishniy et al. 2021, Revisiting Deep Learning Models for Tabular Data, arXiv:2106.11959;
Gorishniy et al. 2022, On Embeddings for Numerical Features, arXiv:2203.05556.
"""

from collections.abc import Sequence

from mmx import Params, hookimpl
from mmx_plugins.encoders.tabular.params import TabularParams


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [TabularParams]
