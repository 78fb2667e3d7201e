"""A certificate: who made a method, from which source, and which laws it keeps."""

from dataclasses import dataclass

from mmx.plugins import Registry, describe
from mmx.testing.check import Check, check


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
        """No law fails that is not declared to fail."""
        return all(one.ok for one in self.checks)


def check_plugin(name: str, *, plugins: Registry | None = None) -> Certificate:
    """Try all laws on one installed method.

    Args:
        name: ``fusion.film``, ``film`` or ``mmx-film/film``.
        plugins: where to look; None for what is installed.

    Raises:
        PluginError: there is no such method, several have the name, or it cannot be loaded.
    """
    plugins = plugins or Registry()
    method = describe(name, plugins=plugins).method
    long_type = name if "/" in name else method.type
    type = long_type.removeprefix(f"{method.kind}.")
    source = plugins.source(method.kind, type)
    checks = tuple(check(plugins.find(method.kind, type)))
    return Certificate(source.key, source.package, source.version, source.digest, checks)
