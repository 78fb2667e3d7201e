"""An explanation as the templates show it."""

import base64
from typing import Any

from mmx.report.run_report import Explanation

_STRONG = 0.02  # a fall of the probability below this is not coloured


def shown_explanation(given: Explanation) -> dict[str, Any]:
    """Words with the strength of their colour, shares in per cent of one, and gates as text."""
    strongest = max((abs(value) for _, value in given.words), default=0.0)
    scale = max(strongest, _STRONG)
    return {
        "heat": data_address(given.heat),
        "shares": dict(given.shares),
        "share_errors": dict(given.share_errors),
        "words": [(word, _colour(value, scale), value) for word, value in given.words],
        "weights": {
            name: ", ".join(f"{value:.2f}" for value in values)
            for name, values in given.weights.items()
        },
        "notes": list(given.notes),
    }


def _colour(value: float, scale: float) -> str:
    """Orange for a word that speaks for the answer, blue for one against it."""
    if abs(value) < _STRONG:
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
