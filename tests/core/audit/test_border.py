"""Borders and thumbnails that tell the label, planted at several strengths."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mmx.audit import Finding
from mmx.audit.checks.border_shortcut import border, thumbnail

Ask = Callable[..., list[Finding]]


def test_a_thumbnail_is_the_mean_of_its_fields() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 48, 80, 3), dtype=np.uint8)
    expected = pictures.reshape(3, 16, 3, 16, 5, 3).mean(axis=(2, 4)).reshape(3, -1)
    np.testing.assert_allclose(thumbnail(pictures), expected)
    assert border(pictures).shape == (3, 96)
    assert thumbnail(pictures[:, :20, :17]).shape == (3, 768)


def test_the_border_does_not_see_the_middle() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    changed = pictures.copy()
    changed[:, 4:-4, 4:-4] = 0
    np.testing.assert_array_equal(border(pictures), border(changed))


@pytest.mark.parametrize(
    ("place", "strength", "expected"),
    [
        ("border", 0.0, []),
        ("border", 0.6, ["border"]),
        ("middle", 1.0, ["thumbnail"]),
    ],
)
def test_a_mark_that_goes_with_the_label(
    rows: Any, ask: Ask, place: str, strength: float, expected: list[str]
) -> None:
    subject = rows.subject()
    draw = np.random.default_rng(0)
    pictures = draw.integers(90, 130, (rows.n, 32, 32, 3), dtype=np.uint8)
    leaks = np.flatnonzero(rows.leaks(strength))
    shade = (60 * rows.labels[leaks] + 60)[:, None, None]
    if place == "border":
        pictures[leaks, :2, :, 0] = shade
    else:
        pictures[leaks, 12:20, 12:20, 0] = shade
    present = np.ones(rows.n, dtype=bool)
    found = ask(
        "border_shortcut",
        replace(subject, has_picture=present, pictures=lambda at: pictures[at]),
    )
    if place == "middle":
        assert [one.verdict for one in found] == ["warning"] * len(found)
    assert all(any(word in one.message for one in found) for word in expected)
    assert bool(found) == bool(expected)
