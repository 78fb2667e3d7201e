"""Run the presets of encoders around another one on real images; write docs/results/encoders.md.

Run ``MMX_DATA=FOLDER python tests/benchmarks/wrapping.py``; FOLDER holds ham10000/ and spine/. With
``--keep`` presets that have a finished run are not run again, and those without are left out.
"""

import sys
from collections.abc import Iterator

import torch
from paired import points, verdict
from presets import ROOT, Row, difference, row_of, spelled

PAGE = ROOT / "docs" / "results" / "encoders.md"
NAMES = ("baseline", "dual_expert", "global_local", "pseudo_3d", "sequence", "multi_view")
INTRODUCTION = """# Encoders around another one, each run once

Written by `MMX_DATA=FOLDER python tests/benchmarks/wrapping.py`. Frozen EfficientNet-Lite0 and
MiniLM, concatenation, one seed, as in the presets of `examples/`. Percent on the test part with
95 % intervals from a bootstrap over groups; the difference is in points of balanced accuracy to
`baseline` on the same test rows, paired, and not corrected for the number of rows. **Conditional on
one training run.** The last column counts the views that the frozen backbone encoded for the run;
0 where an earlier run had shown it the same views.
"""
HEAD = (
    "| preset | balanced accuracy | difference to baseline | verdict | macro-F1 | accuracy "
    "| encoded views |\n|---|---|---|---|---|---|---|"
)


def main() -> int:
    """Run all, write the page."""
    torch.set_num_threads(1)
    keep, pages = "--keep" in sys.argv, [INTRODUCTION]
    for folder, title in (("ham10000", "HAM10000"), ("spine", "Spine")):
        paths = [ROOT / "examples" / folder / f"{name}.yaml" for name in NAMES]
        # with --keep nothing is run: no preset has the name "nothing"
        wanted = ["nothing"] if keep else []
        rows = [row_of(path, keep, wanted) for path in paths if path.exists()]
        pages.append("\n".join([f"## {title}", "", *section([row for row in rows if row]), ""]))
    PAGE.write_text("\n".join(pages), encoding="utf-8")
    return 0


def section(rows: list[Row]) -> Iterator[str]:
    """The table of one data set, then what parts and gates say."""
    base = rows[0]
    data = base.metrics["test"]
    yield f"Test part: {data['samples']:,} images of {data['groups']:,} groups."
    yield ""
    yield HEAD
    for row in rows:
        scores = row.metrics["test"]["metrics"]
        cells = [spelled(scores[name]) for name in ("balanced_accuracy", "macro_f1", "accuracy")]
        gap = difference(row.test, base.test)
        told = ["-", "-"] if row is base else [points(gap, sign=True), verdict(gap)]
        encoded = f"{row.metrics['encoded'].get('image', 0):,}"
        yield f"| {' | '.join([row.name, cells[0], *told, *cells[1:], encoded])} |"
    yield ""
    for row in rows:
        for name, scores in row.metrics["alone"].items():
            yield f"- {row.name}, {name}: balanced accuracy {spelled(scores['balanced_accuracy'])}."
        for name, means in row.metrics.get("gates", {}).items():
            told = ", ".join(f"{label} {value:.2f}" for label, value in means.items())
            yield f"- {row.name}, mean {name} by class: {told}."


if __name__ == "__main__":
    sys.exit(main())
