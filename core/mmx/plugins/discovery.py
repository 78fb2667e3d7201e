"""What distributions declare: their metadata read, and nothing imported."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Literal

from mmx.plugins.nearest import nearest

GROUP = "mmx"
HOOK = "hook"
KINDS = (
    "dataset", "reader", "narrative", "input", "encoder", "fusion", "head", "loss", "sampler",
    "inference", "task", "baseline", HOOK,
)  # fmt: skip

Status = Literal["found", "missing module", "clash", "blocked", "incompatible"]


@dataclass(frozen=True, slots=True)
class InstalledMethod:
    """One method that some distribution declares, or that a local file provides.

    Attributes:
        kind: one of ``KINDS``.
        type: its name in a spec.
        key: ``kind.type``.
        package: the distribution; ``local`` for a file given by hand.
        version: of the distribution; the digest for a local file.
        module: dotted name of the module.
        status: ``found``, or why it cannot be used.
        reason: the status in words; empty when it is found.
        summary: first line of its docstring.
        api: version of the interfaces that it is written for; a module that states none is of 1.
    """

    kind: str
    type: str
    key: str
    package: str
    version: str
    module: str
    status: Status
    reason: str
    summary: str
    api: int = 1

    @property
    def long_name(self) -> str:
        """``package/type``, which always resolves."""
        return f"{self.package}/{self.type}"


@dataclass(frozen=True, slots=True)
class Claim:
    """One entry point: a distribution says that a module provides a method."""

    kind: str
    type: str
    package: str
    version: str
    module: str
    fault: str = ""

    @property
    def key(self) -> str:
        """``kind.type``."""
        return f"{self.kind}.{self.type}" if self.kind else self.type

    def is_called(self, name: str) -> bool:
        """Whether a name in MMX_BLOCK_PLUGINS means this method."""
        package, _, type = name.rpartition("/")
        if package:
            return same_package(package, self.package) and type == self.type
        return name in (self.key, self.type) or same_package(name, self.package)


def same_package(one: str, other: str) -> bool:
    """Whether two spellings name the same distribution (PEP 503)."""
    return normalised(one) == normalised(other)


def normalised(package: str) -> str:
    """Name of a distribution as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


def read_claims(path: Sequence[str] | None) -> list[Claim]:
    """All entry points of the group ``mmx``, sorted by kind, type and package.

    Args:
        path: folders to search; None for sys.path. The first distribution of a name wins, as it
            does for ``import``.
    """
    where = distributions() if path is None else distributions(path=list(path))
    seen: set[str] = set()
    claims: list[Claim] = []
    for distribution in filter(_mentions_group, where):
        package, version = _name_and_version(distribution)
        if normalised(package) not in seen:
            seen.add(normalised(package))
            claims += _claims(distribution, package, version)
    order = {kind: location for location, kind in enumerate(KINDS)}
    return sorted(claims, key=lambda c: (order.get(c.kind, len(order)), c.type, c.package))


def _mentions_group(distribution: Distribution) -> bool:
    """A quick look, so that the metadata of a hundred strangers is not parsed."""
    try:
        return f"[{GROUP}]" in (distribution.read_text("entry_points.txt") or "")
    except (OSError, UnicodeDecodeError):  # damaged, and nobody can tell whether it was for us
        return False


def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """From its metadata, which can be missing after an interrupted installation."""
    metadata = distribution.metadata  # parsed at each access
    stated = [metadata[key] if metadata and key in metadata else "" for key in ("Name", "Version")]
    return stated[0] or "unknown", stated[1] or "unknown"


def _claims(distribution: Distribution, package: str, version: str) -> Iterator[Claim]:
    """The claims of one distribution; a file that cannot be read is one claim with a fault."""
    try:
        entries = list(distribution.entry_points.select(group=GROUP))
    except (TypeError, ValueError) as error:
        fault = f"entry_points.txt of {package} cannot be read: {error}"
        yield Claim("", "?", package, version, "", fault)
        return
    for entry in entries:
        kind, _, type = entry.name.rpartition(".")
        fault = _fault(entry, kind)
        yield Claim(kind, type, package, version, "" if fault else entry.module, fault)


def _fault(entry: EntryPoint, kind: str) -> str:
    """Why an entry point is not one of mmx; empty when it is fine."""
    if not re.fullmatch(r"\w+(\.\w+)*", entry.value):
        return f"{entry.name} = {entry.value!r} must name a module, such as mmx_film.film"
    if kind in KINDS:
        return ""
    kinds = ", ".join(KINDS)
    meant = nearest(kind, KINDS)
    hint = f"nearest: {meant}" if meant else f"kinds: {kinds}"
    return f"the key {entry.name!r} must be KIND.TYPE, and there is no kind {kind!r}; {hint}"
