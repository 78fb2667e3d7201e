"""What a spec may hold in place of a key that is wrong or missing: an unknown method, or a text."""

from dataclasses import dataclass, replace
from typing import Any, NoReturn, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mmx.interfaces import Params
from mmx.spec.reads import Path
from mmx.spec.walk import shape


@dataclass(frozen=True, slots=True)
class MethodPlace:
    """Where a spec holds a method, or several of one kind.

    Attributes:
        path: of the method; of the mapping or list where no entry of it is meant.
        kind: class of its settings.
        whole: a mapping or list is meant, not one of its entries.
    """

    path: Path
    kind: type[Params]
    whole: bool

    def unknown(self) -> object:
        """A method of which nothing is known but its kind, and what its name tells of it."""
        if self.whole:
            return {"unknown": replace(self, path=(*self.path, "unknown"), whole=False).unknown()}
        body: dict[str, object] = dict.fromkeys(self.kind.__abstractmethods__, _nothing)
        modality = {"modality": str(self.path[-1])} if self.kind.kind == "encoder" else {}
        make: Any = type(self.kind)  # of pydantic; a checker takes it for a method of the kind
        return make("Unknown", (self.kind,), {"__module__": __name__, **body, **modality})()


def _nothing(*given: object) -> NoReturn:
    raise NotImplementedError("an unknown method stands in a spec until its faults are told")


def method_place(path: Path, model: type[BaseModel]) -> MethodPlace | None:
    """The method that a path leads to or through; None if there is none."""
    field = model.model_fields.get(str(path[0])) if path else None
    if field is None:
        return None
    form, length = shape(field), 1 + _several(field)
    if form.choice is not None:
        return MethodPlace(path[:length], form.choice.kind, len(path) < length)
    inner = None if form.model is None else method_place(path[length:], form.model)
    return None if inner is None else replace(inner, path=(*path[:length], *inner.path))


def table_at(path: Path, model: type[BaseModel]) -> type[BaseModel] | None:
    """The class of a table of the spec; None for what is no table."""
    if not path:
        return model
    field = model.model_fields.get(str(path[0]))
    inner = None if field is None else shape(field).model
    return None if field is None or inner is None else table_at(path[1 + _several(field) :], inner)


def _several(field: FieldInfo) -> bool:
    """Whether a key holds several values, by name or in a list."""
    return get_origin(field.annotation) in (dict, list)


def filled(path: Path, model: type[BaseModel]) -> object:
    """What a missing key might hold."""
    place, table = method_place(path, model), table_at(path, model)
    if place is not None:
        return place.unknown()
    if table is None:
        return "unknown"
    required = [name for name, field in table.model_fields.items() if field.is_required()]
    return {name: filled((*path, name), model) for name in required}
