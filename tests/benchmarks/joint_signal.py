"""How often a study says "joint signal" where there is some, and where there is none.

Run ``python tests/benchmarks/joint_signal.py``: two minutes on one core. Rows have features of an
image, a text and a record; a logistic regression on each and on all together answers the test
rows, one row a group, for two training halves as two seeds. The rule is that of the study page
(``mmx.evaluation.joint_signal``). Without joint signal one modality alone tells the label and the
others nothing; with it each adds a piece of its own. The table goes to
docs/results/joint-signal.md; the exit status says whether at most 5 % are false.
"""

import sys
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from mmx.evaluation import compare, joint_signal

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "results" / "joint-signal.md"
NAMES = ("image", "text", "record")
SETS, TRAIN, TEST, WIDTH = 200, 300, 300, 6
STRENGTH = 1.2  # of what tells the label, in standard deviations of its noise
COPIES = (1.0,)  # one modality, shown three times
CASES = {
    "none: the image alone tells the label": (1.0, 0.0, 0.0),
    "none: the record alone tells the label": (0.0, 0.0, 1.0),
    "none: nothing tells the label": (0.0, 0.0, 0.0),
    "none: text and record are copies of the image": COPIES,
    "joint: each adds a piece of its own": (1.0, 1.0, 1.0),
}
HEAD = """# Joint signal, and how often it is said where there is none

Written by `python tests/benchmarks/joint_signal.py` ({seconds:.0f} seconds).

{sets} drawn sets of each kind, {train} training rows for each of two seeds, {test} test rows. A
logistic regression answers from all modalities and from each alone. The page of a study says
"joint signal" when the whole is shown to beat each alone: corrected p at most 5 %, and the
interval of each difference above 0.

| drawn | said "joint signal" | mean gain over the best alone, points |
|---|---|---|
"""


def drawn(shares: tuple[float, ...], draw: np.random.Generator) -> tuple[list[np.ndarray], ...]:
    """Features of each modality for both training sets and the test set, and their labels."""
    sizes = (TRAIN, TRAIN, TEST)
    labels = [draw.integers(2, size=rows) for rows in sizes]
    features = []
    for label in labels:
        found = draw.normal(size=(len(label), len(shares), WIDTH))
        found[:, :, 0] += STRENGTH * np.array(shares) * (label[:, None] - 0.5)
        features.append(found.repeat(len(NAMES) // len(shares), axis=1))
    return features, labels


def said(shares: tuple[float, ...], seed: int) -> tuple[bool, float]:
    """Whether the page says joint signal, and the gain over the best modality alone."""
    features, labels = drawn(shares, np.random.default_rng([3, seed]))
    reads = {"whole": slice(None), **{name: [k] for k, name in enumerate(NAMES)}}
    answers = {}
    for name, which in reads.items():
        seen = [one[:, which].reshape(len(one), -1) for one in features]
        models = [LogisticRegression().fit(seen[k], labels[k]) for k in range(2)]
        answers[name] = np.stack([model.predict(seen[2]) for model in models])
    groups = [f"g{row}" for row in range(TEST)]
    found = compare(answers, labels[2], groups, 2, base="whole", metrics=["balanced_accuracy"])
    contrasts = {one.method: one for one in found.contrasts["balanced_accuracy"]}
    told = joint_signal(contrasts)
    assert told is not None
    return told.shown, min(-one.difference.value for one in contrasts.values())


def main() -> int:
    """Draw, count, print and write."""
    start, rows, worst = time.monotonic(), [], 0.0
    for number, (words, shares) in enumerate(CASES.items()):
        found = [said(shares, 1000 * number + seed) for seed in range(SETS)]
        shown = sum(one for one, _ in found)
        gain = 100 * float(np.mean([one for _, one in found]))
        if words.startswith("none"):
            worst = max(worst, shown / SETS)
        rows.append(f"| {words} | {shown} of {SETS} | {gain:+.1f} |")
        print(rows[-1], flush=True)
    head = HEAD.format(seconds=time.monotonic() - start, sets=SETS, train=TRAIN, test=TEST)
    PAGE.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    return int(worst > 0.05)


if __name__ == "__main__":
    sys.exit(main())
