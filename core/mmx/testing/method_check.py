"""Run the laws of a kind on one method and tell what came out."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from mmx.errors import MmxError, PluginError
from mmx.interfaces import Params
from mmx.plugins import location_of, of_this_api
from mmx.testing.baseline_laws import BASELINE
from mmx.testing.conduct import FUSION, HEAD
from mmx.testing.encoder_conduct import ENCODER
from mmx.testing.global_state import fresh_state
from mmx.testing.inference_hooks import INFERENCE
from mmx.testing.input_kinds import INPUT
from mmx.testing.law import Law, LawError, Laws, SkippedLaw
from mmx.testing.life_cycle import HOOK as LIFE_CYCLE
from mmx.testing.losses import LOSS
from mmx.testing.priors import PRIOR
from mmx.testing.readers import READER
from mmx.testing.rows import DATASET, NARRATIVE, SAMPLER
from mmx.testing.settings import ANY
from mmx.testing.tasks import TASK
from mmx.testing.used_settings import settings_read
from mmx.testing.written_api import api_of

if TYPE_CHECKING:
    import pytest

BASIC = ("builds", "declared", "shapes", "scalar")
"""Where one of these fails, all later laws would fail for the same reason."""

Status = Literal["passed", "failed", "expected failure", "unexpected pass", "not run"]

USED: Laws = {"settings_read": settings_read}
LAWS: Mapping[str, Laws] = {
    "baseline": {**BASELINE, **USED, **ANY},
    "dataset": {**DATASET, **USED, **ANY},
    "encoder": {**ENCODER, **USED, **ANY},
    "fusion": {**FUSION, **USED, **ANY},
    "head": {**HEAD, **USED, **ANY},
    "hook": {**LIFE_CYCLE, **ANY},
    "inference": {**INFERENCE, **USED, **ANY},
    "input": {**INPUT, **ANY},
    "loss": {**LOSS, **PRIOR, **USED, **ANY},
    "narrative": {**NARRATIVE, **USED, **ANY},
    "reader": {**READER, **USED, **ANY},
    "sampler": {**SAMPLER, **USED, **ANY},
    "task": {**TASK, **USED, **ANY},
}


@dataclass(frozen=True, slots=True)
class Check:
    """One law, tried on one method.

    Attributes:
        name: of the law.
        ok: it does not fail, or fails as the method declares in ``expected_failures``. A law that
            was not run is no law that holds: see ``status``.
        detail: how it fails, or what is worth knowing; for an expected failure its reason too.
        status: in words.
    """

    name: str
    ok: bool
    detail: str
    status: Status


def laws(kind: str) -> Laws:
    """The laws of a kind by name.

    Raises:
        PluginError: there is no such kind.
    """
    if kind not in LAWS:
        raise PluginError(f"there are no laws for the kind {kind!r}; kinds: {', '.join(LAWS)}")
    return LAWS[kind]


def check(method: type[Params] | Params) -> list[Check]:
    """Try all laws of its kind on a method, each from a random state of its own.

    A method that cannot be built, or whose results have other shapes than it promises, fails that
    law alone: the others are not run, for all of them would say the same.

    Args:
        method: its Params class, for default settings, or an instance.

    Raises:
        PluginError: the kind has no laws.
    """
    method = _of_this_api(method)
    known = laws(method.kind)
    strange = [name for name in method.expected_failures if name not in known]
    words = "expected_failures names a law that does not exist"
    unknown = [Check(name, False, words, "failed") for name in strange]
    results: list[Check] = []
    stopped = ""
    for name in known:
        if stopped and name not in ANY:
            results.append(Check(name, True, f"comes after {stopped}, which fails", "not run"))
            continue
        results.append(check_law(method, name))
        if name in BASIC and results[-1].status in ("failed", "expected failure"):
            stopped = stopped or name
    return results + unknown


def check_law(method: type[Params] | Params, name: str) -> Check:
    """Try one law on a method.

    Raises:
        PluginError: its kind has no such law.
    """
    method = _of_this_api(method)
    known = laws(method.kind)
    if name not in known:
        raise PluginError(f"no law {name!r} for {method.kind}; laws: {', '.join(known)}")
    if isinstance(method, type) and name not in ANY and (needed := _needed(method)):
        return Check(name, True, f"needs settings: {', '.join(needed)}", "not run")
    try:
        params = method() if isinstance(method, type) and not _needed(method) else method
    except ValidationError as error:
        return Check(name, False, f"its default settings are refused: {error}", "failed")
    return _tried(params, name, known[name])


def _of_this_api(method: type[Params] | Params) -> type[Params] | Params:
    """The method as a run would use it, for the tests of a package that is written for API 1."""
    own = method if isinstance(method, type) else type(method)
    found = of_this_api(own) if api_of(own) == 1 else own
    if found is own:
        return method
    return found if isinstance(method, type) else found.model_validate(dict(method))


def _needed(method: type[Params]) -> list[str]:
    """Settings that have no default."""
    return [key for key, field in method.model_fields.items() if field.is_required()]


def _tried(method: type[Params] | Params, name: str, law: Law) -> Check:
    """The outcome of a law, seen against what the method expects."""
    reason = method.expected_failures.get(name)
    try:
        with fresh_state(name):
            detail = law(method) or ""
    except SkippedLaw as error:
        return Check(name, True, str(error), "not run")
    except Exception as error:  # noqa: BLE001 - a broken plugin may raise anything
        words = _words(method, error)
        if reason is None:
            return Check(name, False, words, "failed")
        return Check(name, True, f"{reason} ({words})", "expected failure")
    if reason is None:
        return Check(name, True, detail, "passed")
    words = f"holds, though it is declared to fail: {reason}; take it out of expected_failures"
    return Check(name, False, words, "unexpected pass")


def _words(method: type[Params] | Params, error: Exception) -> str:
    """How a law was broken, in one line; what the method raised with the place in its own file."""
    said = " ".join(" ".join([str(error), *getattr(error, "__notes__", ())]).split())
    if isinstance(error, LawError | MmxError):
        return said
    own = method if isinstance(method, type) else type(method)
    file = inspect.getsourcefile(own) or ""
    index = location_of(error, file)
    return f"{f'{index}: ' if index != file else ''}{type(error).__name__}: {said}"


def parametrize_with_checks(methods: Iterable[type[Params] | Params]) -> "pytest.MarkDecorator":
    """One pytest case for each method and law.

    Use it on a test with the arguments ``method`` and ``law``::

        @parametrize_with_checks([FilmParams])
        def test_keeps_the_laws(method, law):
            result = check_law(method, law)
            assert result.ok, result.detail
    """
    import pytest  # for tests of packages; no run needs it

    cases: list[object] = []
    for method in methods:
        own = method if isinstance(method, type) else type(method)
        kind_type = own.model_fields["type"].default
        for name in laws(method.kind):
            cases.append(pytest.param(method, name, id=f"{method.kind}.{kind_type}-{name}"))
    return pytest.mark.parametrize(("method", "law"), cases)
