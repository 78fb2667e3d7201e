"""Trained studies of three modalities: joint signal where there is some, none where there is none.

Run ``python tests/benchmarks/joint_study.py``: examples/studies/joint.yaml and joint-null.yaml, 30
runs of image, text and record on drawn lesions; finished ones are not repeated. The table goes to
docs/results/joint-study.md; the exit status says whether each page says what the data hold.
"""

import sys
from pathlib import Path
from typing import Any

import mmx

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "results" / "joint-study.md"
STUDIES = {"joint": "Joint signal: ", "joint-null": "No joint signal is shown: "}
"""Study -> how the sentence of its page must begin."""
SHOWN = ("image only", "text only", "record only", "probe")
METRIC = "balanced_accuracy"
HEAD = """# Joint signal in trained studies

Written by `python tests/benchmarks/joint_study.py`. Drawn lesions with a picture, a sentence and a
record; image and text encoder are frozen, the record's learns; `fusion: gated`, three seeds.
"Only" is the same model that is given one modality. Differences are to the whole, in points, with
95 % intervals over lesions and seeds.
"""


def table(found: dict[str, Any]) -> str:
    """The whole, each modality alone, and the probe."""
    (whole,) = [arm for arm in found["arms"] if arm["role"] == "base"]
    lines = [
        f"| | balanced accuracy, {found['samples']} test lesions | to the whole |",
        "|---|---|---|",
        f"| image, text and record | {_score(whole)} | |",
    ]
    for one in found["controls"]:
        if one["name"] in SHOWN:
            gap = one["contrasts"][METRIC]["difference"]
            ends = f"{100 * gap['low']:+.1f} to {100 * gap['high']:+.1f}"
            lines.append(f"| {one['name']} | {_score(one)} | {100 * gap['value']:+.1f} ({ends}) |")
    return "\n".join(lines)


def _score(arm: dict[str, Any]) -> str:
    value = arm["scores"][METRIC]
    return f"{value['value']:.1%} ({value['low']:.1%} to {value['high']:.1%})"


def main() -> int:
    """Run, print and write; the exit status says whether each sentence is right."""
    page, right = [HEAD], True
    for name, begins in STUDIES.items():
        file = ROOT / "examples" / "studies" / f"{name}.yaml"
        done = mmx.run_study(file)
        told = next((one for one in done.results["headline"] if "joint signal" in one.lower()), "")
        right = right and told.startswith(begins)
        words = done.results["note"]
        page.append(f"## {name}\n\n`examples/studies/{name}.yaml`: {words}\n")
        page.append(f'{table(done.results)}\n\nThe page says: "{told}"\n')
        print(page[-1], flush=True)
    PAGE.write_text("\n".join(page), encoding="utf-8")
    return int(not right)


if __name__ == "__main__":
    sys.exit(main())
