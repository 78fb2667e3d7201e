"""Finding methods: what is declared, what is imported, where it came from. Nothing heavy here."""

from mmx.plugins.code import Code, modules_below
from mmx.plugins.describe import Description, Parameter, describe
from mmx.plugins.discovery import HOOK, KINDS, InstalledMethod
from mmx.plugins.hookspecs import hookimpl
from mmx.plugins.libraries import core_code, version_of
from mmx.plugins.loading import location_of
from mmx.plugins.local import PACKAGE as LOCAL
from mmx.plugins.local import plugin_file
from mmx.plugins.names import check_kind
from mmx.plugins.nearest import nearest
from mmx.plugins.registry import Plugins, Source, file_digest, find, installed, of_this_api
from mmx.plugins.syntax import syntax_tree

__all__ = [
    "HOOK", "KINDS", "LOCAL", "Code", "Description", "InstalledMethod", "Parameter", "Plugins",
    "Source", "check_kind", "core_code", "describe", "file_digest", "find", "hookimpl", "installed",
    "location_of", "modules_below", "nearest", "of_this_api", "plugin_file",
    "syntax_tree", "version_of",
]  # fmt: skip
