"""Arms: the specs of a study, and in what each differs from the base."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from mmx.errors import MmxError, SpecError
from mmx.evaluation import arm_name
from mmx.plugins import nearest
from mmx.spec import Difference, Spec, diff_specs, inline, load_spec, short_key
from mmx.study.baseline_methods import BaselineMethod, baseline_methods
from mmx.study.spec import OneAtATime, StudySpec

Role = Literal["base", "arm", "control"]
BASE = "base"
HEAD, MATCHED = "model.head", "mlp"  # beside each head stands this one with as many parameters
_OF_MATCHED = ("type", "hidden", "match")  # what makes it as large; all else is as in the arm
_IGNORED = ("name",)
_NO_VARIABLE = ("audit", "hooks")  # they change what is told about a run, not the run


@dataclass(frozen=True, slots=True)
class Arm:
    """One method of a study.

    Attributes:
        name: unique in the study.
        role: the base, one that is compared with it, or a control that is trained.
        file: the spec it is read from.
        overrides: changes of it, as for ``--set``.
        against: the arm it is compared with; empty: the base.
        differences: every resolved key that differs from what it is compared with.
        variables: what these amount to: a method and its settings count as one.
        confounded: why it may differ in more than one variable; empty when it does not.
        fault: why it cannot run; empty when it can.
    """

    name: str
    role: Role
    file: Path
    overrides: tuple[str, ...]
    against: str = ""
    differences: tuple[Difference, ...] = ()
    variables: tuple[str, ...] = ()
    confounded: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Arms:
    """All arms of a study, the base first.

    Attributes:
        base: resolved.
        arms: base, arms and trained controls.
        metric: what the verdicts are about: of the study, else the first that the task compares.
        plugins: local files that they use.
        baselines: methods that answer from the record alone.
    """

    base: Spec
    arms: tuple[Arm, ...]
    metric: str
    plugins: tuple[Path, ...] = field(default=())
    baselines: tuple[BaselineMethod, ...] = ()


@dataclass(frozen=True, slots=True)
class _NamedArm:
    """An arm as the study names it."""

    name: str
    file: Path
    overrides: tuple[str, ...]
    declared: tuple[str, ...] | None  # keys it may change; None: one, whichever
    against: "_NamedArm | None" = None  # what it is compared with; None: the base


def resolve_arms(study: StudySpec, plugins: Sequence[str | Path] = ()) -> Arms:
    """Load every arm and hold it against the base.

    An arm whose spec cannot be loaded keeps its reason and fails alone.

    Raises:
        SpecError: the base cannot be loaded, an arm differs in more than it may, or a name is
            used twice or unknown.
    """
    shared = tuple(_override(key, value) for key, value in study.set.items())
    base = load_spec(study.base, overrides=shared, plugins=plugins)
    metric = _metric(study, base)
    _check_folds(study, base)
    asked = list(_asked(study, shared))
    _check_names(study, [one.name for one in asked], _only(base))
    asked = _paired(asked, study)
    found = [_resolved(one, "arm", study, base, plugins) for one in asked]
    same = next((arm for arm in found if not (arm.fault or arm.differences or arm.against)), None)
    own = Arm(same.name if same else BASE, "base", study.base, shared)
    others = [arm for arm in found if arm is not same]
    controls = _alone(study, base, shared, plugins) if study.controls else []
    if study.controls and any(_within(key, [HEAD]) for arm in others for key in arm.variables):
        controls += [one for arm in (own, *others) for one in _matched(arm, study, base, plugins)]
    names = {arm.name for arm in (own, *others)}
    fresh = [arm for arm in controls if arm.name not in names]
    files = tuple(Path(file).absolute() for file in plugins)
    baselines = baseline_methods(study, base)
    return Arms(base, (own, *others, *fresh), metric, files, baselines)


def _asked(study: StudySpec, shared: tuple[str, ...]) -> Iterator[_NamedArm]:
    vary = study.vary
    if isinstance(vary, OneAtATime):
        for key, values in vary.one_at_a_time.items():
            for value in values:
                change = _override(key, value)
                yield _NamedArm(f"{key} {_name(value)}", study.base, (*shared, change), (key,))
    elif vary is not None:
        arms = study.arms if isinstance(study.arms, dict) else {_name(v): v for v in study.arms}
        if len(arms) < len(study.arms):
            raise SpecError([study.fault("two arms have the same name", "arms")])
        for name, value in arms.items():
            yield _NamedArm(name, study.base, (*shared, _override(vary, value)), (vary,))
    elif isinstance(study.arms, dict):
        for name, changes in study.arms.items():
            yield _named(name, changes, study, shared)


def _named(name: str, changes: Any, study: StudySpec, shared: tuple[str, ...]) -> _NamedArm:
    """An arm that says itself what it changes, or names a whole spec."""
    if isinstance(changes, str):
        return _NamedArm(name, (study.file.parent / changes).resolve(), shared, None)
    if not isinstance(changes, dict):
        words = f"{changes!r} is neither a mapping of keys to values nor the name of a spec file"
        raise SpecError([study.fault(words, f"arms.{name}")])
    overrides = tuple(_override(key, value) for key, value in changes.items())
    return _NamedArm(name, study.base, (*shared, *overrides), tuple(changes))


def _metric(study: StudySpec, base: Spec) -> str:
    """What the verdicts are about; refuses a task or a metric that cannot be compared."""
    name, own = base.task.entry_point.partition(".")[2], tuple(base.task.compares)
    if not own:
        words = (
            f"{study.base.name}: a study compares methods by metrics of their task, and task "
            f"{name} names none (TaskParams.compares)"
        )
        raise SpecError([study.fault(words, "base")])
    metric = study.metric or own[0]
    if metric not in own:
        words = f"task {name} is not compared on {metric}; set metric: {' or '.join(own)}"
        raise SpecError([study.fault(words, "metric")])
    return metric


def _check_folds(study: StudySpec, base: Spec) -> None:
    """Refuse folds that the split of the base cannot have; its arms are held to the same."""
    words = unfit_folds(study, base)
    if words:
        raise SpecError([study.fault(f"{study.base.name}: {words}", "folds")])


def unfit_folds(study: StudySpec, spec: Spec) -> str:
    """Why a spec cannot be tested in the folds of the study; empty when it can."""
    split = spec.data.split
    if study.folds == 1:
        return ""
    if split.folds not in (1, study.folds):
        return f"data.split.folds is {split.folds} there and folds is {study.folds} here"
    asked = split.model_copy(update={"folds": study.folds, "fold": 0})
    return next(asked.conflicts(), "")


def _paired(asked: Sequence[_NamedArm], study: StudySpec) -> list[_NamedArm]:
    """With the arm that each is compared with; from that one it may differ in one variable."""
    named = {one.name: one for one in asked}
    return [
        replace(one, declared=None, against=named[study.against[one.name]])
        if one.name in study.against else one
        for one in asked
    ]  # fmt: skip


def _alone(
    study: StudySpec, base: Spec, shared: tuple[str, ...], plugins: Sequence[str | Path]
) -> list[Arm]:
    """Each modality alone, with all else as in the base; none where there is one only."""
    asked = [
        _NamedArm(name, study.base, (*shared, _override("model.fusion", fusion)), ("model.fusion",))
        for name, fusion in _only(base).items()
    ]
    return [_resolved(one, "control", study, base, plugins) for one in asked]


def _only(base: Spec) -> dict[str, dict[str, str]]:
    """Name of the control -> fusion that reads one modality."""
    names = tuple(base.model.encoders)
    if len(names) < 2:
        return {}
    return {arm_name((name,), names): {"type": "only", "modality": name} for name in names}


def _matched(arm: Arm, study: StudySpec, base: Spec, plugins: Sequence[str | Path]) -> list[Arm]:
    """The arm with an mlp in place of its head, as large as that very head; none for an mlp.

    What both heads can be told, such as dropout, is as in the arm.
    """
    if arm.fault:
        return []
    spec = load_spec(arm.file, overrides=arm.overrides, plugins=plugins)
    head = spec.model.head
    if head.entry_point.rpartition(".")[2] == MATCHED:
        return []
    told = head.model_dump(mode="json")
    mlp = spec.plugins.find("head", MATCHED)
    shared = [key for key in mlp.model_fields if key not in _OF_MATCHED]
    settings = {key: told[key] for key in shared if key in told}
    matched = {"type": MATCHED, "match": told, **settings}
    itself = _NamedArm(arm.name, arm.file, arm.overrides, None)
    overrides = (*arm.overrides, _override(HEAD, matched))
    asked = _NamedArm(f"{MATCHED} as large as {arm.name}", arm.file, overrides, None, itself)
    return [_resolved(asked, "control", study, base, plugins)]


def _resolved(
    asked: _NamedArm, role: Role, study: StudySpec, base: Spec, plugins: Sequence[str | Path]
) -> Arm:
    try:
        spec = load_spec(asked.file, overrides=asked.overrides, plugins=plugins)
        if asked.against:
            other = asked.against
            base = load_spec(other.file, overrides=other.overrides, plugins=plugins)
    except MmxError as error:
        return Arm(asked.name, role, asked.file, asked.overrides, fault=str(error))
    if unfit := unfit_folds(study, spec):
        return Arm(asked.name, role, asked.file, asked.overrides, fault=unfit)
    differences = tuple(
        one for one in diff_specs(base, spec) if one.key.split(".")[0] not in _IGNORED
    )
    changed = variables(differences)
    reason = _judged(asked, changed, study)
    against = asked.against.name if asked.against else ""
    return Arm(asked.name, role, asked.file, asked.overrides, against, differences, changed, reason)


def _judged(asked: _NamedArm, changed: tuple[str, ...], study: StudySpec) -> str:
    """Nothing, or the written reason why more may differ; refuses an arm that has none."""
    if asked.declared is None:
        elsewhere = changed if len(changed) > 1 else ()
    else:
        elsewhere = tuple(key for key in changed if not _within(key, asked.declared))
    if not elsewhere:
        return ""
    reason = study.reason(asked.name)
    if reason:
        return f"confounded: {len(changed)} keys differ ({', '.join(changed)}). {reason}"
    raise SpecError([
        study.fault(
            f"the arm {asked.name!r} differs from {_other(asked)} in {', '.join(changed)}; one "
            "variable at a time, or say why not: allow_confounded: \"reason\"",
            "arms",
        )
    ])  # fmt: skip


def _other(asked: _NamedArm) -> str:
    return f"{asked.against.name!r}, which it is compared with," if asked.against else "the base"


def _within(key: str, declared: Sequence[str]) -> bool:
    keys = [short_key(one, Spec) for one in declared]
    return any(key == one or key.startswith(f"{one}.") for one in keys)


def variables(differences: Sequence[Difference]) -> tuple[str, ...]:
    """The keys that differ; where a method changes, its settings belong to it."""
    keys = [one.key for one in differences]
    keys = [key for key in keys if key.split(".")[0] not in _NO_VARIABLE]
    methods = [key.removesuffix(".type") for key in keys if key.endswith(".type")]
    found = [next((m for m in methods if key.startswith(f"{m}.")), key) for key in keys]
    return tuple(dict.fromkeys(found))


def _override(key: str, value: object) -> str:
    return f"{key}={inline(value)}"


def _name(value: object) -> str:
    """A short name for a value: ``gated``, ``gated dim 128``, ``0.001``."""
    if isinstance(value, dict):
        rest = [f"{key} {_name(one)}" for key, one in value.items() if key != "type"]
        return " ".join([str(value.get("type", "")), *rest]).strip()
    if isinstance(value, list):
        return " + ".join(map(_name, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else inline(value)


def _check_names(study: StudySpec, names: list[str], alone: Iterable[str]) -> None:
    """Refuse what is reported, excused or compared for an arm that is not there."""
    allowed = study.allow_confounded
    excused = allowed if isinstance(allowed, dict) else {}
    compared = [*study.against, *study.against.values()]
    others = (*names, BASE, *alone)
    told = (
        ("reported", study.reported, others), ("allow_confounded", excused, others),
        ("against", compared, names),
    )  # fmt: skip
    for key, given, known in told:
        for name in given:
            if name not in known:
                near = nearest(name, names)
                words = f"there is no arm {name!r}" + (f"; nearest: {near}" if near else "")
                raise SpecError([study.fault(words, key)])
