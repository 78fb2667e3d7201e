"""What a method can be told: its parameters with types, defaults, ranges and units."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from mmx.errors import PluginError
from mmx.plugins.discovery import KINDS, InstalledMethod
from mmx.plugins.names import LIST
from mmx.plugins.nearest import nearest
from mmx.plugins.registry import Plugins

if TYPE_CHECKING:
    from mmx.interfaces import Params

LIMITS = {
    "ge": ">= {}",
    "gt": "> {}",
    "le": "<= {}",
    "lt": "< {}",
    "multiple_of": "multiple of {}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a method.

    Attributes:
        name: key in a spec.
        type: such as ``int`` or ``frozen | last | full``.
        default: as written in Python; None when it must be given.
        range: such as ``>= 0, < 1``; empty when anything of the type is allowed.
        unit: from its JSON schema extra ``unit``; empty when it is in the description.
        description: what it does.
    """

    name: str
    type: str
    default: str | None
    range: str
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class Description:
    """A method in full.

    Attributes:
        method: where it came from.
        source: authors, year, arXiv or DOI; empty when it states none.
        parameters: its settings, in the order of the class.
        text: docstring of its module.
    """

    method: InstalledMethod
    source: str
    parameters: tuple[Parameter, ...]
    text: str


def describe(name: str, *, plugins: Plugins | None = None) -> Description:
    """Describe one method, importing its module.

    Args:
        name: ``fusion.film``, ``film``, ``mmx-film/film`` or ``fusion.mmx-film/film``.
        plugins: where to look; None for what is installed.

    Raises:
        PluginError: there is no such method, several have the name, or it cannot be loaded.
    """
    plugins = plugins or Plugins()
    kind, type = _resolve(name, plugins)
    method = plugins.choose(kind, type)
    params = plugins.find(kind, type)
    text = sys.modules[params.__module__].__doc__ or params.__doc__ or ""
    source = params.source or _stated_source(text)
    return Description(method, source, tuple(_parameters(params)), text.strip())


def _resolve(name: str, plugins: Plugins) -> tuple[str, str]:
    """Kind and type that a name means; the kind may be left out where it is unambiguous."""
    kind, _, type = name.partition(".")
    if type and kind in KINDS:
        return kind, type
    methods = plugins.installed()
    short = name.rpartition("/")[2]
    kinds = list(dict.fromkeys(method.kind for method in methods if method.type == short))
    if len(kinds) == 1:
        return kinds[0], name
    if kinds:
        keys = " or ".join(f"{kind}.{name}" for kind in kinds)
        raise PluginError(f"{name!r} names {len(kinds)} methods; write {keys}")
    meant = nearest(name, [word for method in methods for word in (method.type, method.key)])
    hint = f"; nearest: {meant}" if meant else ""
    raise PluginError(f"no method {name!r} is installed{hint}. {LIST}")


def _stated_source(text: str) -> str:
    """What stands behind ``Source:`` in a docstring, up to the end of its paragraph."""
    paragraph = text.partition("Source:")[2].partition("\n\n")[0]
    return " ".join(paragraph.split())


def _parameters(params: "type[Params]") -> Iterator[Parameter]:
    """The fields of a Params class but for ``type``."""
    for name, field in params.model_fields.items():
        if name == "type":
            continue
        extra = field.json_schema_extra
        yield Parameter(
            name=name,
            type=type_name(field.annotation),
            default=None
            if field.is_required()
            else _shown(field.get_default(call_default_factory=True)),
            range=", ".join(_limits([*field.metadata, field.annotation])),
            unit=str(extra.get("unit", "")) if isinstance(extra, dict) else "",
            description=field.description or "",
        )


def _shown(value: object) -> str:
    """A default as a spec would say it."""
    if value is None:
        return "null"
    if hasattr(value, "model_fields_set"):  # a nested method or table
        return str(getattr(value, "type", "{}"))  # a table of settings has no type
    if isinstance(value, tuple | list | frozenset | set):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def type_name(annotation: Any) -> str:
    """A type in words: ``int``, ``float | null``, ``frozen | last | full``, ``any encoder``."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is NoneType:
        return "null"
    if origin is Annotated:
        return type_name(arguments[0])
    if origin is Literal:
        return " | ".join(map(_shown, arguments))
    if origin in (Union, UnionType):
        return " | ".join(map(type_name, arguments))
    if arguments:
        inner = ", ".join("..." if one is ... else type_name(one) for one in arguments)
        return f"{origin.__name__}[{inner}]"
    if hasattr(annotation, "model_fields") and hasattr(annotation, "kind"):
        return f"any {annotation.kind}"
    return getattr(annotation, "__name__", str(annotation))


def _limits(constraints: Iterable[object]) -> Iterator[str]:
    """Words for the constraints of a field, also for those inside ``Annotated`` and unions."""
    for constraint in constraints:
        for name, sign in LIMITS.items():
            limit = getattr(constraint, name, None)
            if limit is not None and not isinstance(constraint, type):
                yield sign.format(limit)
        nested = getattr(constraint, "metadata", ())  # a pydantic field inside Annotated
        yield from _limits(nested if isinstance(nested, list) else ())
        if get_origin(constraint) is not Literal:
            yield from _limits(get_args(constraint))  # with what Annotated attaches
