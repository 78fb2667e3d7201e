"""What a probe reads in texts, pictures or the record, and how far it goes beyond the record."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit import probe
from mmx.audit.finding import Score
from mmx.audit.probe_columns import matrix, metadata
from mmx.audit.subject import Subject
from mmx.audit.traces import SPREAD, Trace, one_against_rest
from mmx.interfaces import FeatureRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

ERROR = 0.90  # balanced accuracy, or lower bound of the AUROC of one class
BEYOND = 0.03  # more than the record alone
_LIKELY = 0.05  # a handful of groups of one of many labels reaches 0.90 by chance


@dataclass(frozen=True, slots=True)
class Reading:
    """What logistic regression learned from some features, scored out of fold.

    Attributes:
        what: it looked at.
        accuracy: balanced, in [0, 1].
        predicted: [m] labels of the probed rows.
        traces: of the classes, the clearest first.
    """

    what: str
    accuracy: float
    predicted: "NDArray[np.int64]"
    traces: tuple[Trace, ...]

    def score(self, subject: Subject) -> Score:
        """The balanced accuracy with its interval."""
        what = f"{self.what}, logistic regression"
        return probe.score(subject, self.predicted, what, self.traces)

    def beyond(self, record: "Reading | None") -> list[Trace]:
        """Classes that are told clearly, and better than the record (else chance) tells them."""
        reached = {} if record is None else {one.what: one.auroc for one in record.traces}

        def better(one: Trace) -> bool:
            base = reached.get(one.what, 0.5)
            return one.tells(SPREAD) and one.low > base and one.auroc > base + BEYOND

        return [one for one in self.traces if better(one)]

    def settles(self, record: "Reading | None") -> bool:
        """Whether the label, or a class of which the record says less, is all but settled."""
        settled = any(one.low >= ERROR for one in self.beyond(record))
        return settled or (self.accuracy > ERROR and any(one.p <= _LIKELY for one in self.traces))


def read(subject: Subject, what: str, features: FeatureRows, index: "NDArray[np.int64]") -> Reading:
    """Learn the labels of the probed rows from features.

    Args:
        subject: gives labels, groups and folds.
        what: the features are of.
        features: [d, F], dense or sparse.
        index: [m], which of them each probed row has.
    """
    scores = probe.linear(subject, features, index)
    predicted = scores.argmax(axis=1)
    traces = one_against_rest(subject, scores)
    return Reading(what, probe.quick(subject, predicted), predicted, tuple(traces))


def read_record(subject: Subject) -> Reading | None:
    """The same from the fields that narratives may see; None where there are none."""
    fields = metadata(subject)
    names = ", ".join(one.name for one in fields)
    if not fields:
        return None
    features, index = subject.derivations.of(
        "the record as a matrix", subject.fields, partial(matrix, fields)
    )
    # no value is frequent enough to learn from
    return read(subject, f"the record ({names})", features, index) if features.shape[1] else None
