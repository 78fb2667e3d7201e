"""An explanation as the templates show it."""

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmx.report.run_report import Explanation, WithoutColumn

_LEAST = 0.005  # a change of a probability below it is not told
_STRONG = 0.02  # a fall of the probability below this is not coloured


def shown_images(
    images: Mapping[str, bytes | None], why: Explanation | None
) -> list[dict[str, str]]:
    """Name, addresses of the picture and of its heat, and what is told of it, by modality.

    The picture is the one that the heat lies over; an address is empty where there is none.
    """
    found = {} if why is None else why.images
    return [
        {
            "name": name,
            "address": data_address(found[name].image if name in found else image),
            "heat": data_address(found[name].heat) if name in found else "",
            "told": found[name].told if name in found else "",
        }
        for name, image in images.items()
    ]


def shown_records(records: Mapping[str, Mapping[str, object]]) -> list[dict[str, Any]]:
    """Name and fields, by modality; a number without a fraction has no point."""
    return [
        {"name": name, "fields": {field: _cell(value) for field, value in record.items()}}
        for name, record in records.items()
    ]


def _cell(value: object) -> str:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return "missing"
    return f"{value:g}" if isinstance(value, float) else str(value)


def shown_texts(texts: Mapping[str, str], why: Explanation | None) -> list[dict[str, Any]]:
    """Name, text, and words with the strength of their colour, if they are explained."""
    words = {} if why is None else why.words
    return [
        {"name": name, "text": text, "words": _coloured(words.get(name, ()), why)}
        for name, text in texts.items()
    ]


def _coloured(
    words: Sequence[tuple[str, float]], why: Explanation | None
) -> list[tuple[str, str, str]]:
    """Word, colour and change; of numbers the strongest word decides what a colour means."""
    if why is None:
        return []
    scale = max((abs(value) for _, value in words), default=0.0)
    least = _STRONG if why.unit is None else scale / 10
    most = max(scale, _STRONG) if why.unit is None else scale
    return [
        (word, _colour(value, most, least), f"{_of_a_word(value, why)}{why.in_unit}")
        for word, value in words
    ]


def _of_a_word(value: float, why: Explanation) -> str:
    return f"{100 * value:+.1f}" if why.unit is None else why.told(value)


def shown_explanation(given: Explanation) -> dict[str, Any]:
    """Shares, columns and gates as text."""
    return {
        "what": given.what,
        "unit": given.in_unit,
        "shares": {name: given.told(value) for name, value in given.shares.items()},
        "share_errors": {name: given.error(value) for name, value in given.share_errors.items()},
        "columns": [
            {"name": name, "rows": shown_columns(rows, given)}
            for name, rows in given.columns.items()
        ],
        "weights": {
            name: ", ".join(f"{value:.2f}" for value in values)
            for name, values in given.weights.items()
        },
        "notes": list(given.notes),
    }


def shown_columns(rows: Sequence[WithoutColumn], why: Explanation) -> list[dict[str, str]]:
    """Column, answer without it and changes in their unit, the strongest column first."""
    order = sorted(rows, key=lambda one: -max(map(abs, one.changes.values())))
    return [
        {"column": one.column, "answer": one.answer, "changes": column_changes(one, why)}
        for one in order
    ]


def column_changes(one: WithoutColumn, why: Explanation) -> str:
    """What changes by half a point or more, or of numbers at all, the most first."""
    least, nothing = (_LEAST, "nothing by half a point") if why.unit is None else (0.0, "nothing")
    told = sorted(one.changes.items(), key=lambda pair: -abs(pair[1]))
    seen = [f"{name} {why.told(value)}" for name, value in told if value and abs(value) >= least]
    return " · ".join(seen).replace("-", "−") or nothing


def _colour(value: float, scale: float, least: float) -> str:
    """Orange for a word that speaks for the answer, blue for one against it."""
    if not value or abs(value) < least:
        return "transparent"
    rgb = "196 80 12" if value > 0 else "10 92 146"
    return f"rgb({rgb} / {0.1 + 0.4 * min(abs(value) / scale, 1):.2f})"


def data_address(image: bytes | None) -> str:
    """A data address of a PNG or JPEG file; empty for anything else."""
    if not image:
        return ""
    kinds = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg"}
    kind = next((kind for start, kind in kinds.items() if image.startswith(start)), "")
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}" if kind else ""
