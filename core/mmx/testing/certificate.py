"""A certificate: who made a method, from which source, and which laws it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mmx.errors import PluginError
from mmx.interfaces import Params
from mmx.plugins import Plugins, describe
from mmx.spec import PLUGINS, Location, Node, override
from mmx.testing.method_check import Check, check


@dataclass(frozen=True, slots=True)
class Certificate:
    """The laws that one installed method keeps.

    Attributes:
        key: ``kind.type``.
        package: its distribution; ``local`` for a file given by hand.
        version: of the distribution.
        digest: SHA-256 of the module's file.
        checks: one for each law of its kind.
    """

    key: str
    package: str
    version: str
    digest: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """No law fails that is not declared to fail; laws that were not run are in ``untried``."""
        return all(one.ok for one in self.checks)

    @property
    def held(self) -> int:
        """How many laws were tried and hold."""
        return sum(one.status == "passed" for one in self.checks)

    @property
    def untried(self) -> tuple[str, ...]:
        """Names of the laws that were not run: nothing is known about them."""
        return tuple(one.name for one in self.checks if one.status == "not run")


def check_plugin(
    name: str, *, settings: Sequence[str] = (), plugins: Plugins | None = None
) -> Certificate:
    """Try all laws on one installed method.

    Args:
        name: ``fusion.film``, ``film`` or ``mmx-film/film``.
        settings: single settings, such as ``path=cases.csv`` or ``backbone.arch=resnet18``; what
            they leave out has its default. A method whose settings have no default needs them.
        plugins: where to look; None for what is installed.

    Raises:
        PluginError: there is no such method, several have the name, it cannot be loaded, or it
            refuses the settings.
        SpecError: a setting is not written as key=value.
    """
    plugins = plugins or Plugins()
    method = describe(name, plugins=plugins).method
    long_type = name if "/" in name else method.type
    type = long_type.removeprefix(f"{method.kind}.")
    source = plugins.source(method.kind, type)
    params = plugins.find(method.kind, type)
    checks = tuple(check(_with(params, settings, plugins) if settings else params))
    return Certificate(source.key, source.package, source.version, source.digest, checks)


def _with(params: type[Params], settings: Sequence[str], plugins: Plugins) -> Params:
    """The method with these settings, read as in a spec of the working folder."""
    root = Node({}, Location(None, 0, 1, ""))
    for text in settings:
        root = override(root, text)
    try:
        context = {"folder": Path.cwd(), PLUGINS: plugins}
        return params.model_validate(root.plain({}), context=context)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, one['loc'])) or 'settings'}: {one['msg']}"
            for one in error.errors(include_url=False)
        ]
        kind_type = f"{params.kind}.{params.model_fields['type'].default}"
        raise PluginError(f"{kind_type} refuses its settings: {'; '.join(faults)}") from error
