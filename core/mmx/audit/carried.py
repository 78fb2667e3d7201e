"""Values of columns that are known to tell the label, found again in the texts."""

import re

import numpy as np

from mmx.audit.finding import Evidence
from mmx.audit.subject import Subject
from mmx.audit.words import plain

_EXCESS = 0.05  # share of the samples whose text holds their own value, beyond shuffled values


def carried(subject: Subject) -> list[Evidence]:
    """One line for each leak column whose values stand in the texts more often than by chance."""
    texts = [plain(subject.texts[int(row)]) for row in subject.probed]
    lines: list[Evidence] = []
    for name in subject.leak_columns:
        values = [plain(str(value or "")) for value in subject.fields.get(name, ())]
        if not any(values):
            continue
        own = _share(texts, values)
        order = np.random.default_rng(0).permutation(len(values))
        chance = _share(texts, [values[index] for index in order])
        if own - chance > _EXCESS:
            index = next(i for i, value in enumerate(values) if _holds(texts[i], value))
            lines.append({
                "column": name, "texts with their own value": f"{own:.0%}",
                "with shuffled values": f"{chance:.0%}",
                "for example": str(subject.ids[subject.probed[index]]),
                "text": subject.texts[int(subject.probed[index])][:200],
            })  # fmt: skip
    return lines


def _share(texts: list[str], values: list[str]) -> float:
    known: dict[tuple[str, str], bool] = {}
    for pair in zip(texts, values, strict=True):
        if pair not in known:
            known[pair] = _holds(*pair)
    return float(np.mean([known[pair] for pair in zip(texts, values, strict=True)]))


def _holds(text: str, value: str) -> bool:
    return bool(value) and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None
