"""JSON Schema of the spec with the settings of every installed method, for editors."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter

from mmx.errors import PluginError
from mmx.plugins import InstalledMethod, Plugins
from mmx.spec.choice import MARK
from mmx.spec.closed import ClosedModel
from mmx.spec.walk import shape
from mmx.spec.whole import Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def spec_schema(*, plugins: Plugins | None = None) -> Schema:
    """JSON Schema 2020-12 of a spec; imports every installed method.

    A method that cannot be used is left out, and ``$comment`` says why. A spec with a ``base`` may
    leave everything out; what is missing in the end, ``load_spec`` tells.

    Args:
        plugins: where to look; None for what is installed.
    """
    body = Spec.model_json_schema()
    definitions: Schema = body.pop("$defs")
    for table in _tables(Spec):
        _add_short_forms(table, definitions)
    methods, notes = _methods(definitions, plugins or Plugins())
    for definition in _marks([body, *definitions.values()]):
        kind, modality, default = definition.pop(MARK)
        name = f"{modality or ''} {kind}".strip()
        definition["$ref"] = f"#/$defs/{name if default is None else f'{name}, {default}'}"
        definitions.setdefault(
            definition["$ref"].removeprefix("#/$defs/"), _any_of(methods, kind, modality, default)
        )
    schema = {"$schema": DIALECT} | _with_base(body, definitions) | {"$defs": definitions}
    return schema | ({"$comment": "; ".join(notes)} if notes else {})


def _tables(model: type[BaseModel]) -> Iterable[type[ClosedModel]]:
    """All tables inside a model that have short forms."""
    for field in model.model_fields.values():
        inner = shape(field).model
        if inner is not None and issubclass(inner, ClosedModel):
            yield from ([inner] if inner.short else [])
            yield from _tables(inner)


def _add_short_forms(table: type[ClosedModel], definitions: Schema) -> None:
    """The short keys of a table; one of them is enough where the long one is needed."""
    schema = definitions[table.__name__]
    for key, form in table.short.items():
        written = TypeAdapter(form.annotation).json_schema(ref_template="#/$defs/{model}")
        definitions.update(written.pop("$defs", {}))
        schema["properties"][key] = {**written, "description": form.description}
    for long in {form.path[0] for form in table.short.values()} & {*schema.get("required", ())}:
        schema["required"].remove(long)
        shorts = [key for key, form in table.short.items() if form.path[0] == long]
        schema["anyOf"] = [{"required": [key]} for key in (long, *shorts)]


def _methods(
    definitions: Schema, plugins: Plugins
) -> tuple[list[tuple[InstalledMethod, str | None]], list[str]]:
    """Usable methods with their modality; their schemas go to the definitions."""
    usable: list[tuple[InstalledMethod, str | None]] = []
    notes = []
    for method in plugins.installed():
        try:
            params = plugins.find(method.kind, f"{method.package}/{method.type}")
            schema = params.model_json_schema(ref_template=f"#/$defs/{method.key}.{{model}}")
        except PluginError as error:
            notes.append(f"{method.key} is left out: {error}")
            continue
        for name, inner in schema.pop("$defs", {}).items():
            definitions[f"{method.key}.{name}"] = inner
        names = [method.type, f"{method.package}/{method.type}"]
        schema["properties"]["type"] = {"enum": names, "description": method.summary}
        definitions[method.key] = schema
        usable.append((method, getattr(params, "modality", None)))
    return usable, notes


def _any_of(
    methods: Iterable[tuple[InstalledMethod, str | None]],
    kind: str,
    modality: str | None,
    default: str | None,
) -> Schema:
    """One name, or a mapping with a type; only the default method needs no type."""
    here = [method for method, its in methods if method.kind == kind and modality in (None, its)]
    names = [name for method in here for name in (method.type, f"{method.package}/{method.type}")]
    mappings = [
        {"$ref": f"#/$defs/{method.key}"}
        | ({} if method.type == default else {"required": ["type"]})
        for method in here
    ]
    return {"oneOf": [{"enum": names}, *mappings]} if names else {"not": {}}


def _marks(value: object) -> Iterable[Schema]:
    """Every mapping inside that a ``chosen`` key left its mark on."""
    if isinstance(value, list):
        for item in value:
            yield from _marks(item)
    elif isinstance(value, dict):
        if MARK in value:
            yield value
        for item in list(value.values()):
            yield from _marks(item)


def _with_base(body: Schema, definitions: Schema) -> Schema:
    """Add ``base``; only a spec without it must have everything that has no default."""
    needed: Schema = {"required": body.pop("required"), "properties": {}}
    for key, field in body["properties"].items():
        table = definitions.get(str(field.get("$ref", "")).removeprefix("#/$defs/"), {})
        if table.get("title", "").endswith("Spec"):
            asked = {name: table.pop(name) for name in ("required", "anyOf") if name in table}
            needed["properties"] |= {key: asked} if asked else {}
    base = {"type": "string", "description": "a spec file that this one changes, relative to it"}
    return {
        **body,
        "properties": {"base": base, **body["properties"]},
        "if": {"not": {"required": ["base"]}},
        "then": needed,
    }
