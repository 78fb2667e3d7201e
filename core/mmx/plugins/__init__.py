"""Finding methods: hook specifications and the registry. Imports nothing heavy."""

from mmx.plugins.describe import Description, Parameter, describe
from mmx.plugins.discovery import HOOK, KINDS, Installed
from mmx.plugins.hookspecs import hookimpl
from mmx.plugins.nearest import nearest
from mmx.plugins.package import new_plugin
from mmx.plugins.registry import Registry, Source, find, installed, registry, use_files

__all__ = [
    "HOOK", "KINDS", "Description", "Installed", "Parameter", "Registry", "Source", "describe",
    "find", "hookimpl", "installed", "nearest", "new_plugin", "registry", "use_files",
]  # fmt: skip
