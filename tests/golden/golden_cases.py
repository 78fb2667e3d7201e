"""What is computed and kept: every kind of experiment, small, by the public entry points alone
(but for jobs of a study, which are done without a process of their own).

A case is a spec with changes, or a function that runs one and asks it further. All use one thread
and synthetic data, so that a number moves only when the code does.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from golden_data import write_cases, write_ham10000, write_spine

import mmx
from mmx.study.executor import Heard
from mmx.study.job import Job, perform

TESTS = Path(__file__).parents[1]
EXAMPLES = TESTS.parent / "examples"
TINY, ENCODERS = TESTS / "tiny" / "spec.yaml", TESTS / "tiny" / "encoders.py"
MUTAN = EXAMPLES / "plugin" / "src" / "mmx_mutan" / "mutan.py"

QUICK = ("train.threads=1", "train.epochs=2", "train.batch_size=8", "evaluation.explain=0")
DRAWN = (
    "data.dataset={type: synthetic, n: 60, classes: 3, image_size: 32, imbalance: 2}",
    "data.split={train: 0.5, validation: 0.2, test: 0.3}",
)
PICTURES = "data.image={height: 32, width: 40}"
TEXT = "model.text=tiny_text"
LEARNING = (
    "model.image={type: timm, arch: test_vit, weights: none, train: full}",
    "data.image={height: 32, width: 32}",
)  # fmt: skip

# name -> changes of the tiny spec: each fusion once, beside one head, loss, sampler or hook
SMALL: dict[str, tuple[str, ...]] = {
    "add": ("model.fusion=add", "loss=class_balanced"),
    "bottleneck": ("model.fusion=bottleneck", "train.modality_dropout=0.4"),
    "co_attention": ("model.fusion=co_attention",),
    "concat": ("model.fusion=concat",),
    "concat of tokens": (
        "model.fusion={type: concat, tokens: true}", "model.head=attention_pool",
    ),
    "cross_attention": ("model.fusion=cross_attention", "inference=[{type: tta, views: d4}]"),
    "film": ("model.fusion=film", "loss={type: focal, gamma: 2}"),
    "gated": ("model.fusion=gated", "inference=[temperature, conformal]"),
    "hierarchical": (
        "model.fusion=hierarchical", "loss={type: symmetric_kl, unimodal: 0.3, weight: 0.1}",
    ),
    "ibfa": ("model.fusion=ibfa", "loss=mp"),
    "ibfa published": (
        "model.fusion={type: ibfa, reference: true}", "loss={type: mp, mode: reference}",
    ),
    "image_only": ("model.fusion=image_only",),
    "late": ("model.fusion=late", "loss=logit_adjusted", "train.modality_dropout=0.3"),
    "low_rank": ("model.fusion=low_rank", "model.head=kan"),
    "mamba": ("model.fusion=mamba", "model.head=kan_spline"),
    "metablock": ("model.fusion=metablock", "model.head={type: moe, experts: 3, k: 2}"),
    "mfb": ("model.fusion=mfb", "model.head=residual_mlp"),
    "mlb": ("model.fusion=mlb", "model.head.cosine=true", "loss=ldam"),
    "multiply": (
        "model.fusion=multiply", "train.sampler={type: weighted, q: 1.0}",
        "inference=[prior_correction]",
    ),
    "mutan": ("model.fusion={type: mutan, dim: 8}", "inference=[temperature, selective]"),
    "perceiver": (
        "model.fusion=perceiver", "model.head={type: mlp, hidden: 8, dropout: 0.5}",
        "inference=[mc_dropout]",
    ),
    "text_only": ("model.fusion=text_only",),
}  # fmt: skip

# name -> file below examples/ and changes
OTHERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "quickstart": ("quickstart.yaml", (*DRAWN, "data.image={height: 32, width: 32}")),
    "table": ("table/spec.yaml", ("data.image={height: 32, width: 32}",)),
    "ham10000 baseline": ("ham10000/baseline.yaml", (PICTURES,)),
    "ham10000 finetune": (  # bf16 is what "auto" is where the numbers were made
        "ham10000/finetune.yaml", (*LEARNING, TEXT, "train.precision=bf16"),
    ),
    "ham10000 multi_view": (
        "ham10000/multi_view.yaml", (PICTURES, "model.image.backbone=tiny_image", TEXT),
    ),
    "ham10000 sequence": (
        "ham10000/sequence.yaml", (PICTURES, "model.image.backbone=tiny_image", TEXT),
    ),
    "ham10000 rangm_meta": (
        "ham10000/rangm_meta.yaml", (PICTURES, "model.image=tiny_image", TEXT),
    ),
    "ham10000 dual_expert": (
        "ham10000/dual_expert.yaml", (PICTURES, "model.image.backbone=tiny_image", TEXT),
    ),
    "spine pseudo_3d": (
        "spine/pseudo_3d.yaml", (PICTURES, "model.image.backbone=tiny_image", TEXT),
    ),
    "spine sequence": (
        "spine/sequence.yaml", (PICTURES, "model.image.backbone=tiny_image", TEXT),
    ),
    "spine mibf_net": (
        "spine/mibf_net_bundled.yaml", (PICTURES, "model.image=tiny_image", TEXT),
    ),
}  # fmt: skip

BUNDLED = ("quickstart", "table", "ham10000 baseline")  # encoders that mmx[bundled] brings

Kept = dict[str, Any]
COLUMNS = ("sample", "group", "part", "label")  # what a row is; the others are answers
OWN = (*COLUMNS, "predicted", "id", "reason")
ARMS = ("alone", "missing")  # sections of metrics.json that hold scores by name
FEW = ("balanced_accuracy", "nll")  # scores kept of each of those
PROMISES = ("inference", "gates")


def ran(spec: mmx.Spec) -> Kept:
    """What is kept of a run: its rows as a digest, answers to the test part, and scores."""
    run = mmx.run(spec)
    table = run.predictions.sort_values(["part", "sample"], kind="stable")
    rows = "\n".join(",".join(map(str, row)) for row in table[list(COLUMNS)].to_numpy().tolist())
    scores: dict[str, Any] = {}
    for name, score in run.metrics["validation"]["metrics"].items():
        scores[f"validation.{name}"] = _round(score["value"])
    scores |= _numbers(run.metrics["test"]["metrics"], "test")
    for arm in ARMS:
        for name, values in run.metrics.get(arm, {}).items():
            scores |= {f"{arm}.{name}.{one}": _round(values[one]["value"]) for one in FEW}
    for section in PROMISES:
        scores |= _numbers(run.metrics.get(section, {}), section)
    test = table[table["part"] == "test"]
    return {"rows": _digest(rows), "answers": _answers(test), "scores": scores}


def small(name: str) -> Kept:
    """A variation of the tiny spec."""
    plugins = [ENCODERS, MUTAN] if "mutan" in name else [ENCODERS]
    return ran(mmx.load_spec(TINY, overrides=(*DRAWN, *QUICK, *SMALL[name]), plugins=plugins))


def other(name: str) -> Kept:
    """An example of the repository."""
    path, changes = OTHERS[name]
    return ran(mmx.load_spec(EXAMPLES / path, overrides=(*QUICK, *changes), plugins=[ENCODERS]))


def asked(home: Path) -> Kept:
    """``predict`` and ``evaluate`` on new cases, some without a photograph or a text."""
    table, plugins = write_cases(home / "cases"), [ENCODERS]
    changes = (*DRAWN, *QUICK, "model.fusion=gated", "inference=[temperature]")
    run = mmx.run(mmx.load_spec(TINY, overrides=changes, plugins=plugins))
    names = {"photo": "image"}
    told = mmx.predict(run.path, table, columns=names, plugins=plugins)
    evaluated = mmx.evaluate_run(
        run.path, table, columns=names | {"finding": "label"}, plugins=plugins
    )
    scores = _numbers(evaluated.evaluation.to_json()["metrics"], "cases")
    return {
        "rows": _digest("\n".join(map(str, told["id"]))),
        "answers": _answers(told),
        "scores": scores,
    }


class InThisProcess:
    """Does the jobs of a study without a process for them."""

    workers = 1

    def run(self, jobs: Sequence[Job], heard: Heard) -> None:
        """One after another."""
        for job in jobs:
            heard(perform(job))


def studied(home: Path) -> Kept:
    """A study of two fusions with all controls."""
    base = home / "base.yaml"
    base.write_text(TINY.read_text(encoding="utf-8"), encoding="utf-8")
    pairs = [one.partition("=") for one in (*DRAWN, *QUICK)]
    changes = {key: yaml.safe_load(value) for key, _, value in pairs}
    del changes["train.threads"]  # a study has a key for it
    study = {
        "study": "golden", "base": "base.yaml", "vary": "model.fusion",
        "arms": ["concat", "gated"], "seeds": [0],
        "set": changes,
    }  # fmt: skip
    path = home / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    done = mmx.run_study(path, plugins=[ENCODERS], executor=InThisProcess())
    arms = done.results["arms"]
    return {
        "rows": _digest("\n".join(arm["name"] for arm in arms)),
        "answers": {},
        "scores": {key: value for arm in arms for key, value in _of_arm(arm).items()},
    }


CASES: Mapping[str, Callable[[Path], Kept]] = {
    **{name: (lambda home, name=name: small(name)) for name in SMALL},
    **{name: (lambda home, name=name: other(name)) for name in OTHERS},
    "predict and evaluate": asked,
    "study": studied,
}


def kept(name: str, home: Path) -> Kept:
    """Compute a case; runs, caches and data lie below ``home``, an empty folder."""
    places = {"MMX_RUNS": home / "runs", "MMX_CACHE": home / "cache", "MMX_DATA": home / "data"}
    os.environ.update({key: str(path) for key, path in places.items()})
    if name.startswith("ham10000"):
        write_ham10000(home / "data" / "ham10000")
    if name.startswith("spine"):
        write_spine(home / "data" / "spine")
    return CASES[name](home)


def _of_arm(arm: Mapping[str, Any]) -> dict[str, Any]:
    scores = _numbers(arm["scores"], arm["name"])
    for metric, contrast in arm["contrasts"].items():
        scores |= _numbers(contrast["difference"], f"{arm['name']}.contrast.{metric}")
    return scores


def _answers(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Every column of numbers."""
    found = {str(name): table[name] for name in table if name not in OWN}
    return {name: [_round(value) for value in column] for name, column in found.items()}


def _numbers(tree: Any, path: str) -> dict[str, Any]:
    """The numbers of a tree by their dotted names."""
    if isinstance(tree, Mapping):
        found: dict[str, Any] = {}
        for key, value in tree.items():
            found |= _numbers(value, f"{path}.{key}")
        return found
    return {path: _round(tree)} if isinstance(tree, (int, float)) or tree is None else {}


def _round(value: Any) -> float | None:
    """Eight places; None for a missing number."""
    return None if pd.isna(value) else round(float(value), 8)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
