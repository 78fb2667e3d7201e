"""The audit of several labels: how often clean data raise an alarm, what is found, what it costs.

python tests/benchmarks/audit_labels.py null 200    # clean sets of 14 labels, columns and words
python tests/benchmarks/audit_labels.py null 20 1   # the probes of texts and pictures as well
python tests/benchmarks/audit_labels.py power       # a leak of one of 14 labels, by its frequency
python tests/benchmarks/audit_labels.py cost        # seconds with 14 labels beside a single one

``null`` asks the checks that decide by a test or a threshold about the same 420 rows, in which
nothing goes with any label: about one label, about 14, and about the same 14 as if each were asked
alone. The prevalence is 50 % to 1.5 %; a tenth of the answers is unknown.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from audit_sets import Drawn, drawn

from mmx.audit import Check, Finding, Subject, all_checks, examine
from mmx.interfaces import Strata

LABELS = 14
QUICK = ("label_words", "few_templates", "telling_columns", "file_traces")
PROBES = ("text_tells_label", "border_shortcut")
CHECKS = [check for check in all_checks() if check.id in (*QUICK, *PROBES)]


def labelled(one: Drawn, seed: int, labels: int = LABELS, unknown: float = 0.1) -> Subject:
    """The rows with labels of a lesion, from frequent to rare, that nothing goes with."""
    draw = np.random.default_rng([seed, 2])
    names, member = np.unique(one.groups.astype(str), return_inverse=True)
    strata = []
    for index, prevalence in enumerate(np.geomspace(0.5, 0.015, LABELS)[:labels]):
        own = (draw.random(len(names)) < prevalence).astype(np.int64)
        own[draw.random(len(names)) < unknown] = -1
        strata.append(Strata(f"finding{index:02d}", ("absent", "present"), own[member]))
    return of(one.subject(), strata)


def of(subject: Subject, strata: Sequence[Strata]) -> Subject:
    known = np.stack([one.labels >= 0 for one in strata]).any(axis=0)
    names = tuple(one.name for one in strata)
    labels = np.where(known, 0, -1)
    return replace(subject, labels=labels, classes=("known",), strata=strata, names=names)


def each_alone(subject: Subject, checks: Sequence[Check]) -> list[Finding]:
    """What is found where no p value allows for the other labels."""
    alone = [of(subject, [one]) for one in subject.strata]
    return [found for one in alone for found in examine(one, checks)]


def null(sets: int = 200, probes: int = 0) -> None:
    """Share of checks and of sets that warn, or err, where nothing is to be found.

    Args:
        sets: how many.
        probes: 1 to ask the probes of texts and pictures as well, which take a minute for a set.
    """
    checks = [one for one in CHECKS if one.id in QUICK or (probes and one.id in PROBES)]
    ways: dict[str, Callable[[Subject], list[Finding]]] = {
        "one label": lambda subject: examine(of(subject, [*subject.strata][3:4]), checks),
        "14 labels": lambda subject: examine(subject, checks),
    }
    if not probes:
        ways["14 labels, each as if alone"] = lambda subject: each_alone(subject, checks)
    alarms: dict[str, Counter[str]] = {way: Counter() for way in ways}
    for seed in range(sets):
        subject = labelled(drawn(5000 + seed, 420, size=1 + seed % 3), seed)
        for way, ask in ways.items():
            found = [one for one in ask(subject) if one.verdict != "note"]
            told = {one.check for one in found}
            alarms[way].update(told)
            alarms[way]["(sets)"] += bool(told)
            alarms[way]["(errors)"] += any(one.verdict == "error" for one in found)
    for way, counts in alarms.items():
        told = sum(count for check, count in counts.items() if not check.startswith("("))
        asked = sets * len(checks)
        print(f"{way}: {told} of {asked} checks ({told / asked:.2%}); {dict(counts)}")


def power(sets: int = 20) -> None:
    """How often a leak is found that holds for one of 14 labels in 90 % of its lesions."""
    plants: dict[str, Callable[[Drawn, Any], Drawn]] = {
        "a word": lambda one, hit: replace(one, texts=[
            f"{text} With crust." if own else text for text, own in zip(one.texts, hit, strict=True)
        ]),
        "a missing cell": lambda one, hit: replace(one, record={**one.record, "ph": [
            None if own else value for value, own in zip(one.record["ph"], hit, strict=True)
        ]}),
        "a mark": lambda one, hit: replace(one, pictures=_marked(one.pictures, hit)),
    }  # fmt: skip
    for name, plant in plants.items():
        for place in (0, 6, 9, 11, 13):
            hits = sum(_found(plant, place, seed) for seed in range(sets))
            share = np.geomspace(0.5, 0.015, LABELS)[place]
            print(f"{name} for a label of {share:.1%}: found in {hits} of {sets}")


def _marked(pictures: Any, hit: Any) -> Any:
    shown = pictures.copy()
    shown[np.flatnonzero(hit), :6, :6] = (0, 0, 255)
    return shown


def _found(plant: Callable[[Drawn, Any], Drawn], place: int, seed: int) -> bool:
    clean = drawn(9000 + seed, 840)
    strata = labelled(clean, seed).strata
    hit = strata[place].labels == 1
    hit &= np.random.default_rng(seed).random(len(hit)) < 0.9
    subject = of(plant(clean, hit).subject(), strata)
    found = [one for one in examine(subject, CHECKS) if one.verdict != "note"]
    return any(strata[place].name in one.message for one in found)


def cost() -> None:
    """Seconds of every check, about one label and about 14."""
    one = drawn(1, 3000)
    made = labelled(one, 1)
    single = replace(one.subject(), labels=made.strata[2].labels, classes=("absent", "present"))
    total = {"one": 0.0, "14": 0.0}
    for check in all_checks():
        alone, several = _seconds(single, check), _seconds(labelled(one, 1), check)
        total = {"one": total["one"] + alone, "14": total["14"] + several}
        if several > 0.02:
            print(f"{check.id}: {alone:.2f} s, {several:.2f} s ({several / alone:.1f} times)")
    print(f"all: {total['one']:.1f} s, {total['14']:.1f} s, {total['14'] / total['one']:.1f} times")


def _seconds(subject: Subject, check: Check) -> float:
    start = time.perf_counter()
    examine(subject, [check])
    return time.perf_counter() - start


if __name__ == "__main__":
    name, *rest = sys.argv[1:] or ["cost"]
    {"null": null, "power": power, "cost": cost}[name](*map(int, rest))
