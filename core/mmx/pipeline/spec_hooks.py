"""The hooks of a spec, built for one run or one audit."""

from collections.abc import Iterator, Sequence

from mmx.interfaces import Hook, HookParams
from mmx.pipeline.identity import methods_used
from mmx.plugins import HOOK, LOCAL
from mmx.runs import Hooks, Observer
from mmx.spec import Spec


def open_hooks(spec: Spec, observer: Observer, also: Sequence[Hook] = ()) -> Hooks:
    """The hooks that a spec names, and the life-cycle functions of its methods of API 1.

    Args:
        spec: that names them.
        observer: is told of failures, and of hooks of plugin files that nothing names.
        also: hooks of mmx itself, whose errors end the run.

    Raises:
        PluginError: a hook breaks the contract, or is required and cannot be built.
    """
    for name in _unnamed(spec):
        observer.message(f"note: hook.{name} takes no part; to use it, write hooks: [{name}]")
    return Hooks([*spec.hooks, *_beside(spec)], observer, also)


def _beside(spec: Spec) -> Iterator[HookParams]:
    """Hooks of API 1 in the modules of other methods, each module once."""
    modules = {type(hook).__module__ for hook in spec.hooks}
    for params in methods_used(spec):
        found = spec.plugins.life_cycle_of(type(params))
        if found is not None and found.__module__ not in modules:
            modules.add(found.__module__)
            yield found()


def _unnamed(spec: Spec) -> list[str]:
    """Hooks of plugin files that were given and are in no list."""
    named = {hook.entry_point for hook in spec.hooks}
    given = spec.plugins.installed(HOOK) if spec.plugin_files else []
    return [one.type for one in given if one.package == LOCAL and one.key not in named]
