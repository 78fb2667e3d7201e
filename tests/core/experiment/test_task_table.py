"""What fits which task (methods-2, table 4.3): accepted and run, or refused with what to use.

Every cell is held against the spec; small runs then go from data to report with what is accepted.
"""

from collections.abc import Callable

import pytest

import mmx
from mmx.commands import installed

Load = Callable[..., mmx.Spec]
TASKS = {
    "single_label": (),
    "multi_label": (
        "task=multi_label",
        "data.max_bad=0.05",
        "data.dataset={type: synthetic, n: 120, classes: 3, image_size: 32, target: labels, "
        "unknown: 0.1}",
    ),
    "ordinal": (
        "task={type: ordinal, levels: [minimal, mild, moderate]}",
        "data.dataset={type: synthetic, n: 120, classes: 3, image_size: 32, target: levels}",
    ),
}
SINGLE, MULTI, ORDINAL = TASKS
OF_LABELS, OF_LEVELS = {SINGLE: "use ", ORDINAL: "use "}, {SINGLE: "use ", MULTI: "use "}
# change of a spec -> what each task that refuses it is told to do
LOSSES: dict[str, dict[str, str]] = {
    "cross_entropy": {MULTI: "use loss: bce"},
    "focal": {MULTI: "use loss: focal_bce"},
    "class_balanced": {MULTI: "use loss: class_balanced_bce"},
    "logit_adjusted": {MULTI: "use loss: logit_adjusted_bce"},
    "mp": {MULTI: "use loss: bce", ORDINAL: "use loss: cumulative_link"},
    "symmetric_kl": {},
    "{type: symmetric_kl, scale: true}": {SINGLE: "leave it out", MULTI: "leave it out"},
    "bce": OF_LABELS,
    "asymmetric": OF_LABELS,
    "focal_bce": OF_LABELS,
    "class_balanced_bce": OF_LABELS,
    "logit_adjusted_bce": OF_LABELS,
    "cumulative_link": OF_LEVELS,
    "coral": OF_LEVELS,
    "corn": OF_LEVELS,
}
HEADS: dict[str, dict[str, str]] = {
    "mlp": {}, "residual_mlp": {}, "attention_pool": {}, "kan": {}, "kan_spline": {}, "moe": {},
    "{type: mlp, cosine: true}": {MULTI: "leave it out", ORDINAL: "leave it out"},
}  # fmt: skip
HOOKS: dict[str, dict[str, str]] = {
    "temperature": {}, "tta": {}, "mc_dropout": {}, "prior_correction": {}, "selective": {},
    "platt": {SINGLE: "use ", ORDINAL: "use "},
    "thresholds": {SINGLE: "use ", ORDINAL: "use "},
    "risk_control": {SINGLE: "use inference: conformal", ORDINAL: "use inference: conformal"},
    "conformal": {MULTI: "use inference: risk_control"},
    "{type: conformal, score: contiguous}": {
        SINGLE: "use aps", MULTI: "use inference: risk_control",
    },
    "{type: selective, score: neg_entropy}": {MULTI: "use max_prob"},
}  # fmt: skip
SAMPLERS: dict[str, dict[str, str]] = {"shuffle": {}, "weighted": {MULTI: "loss"}}
FUSIONS: dict[str, dict[str, str]] = {
    "late": {}, "{type: late, rule: bayes}": {}, "concat": {},
}  # fmt: skip
CELLS = [
    (f"{key}={value if key != 'inference' else f'[{value}]'}", task, refused.get(task, ""))
    for key, table in (
        ("loss", LOSSES), ("model.head", HEADS), ("inference", HOOKS),
        ("train.sampler", SAMPLERS), ("model.fusion", FUSIONS),
    )
    for value, refused in table.items()
    for task in TASKS
]  # fmt: skip


@pytest.mark.parametrize(("change", "task", "told"), CELLS)
def test_a_method_fits_a_task_or_says_what_does(
    load: Load, change: str, task: str, told: str
) -> None:
    if not told:
        load(*TASKS[task], change)
        return
    with pytest.raises(mmx.SpecError) as caught:
        load(*TASKS[task], change)
    assert [one for one in caught.value.faults if told in one.message], caught.value


def test_every_loss_and_hook_of_the_box_has_its_row() -> None:
    """LDAM needs a cosine head, and ``class_attention`` is no head of the box."""
    for kind, table, left in (("loss", LOSSES, {"ldam"}), ("inference", HOOKS, set())):
        names = {str(one.type) for one in installed(kind) if one.package == "mmx"}
        assert names - left <= set(table)


QUICK = ("train.threads=1", "train.epochs=1")
RUNS = {
    "labels by several heads": (
        MULTI, "loss=symmetric_kl", "model.fusion={type: late, rule: bayes}", "model.head=kan",
        "inference=[tta, {type: mc_dropout, samples: 3}, prior_correction, temperature, selective]",
    ),
    "labels by one head": (
        MULTI, "loss=logit_adjusted_bce", "model.head=moe",
        "inference=[prior_correction, platt, risk_control, thresholds]",
    ),
    "levels by several heads": (
        ORDINAL, "model.fusion=late", "loss={type: symmetric_kl, scale: true}",
        "model.head=residual_mlp",
        "inference=[tta, {type: mc_dropout, samples: 3}, temperature, "
        "{type: conformal, score: contiguous}, selective]",
    ),
    "levels by one head": (
        ORDINAL, "loss=corn", "model.head=attention_pool", "train.sampler=weighted",
        "inference=[prior_correction, conformal]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_what_fits_runs_to_its_report(load: Load, name: str) -> None:
    task, *changes = RUNS[name]
    run = mmx.run(load(*TASKS[task], *QUICK, *changes))
    assert run.report.is_file()
    values = run.predictions[[one for one in run.predictions if str(one).startswith("p_")]]
    assert ((values >= 0) & (values <= 1)).all(axis=None)
