"""Copies of an image across parts that are not byte-identical: resized, compressed, brightened.

Candidates are pairs whose perceptual hashes lie within a distance that random pairs of this data
rarely reach; each is confirmed by the cosine of encoder features (of small grey pictures where no
encoder is at hand), which must be higher than in 999 of 1,000 random pairs. Mirrored and turned
copies are not looked for.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmx.audit.check import Check
from mmx.audit.finding import SHOWN, Evidence, Finding
from mmx.audit.hashes import (
    batches,
    calibrated,
    close_pairs,
    close_within,
    distances,
    grey,
    perceptual,
)
from mmx.audit.subject import Subject
from mmx.plugins import hookimpl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_ID = "near_identical_images"
_BATCH = 256
_CHANCE = 2_000_000  # random pairs for the distance
_MOST = 10  # bits of 64
_ALLOWED = 0.05  # candidates by chance for each image
_REFERENCE = 400  # images for the cosine of random pairs
_LEAST = 0.85
_PICTURES = 12


def find(subject: Subject) -> list[Finding]:
    """One warning that lists the pairs, the most similar first."""
    if subject.pictures is None or subject.has_picture is None:
        return []
    rows = subject.used[subject.has_picture[subject.used]]
    small = [grey(subject.pictures(some)) for some in batches(rows, _BATCH)]
    if not small:
        return []
    tiny = np.concatenate(small)
    hashes, usable = perceptual(tiny)
    rows, hashes, tiny = rows[usable], hashes[usable], tiny[usable]
    pairs, distance = _candidates(subject, rows, hashes)
    if not len(pairs):
        return []
    cosine, limit = _cosines(subject, rows, tiny, pairs)
    kept = np.flatnonzero(cosine >= limit)
    ordered = kept[np.argsort(-cosine[kept], kind="stable")]
    if not len(ordered):
        return []
    return [_finding(subject, rows, hashes, pairs[ordered], cosine[ordered], (distance, limit))]


def _candidates(subject: Subject, rows: "Rows", hashes: "NDArray[np.uint64]") -> "tuple[Rows, int]":
    """[P, 2] places in rows, of different parts and groups; and the distance that was allowed."""
    parts, groups = subject.parts[rows], subject.groups[rows]
    rest = np.flatnonzero(parts == "train")
    others = np.flatnonzero(parts != "train")
    if len(rows) < 2 or not len(others):
        return np.zeros((0, 2), dtype=np.int64), 0
    draw = np.random.default_rng(0).integers(len(rows), size=(2, _CHANCE))
    apart = groups[draw[0]] != groups[draw[1]]
    chance = distances(hashes[draw[0, apart]], hashes[draw[1, apart]])
    compared = len(rest) * len(others) + len(others) ** 2 / 2
    distance = calibrated(chance, compared, max(_ALLOWED * len(rows), 1), _MOST)
    distance = max(distance, 0)
    outer = close_pairs(hashes[others], hashes[rest], distance)
    inner = close_within(hashes[others], distance)
    found = np.concatenate([
        np.stack([others[outer[:, 0]], rest[outer[:, 1]]], axis=1),
        others[inner],
    ])  # fmt: skip
    left, right = found.T
    return found[(parts[left] != parts[right]) & (groups[left] != groups[right])], distance


def _cosines(
    subject: Subject, rows: "Rows", tiny: "NDArray[np.float32]", pairs: "Rows"
) -> "tuple[NDArray[np.floating], float]":
    """[P] of the candidates, and what random pairs of other groups hardly ever reach."""
    draw = np.random.default_rng(1)
    sample = draw.permutation(len(rows))[:_REFERENCE]
    wanted, place = np.unique(np.concatenate([sample, pairs.ravel()]), return_inverse=True)
    if subject.features is not None:
        ways = subject.features
        vectors = np.concatenate([ways(some) for some in batches(rows[wanted], _BATCH)])
    else:
        vectors = tiny[wanted].reshape(len(wanted), -1)
        vectors = vectors - vectors.mean(axis=1, keepdims=True)
    reference, ends = place[: len(sample)], place[len(sample) :].reshape(-1, 2)
    centred = vectors - vectors[reference].mean(axis=0)  # what all images share says nothing
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    groups = subject.groups[rows[sample]]
    apart = np.triu(groups[:, None] != groups, 1)
    random = (unit[reference] @ unit[reference].T)[apart]
    limit = max(float(np.quantile(random, 0.999)) if len(random) else 0.0, _LEAST)
    return (unit[ends[:, 0]] * unit[ends[:, 1]]).sum(axis=1), limit


def _finding(
    subject: Subject,
    rows: "Rows",
    hashes: "NDArray[np.uint64]",
    pairs: "Rows",
    cosine: "NDArray[np.floating]",
    limits: tuple[int, float],
) -> Finding:
    bits = distances(hashes[pairs[:, 0]], hashes[pairs[:, 1]])
    evidence: tuple[Evidence, ...] = tuple(
        {
            "sample": str(subject.ids[left]), "part": str(subject.parts[left]),
            "like": str(subject.ids[right]), "of part": str(subject.parts[right]),
            "labels": f"{subject.label(left)}, {subject.label(right)}",
            "bits": int(bit), "cosine": round(float(value), 4),
        }
        for (left, right), bit, value in zip(
            rows[pairs[:SHOWN]].tolist(), bits.tolist(), cosine, strict=False
        )
    )  # fmt: skip
    pictures = tuple((str(line["sample"]), str(line["like"])) for line in evidence[:_PICTURES])
    what = "encoder features" if subject.features is not None else "small grey pictures"
    message = (
        f"{len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'} of nearly identical images in two "
        f"parts and two {subject.many} (at most {limits[0]} of 64 bits of the perceptual hash, "
        f"cosine of {what} at least {limits[1]:.2f}); look at them, and give true copies one "
        f"{subject.group}"
    )
    return Finding(_ID, "warning", message, evidence, pictures)


@hookimpl
def mmx_audit_checks() -> Sequence[Check]:
    """Give this check."""
    return [Check(_ID, "copies of an image across parts", find)]
