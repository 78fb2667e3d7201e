"""Laws of life-cycle hooks."""

import inspect

from mmx.audit import Check
from mmx.interfaces import MOMENTS, Hook, HookParams
from mmx.plugins import nearest
from mmx.testing.global_state import untouched
from mmx.testing.law import Laws, demand


def built(params: HookParams) -> Hook:
    """A hook of its own."""
    hook = params.build()
    demand(isinstance(hook, Hook), f"build must give a Hook, got {type(hook)}")
    return hook


def builds(params: HookParams) -> str:
    """``build`` gives a `Hook`, and every run another one."""
    first, second = built(params), built(params)
    demand(first is not second, "build gives the same object twice; every run needs its own")
    return type(first).__name__


def moments(params: HookParams) -> str:
    """Its methods take what a run gives them, and none has a misspelt name."""
    own = type(built(params))
    written = [name for name in MOMENTS if getattr(own, name) is not getattr(Hook, name)]
    for name in written:
        given = list(inspect.signature(getattr(Hook, name)).parameters)
        try:
            inspect.signature(getattr(own, name)).bind(*given)
        except TypeError as error:
            demand(False, f"{name} is called with ({', '.join(given[1:])}): {error}")
    for name in sorted(set(dir(own)) - set(dir(Hook))):
        meant = None if name.startswith("_") else nearest(name, MOMENTS)
        demand(not meant, f"{name} is never called; nearest: {meant}")
    return ", ".join(written) or "no method of its own"


def checks(params: HookParams) -> str | None:
    """What it gives to the audit are checks."""
    given = list(built(params).audit_checks())
    for one in given:
        demand(isinstance(one, Check), f"audit_checks gives {one!r}, which is no mmx.Check")
    return f"{len(given)} checks" if given else None


def random_state(params: HookParams) -> None:
    """Nothing of the whole process changes when it is built."""
    with untouched("build"):
        built(params)


HOOK: Laws = {law.__name__: law for law in (builds, moments, checks, random_state)}
