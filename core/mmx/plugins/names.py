"""From a name to one method, and the words when that fails."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmx.errors import PluginError
from mmx.plugins.api import ACCEPTED, API
from mmx.plugins.discovery import KINDS, Claim, InstalledMethod, same_package
from mmx.plugins.nearest import nearest

if TYPE_CHECKING:
    from mmx.interfaces import Params

LIST = "Run `mmx plugins list`"


def check_kind(kind: str) -> None:
    """Raise PluginError when there is no such kind of method."""
    if kind not in KINDS:
        meant = nearest(kind, KINDS)
        hint = f"nearest: {meant}" if meant else f"kinds: {', '.join(KINDS)}"
        raise PluginError(f"there is no kind {kind!r}; {hint}")


def matching(claims: Sequence[Claim], kind: str, type: str) -> list[Claim]:
    """Claims that ``type`` or ``package/type`` means; raises PluginError when there is none."""
    check_kind(kind)
    of_kind = [claim for claim in claims if claim.kind == kind]
    package, _, short = type.rpartition("/")
    found = [claim for claim in of_kind if claim.type == short]
    if package:
        found = [claim for claim in found if same_package(claim.package, package)]
    if not found:
        known = [f"{claim.package}/{claim.type}" if package else claim.type for claim in of_kind]
        raise PluginError(_nothing(claims, kind, type, known))
    return found


def _nothing(claims: Sequence[Claim], kind: str, type: str, known: list[str]) -> str:
    """Words for a name that nobody has."""
    missing = f"no {kind} {type!r} is installed"
    meant = nearest(type, known)
    if meant:
        return f"{missing}; nearest: {meant}. {LIST}"
    others = sorted({claim.kind for claim in claims if claim.type == type})
    if others:
        return f"{missing}; {type!r} is of the kind {' and '.join(others)}. {LIST}"
    return f"{missing}; installed: {', '.join(sorted(set(known))) or 'none'}. {LIST}"


def clash(rivals: Sequence[Claim]) -> str:
    """Words for a key that several distributions claim."""
    packages = " and ".join(claim.package for claim in rivals)
    long_names = " or ".join(f"{claim.package}/{claim.type}" for claim in rivals)
    return (
        f"{rivals[0].key} is provided by {packages}; write {long_names}, or uninstall one of them"
    )


def outdone(rivals: Sequence[Claim], ours: Claim) -> str:
    """Words for a key of mmx itself that others claim as well."""
    others = [claim for claim in rivals if claim is not ours]
    packages = " and ".join(claim.package for claim in others)
    long_names = " or ".join(f"{claim.package}/{claim.type}" for claim in others)
    return f"{ours.key} is the one of mmx; {packages} claims the name too: write {long_names}"


def other_api(package: str, stated: int | None) -> str:
    """Words for a plugin made for interfaces that this mmx has not; empty when it has them."""
    if stated is None or stated in ACCEPTED:
        return ""
    update = "mmx" if stated > API else package
    return f"made for plugin API {stated}, and this mmx has {API} and {API - 1}; update {update}"


def pick(classes: "Sequence[type[Params]]", method: InstalledMethod) -> "type[Params]":
    """The class that a method's entry point promises; raises PluginError when it is not there."""
    types = [(params.kind, params.model_fields["type"].default) for params in classes]
    if (method.kind, method.type) in types:
        return classes[types.index((method.kind, method.type))]
    given = " and ".join(
        f"{params.__name__} with kind {kind!r} and type {type!r}"
        for params, (kind, type) in zip(classes, types, strict=True)
    )
    keys = " or ".join(f"'{kind}.{type}'" for kind, type in types)
    raise PluginError(
        f"its entry point is {method.key!r}, but it provides {given}; "
        f"change kind and type of the class, or the entry point to {keys}"
    )
