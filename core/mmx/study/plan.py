"""The plan of a study, written before it runs, and what was changed afterwards."""

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from mmx.errors import RunError
from mmx.pipeline import open_split, read_rows, stage
from mmx.runs import Observer
from mmx.spec import ABSENT, Spec
from mmx.study.arms import Arm, Arms
from mmx.study.spec import StudySpec
from mmx.study.study_folder import StudyFolder

# what a study promises before it has seen a result
_PROMISED = (
    "study",
    "base",
    "base_spec",
    "metric",
    "seeds",
    "folds",
    "data",
    "arms",
    "comparisons",
    "chosen_on_validation",
)


def make_plan(study: StudySpec, arms: Arms, observer: Observer) -> dict[str, Any]:
    """The plan as plain data, with its digest; the observer is told what is read for it.

    Raises:
        MmxError: the data of the base cannot be read.
    """
    compared = [arm for arm in arms.arms if arm.role == "arm"]
    plan: dict[str, Any] = {
        "study": study.study,
        "base": arms.arms[0].name,
        "base_spec": digest_of(arms.base.digest_fields()),
        "metric": arms.metric,
        "seeds": list(study.seeds),
        "folds": study.folds,
        "data": _data(arms.base, study.folds, observer),
        "arms": {arm.name: described(arm) for arm in arms.arms if arm.role != "control"},
        "comparisons": len(compared),
        "chosen_on_validation": dict(study.chosen_on_validation),
    }
    return {
        **plan, "digest": digest_of(plan), "controls": study.controls,
        "baselines": [one.params.model_dump(mode="json") for one in arms.baselines],
        "written": time.strftime("%Y-%m-%d %H:%M:%S"), "later": {}, "file": str(study.file),
    }  # fmt: skip


def described(arm: Arm) -> dict[str, object]:
    """An arm as plain data: what it changes, and in what it differs from what."""
    return {
        **({"against": arm.against} if arm.against else {}),
        "set": list(arm.overrides),
        "variables": list(arm.variables),
        "differences": [
            {
                "key": one.key,
                "base": None if one.left is ABSENT else one.left,
                "arm": None if one.right is ABSENT else one.right,
            }
            for one in arm.differences
        ],
        "confounded": arm.confounded,
    }


def settle(
    folder: StudyFolder, study: StudySpec, arms: Arms, replan: bool, observer: Observer
) -> dict[str, object]:
    """Write the plan of a new study, or hold this one against the plan that is there.

    Arms that the plan does not have are noted as later ones, with the time. The observer is told
    how the rows were read.

    Args:
        folder: of the study.
        study: as it is asked for now.
        arms: of it.
        replan: write a new plan where it is not as it was planned.
        observer: is told what is read.

    Raises:
        RunError: base, data, metric, seeds or an arm are not what was planned.
    """
    plan, old = make_plan(study, arms, observer), folder.plan
    if old is None:
        folder.write_plan(plan)
        return plan
    changed = _changed(old, plan)
    if changed and not replan:
        raise RunError(
            f"the study {study.study} was planned otherwise ({', '.join(changed)}); results may "
            "have been seen since. Give it another name, or write a new plan with --replan, which "
            "the report will state"
        )
    if changed:
        keep = [*old.get("before", []), {k: old[k] for k in ("digest", "written")}]
        plan["before"] = [{**keep[-1], "changed": changed}, *keep[:-1]]
        folder.write_plan(plan)
        return plan
    added = [name for name in plan["arms"] if name not in old["arms"] | old["later"]]
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    old["later"] |= {name: {**plan["arms"][name], "added": now} for name in added}
    if added:
        folder.write_plan(old)
    return old


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What was promised and does not hold; arms may be added, and left out by mistake only."""
    plain = json.loads(json.dumps(new))
    keys = [key for key in _PROMISED if key not in ("arms", "comparisons")]
    before = {"chosen_on_validation": {}, **old}  # plans of earlier versions do not have it
    found = [key for key in keys if before.get(key) != plain[key]]
    both = old["arms"].keys() & plain["arms"].keys()
    return found + [
        f"arm {name}" for name in sorted(both) if old["arms"][name] != plain["arms"][name]
    ]


def _data(spec: Spec, folds: int, observer: Observer) -> dict[str, str]:
    """Digests of rows and split, as every run of the base will find them, and a group's name.

    With folds the split is that of the first one.
    """
    manifest = read_rows(spec, observer)
    for note in manifest.notes:
        observer.message(note)
    asked = spec.data.split
    if folds > 1:
        asked = asked.model_copy(update={"folds": folds, "fold": 0})
    with stage(observer, "reading", "split"):
        split = open_split(spec, manifest, asked)
    return {"rows": manifest.digest, "split": split.digest, "group": manifest.facts.group}


def digest_of(value: object) -> str:
    """SHA-256 of plain data."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
