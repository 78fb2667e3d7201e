"""Finding methods: hook specifications and the registry. Imports nothing heavy."""

from mmx.plugins.code import Code, modules_below
from mmx.plugins.describe import Description, Parameter, describe
from mmx.plugins.discovery import HOOK, KINDS, Installed
from mmx.plugins.hookspecs import hookimpl
from mmx.plugins.libraries import core_code
from mmx.plugins.loading import place_of
from mmx.plugins.local import plugin_file
from mmx.plugins.names import check_kind
from mmx.plugins.nearest import nearest
from mmx.plugins.registry import Registry, Source, file_digest, find, installed, registry, source_of

__all__ = [
    "HOOK", "KINDS", "Code", "Description", "Installed", "Parameter", "Registry", "Source",
    "check_kind", "core_code", "describe", "file_digest", "find", "hookimpl", "installed",
    "modules_below", "nearest", "place_of", "plugin_file", "registry", "source_of",
]  # fmt: skip
