"""How many planted leaks the audit finds, and how often it warns of clean data.

python tests/benchmarks/audit_leaks.py planted   # 38 leaks of 12 kinds, told whether each is found
python tests/benchmarks/audit_leaks.py clean     # 200 clean sets: errors, and checks that warn

Every set is drawn: pictures are smooth noise, texts and columns are drawn without the label, and
one leak at a time is planted. A leak is found when the check that should find it gives a finding
that the same set without the leak does not get.
"""

import sys
from dataclasses import replace

import numpy as np
from audit_sets import (
    SITES,
    Change,
    Drawn,
    by_class,
    column,
    compressed,
    copied,
    dates,
    drawn,
    gone,
    mark,
    moved,
    only,
    patients,
    pure,
    said,
    without_record,
)

from mmx.audit import Finding, all_checks, examine

CORNER, EDGE, MIDDLE = (
    (slice(1, 7), slice(1, 7)),
    (slice(58, 63), slice(20, 40)),
    (slice(28, 36), slice(28, 36)),
)
PHRASES = ("growth of pigment", "slow pearly ulcer", "harmless mole", "firm knot", "red dots",
           "scaly patch", "grey veil")  # fmt: skip
LEAKS: dict[str, list[tuple[str, str, Change]]] = {
    "mark on one class": [
        ("corner, all", "border_shortcut", mark(CORNER)),
        ("edge, all", "border_shortcut", mark(EDGE, label=3)),
        ("corner, 60 %", "border_shortcut", mark(CORNER, 0.6, 1)),
        ("middle, all", "border_shortcut", mark(MIDDLE)),
        ("corner, rarest class", "border_shortcut", mark(CORNER, label=6)),
    ],
    "missing for one class": [
        ("number", "telling_columns", gone("ph", 2)),
        ("number, half", "telling_columns", gone("age", 1, 0.5)),
        ("word", "telling_columns", gone("sex", 5)),
        ("rarest class", "telling_columns", gone("ph", 6)),
    ],
    "number of one class": [
        (
            "middle band",
            "telling_columns",
            column(
                "record",
                "ph",
                lambda one: (
                    np.where(
                        one.labels == 2,
                        7 + 0.05 * one.draw.normal(size=len(one.labels)),
                        one.draw.normal(7, 1, len(one.labels)),
                    )
                    .round(3)
                    .tolist()
                ),
            ),
        ),
        (
            "shifted by 2 spreads",
            "telling_columns",
            column(
                "record",
                "ph",
                lambda one: (
                    (one.draw.normal(7, 1, len(one.labels)) + 2 * (one.labels == 3))
                    .round(2)
                    .tolist()
                ),
            ),
        ),
        (
            "with a unit",
            "telling_columns",
            column(
                "record",
                "size",
                lambda one: [
                    f"{value:.1f} mm".replace(".", ",")
                    for value in (one.draw.normal(6, 1, len(one.labels)) + 3 * (one.labels == 1))
                ],
            ),
        ),
    ],
    "word of one class": [
        ("treatment", "telling_columns", column("record", "plan", only(2, "excision", "visit"))),
        (
            "how it was diagnosed",
            "telling_columns",
            column(
                "record",
                "dx_type",
                by_class(
                    ["biopsy", None, None, None, None, None, None],
                    lambda one: one.draw.choice(
                        ["biopsy", "phone", "image"], len(one.labels)
                    ).tolist(),
                ),
            ),
        ),
        ("flag 0 or 1", "telling_columns", column("record", "referred", only(4, 1.0, 0.0))),
    ],
    "properties of the file": [
        (
            "width of one class",
            "telling_columns",
            column("technical", "image width", only(2, 700.0, 640.0)),
        ),
        (
            "file size of one class",
            "telling_columns",
            column(
                "technical",
                "file size",
                lambda one: (
                    one.draw.normal(9000, 400, len(one.labels)) + 2000 * (one.labels == 5)
                ).tolist(),
            ),
        ),
        ("camera of one class", "file_traces", column("files", "camera", only(1, "B", "A"))),
        ("date in the file", "file_traces", column("files", "date in the file", dates)),
    ],
    "names and order": [
        (
            "file name",
            "telling_columns",
            column(
                "technical",
                "pattern of the file name",
                pure([f"k{place}_#.png" for place in "abcdefg"]),
            ),
        ),
        (
            "group name",
            "telling_columns",
            column("technical", "pattern of the lesion", only(3, "M#", "L#")),
        ),
        (
            "row order",
            "telling_columns",
            column(
                "technical",
                "row order",
                lambda one: (
                    np.argsort(np.argsort(one.labels, kind="stable")).astype(float).tolist()
                ),
            ),
        ),
    ],
    "date as text": [
        ("day.month.year", "telling_columns", column("record", "seen", dates)),
        (
            "month by name",
            "telling_columns",
            column(
                "record",
                "seen",
                lambda one: [
                    f"{1 + row % 28} Mar {2019 if label == 2 else 2015 + row % 4}"
                    for row, label in enumerate(one.labels.tolist())
                ],
            ),
        ),
    ],
    "text beyond the record": [
        ("phrase in 60 %", "text_tells_label", said(lambda label, _: PHRASES[label], 0.6)),
        (
            "phrase of one class",
            "text_tells_label",
            said(lambda label, _: "Grows." if label == 2 else ""),
        ),
    ],
    "text without a record": [
        (
            "phrase in 60 %",
            "text_tells_label",
            without_record(said(lambda label, _: PHRASES[label], 0.6)),
        ),
        (
            "phrase of one class",
            "text_tells_label",
            without_record(said(lambda label, _: "Wide excision booked." if label == 3 else "")),
        ),
        (
            "misspelling",
            "text_tells_label",
            without_record(
                said(
                    lambda label, draw: (
                        "ulc"
                        + "e" * int(draw.integers(1, 9)) * (label == 1)
                        + "r"
                        + "xyz"[int(draw.integers(3))] * int(draw.integers(1, 9))
                    )
                )
            ),
        ),
        (
            "full stops",
            "text_tells_label",
            without_record(
                said(lambda label, draw: "." * int(draw.integers(1, 9)) if label == 4 else "")
            ),
        ),
        (
            "length",
            "text_tells_label",
            without_record(
                said(lambda label, draw: " ".join(draw.choice(SITES, 12 if label == 0 else 3)))
            ),
        ),
        (
            "Chinese without spaces",
            "text_tells_label",
            without_record(
                said(
                    lambda label, draw: (
                        "".join(map(chr, draw.integers(0x4E00, 0x4F00, 8)))
                        + "溃疡" * (label == 2)
                        + "".join(map(chr, draw.integers(0x4E00, 0x4F00, 8)))
                    )
                )
            ),
        ),
    ],
    "near copies in two parts": [
        ("moved by 5 %", "near_identical_images", copied(moved(3, 3))),
        ("mirrored", "near_identical_images", copied(lambda pixels: pixels[:, ::-1])),
        ("a quarter turn", "near_identical_images", copied(lambda pixels: np.rot90(pixels))),
        ("compressed", "near_identical_images", copied(compressed)),
    ],
    "copies with two labels in one part": [
        ("compressed", "near_identical_images", copied(compressed, torn=True)),
    ],
    "patient beside the lesion": [
        ("column without a role", "wider_group", column("spare", "patient_id", patients)),
    ],
}


def told(one: Drawn) -> dict[str, set[str]]:
    """What each check says, in short."""
    found: dict[str, set[str]] = {}
    for finding in examine(one.subject(), all_checks()):
        found.setdefault(finding.check, set()).add(_short(finding))
    return found


def _short(finding: Finding) -> str:
    return f"{finding.verdict}: {finding.message.split(' (')[0][:60]}"


def planted() -> None:
    count = found = 0
    for kind, leaks in LEAKS.items():
        for name, check, change in leaks:
            count += 1
            base = drawn(count)
            clean = base if "without a record" not in kind else replace(base, record={})
            new = told(change(base)).get(check, set()) - told(clean).get(check, set())
            found += bool(new)
            print(
                f"{'found ' if new else 'MISSED'} {kind}: {name}: {'; '.join(sorted(new))}",
                flush=True,
            )
    print(f"planted: {found} of {count} leaks of {len(LEAKS)} kinds found")


def clean(sets: int = 200) -> None:
    errors = warnings = asked = 0
    by_check: dict[str, int] = {}
    for seed in range(1000, 1000 + sets):
        draw = np.random.default_rng(seed)
        classes, size = int(draw.integers(2, 8)), int(draw.integers(1, 4))
        shares = draw.dirichlet(np.full(classes, 4.0)) + 0.5 / classes
        one = drawn(seed, int(draw.integers(250, 700)), shares.tolist(), size)
        one = one if seed % 2 else replace(one, record={})
        asked += len(all_checks())
        seen = {(f.check, f.verdict) for f in examine(one.subject(), all_checks())}
        errors += sum(verdict == "error" for _, verdict in seen)
        for check, verdict in seen:
            small = check == "small_classes"  # true of a small set, not a false alarm
            if verdict == "warning" and not small:
                warnings, by_check[check] = warnings + 1, by_check.get(check, 0) + 1
    print(
        f"clean: {errors} errors, {warnings} of {asked} checks warn "
        f"({warnings / asked:.2%}): {by_check}"
    )


if __name__ == "__main__":
    for name in sys.argv[1:] or ["planted", "clean"]:
        {"planted": planted, "clean": clean}[name]()
