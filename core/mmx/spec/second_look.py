"""What does not fit together in a spec that has other faults too.

Pydantic asks the rules of the whole spec only when every key is valid. So each wrong key is taken
out, which leaves its default, or an unknown method takes its place; then the rules are asked that
read none of these keys (`mmx.spec.reads`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mmx.interfaces import IMAGE, RECORD, TEXT
from mmx.plugins import nearest
from mmx.spec.reads import ENCODERS, LOSS, TASK, WRONG, Path
from mmx.spec.short import long_path, shorts_of
from mmx.spec.unknown_method import MethodPlace, filled, method_place, table_at

OF_KEYS = ("mmx_plugin", "mmx_component", "mmx_name")  # own types of faults that are no rule's
KIND_IN_NAME = ((IMAGE,), (TEXT,), (RECORD,))  # what such an encoder reads, whichever it is
ROUNDS = 4  # a key that is taken out may be needed by what stands around it


def faults_of_the_rest(
    first: ValidationError, model: type[BaseModel], plain: object, context: dict[str, Any]
) -> list[ErrorDetails]:
    """Faults of the rules of a whole spec that hold whatever the wrong keys should be.

    Args:
        first: faults that were found.
        model: of the spec.
        plain: what it was given.
        context: of the validation.
    """
    found, wrong = first.errors(), list[Path]()
    for _ in range(ROUNDS):
        if any(map(_of_a_rule, found)):
            return found if wrong else []
        given = plain
        for detail in found:
            wrong += _wrong_keys(detail, model, given)
            plain = _mended(plain, detail, model, given)
        if TASK in [path[:1] for path in wrong] and _found(LOSS, plain)[0] != LOSS:
            wrong.append(LOSS)  # the task decides which one it is
        try:
            model.model_validate(plain, context={**context, WRONG: wrong})
        except ValidationError as error:
            found = error.errors()
        else:
            return []
    return []


def _of_a_rule(detail: ErrorDetails) -> bool:
    """Whether a rule of the whole spec told it; then every key was valid."""
    return detail["type"].startswith("mmx_") and detail["type"] not in OF_KEYS


def _wrong_keys(detail: ErrorDetails, model: type[BaseModel], given: object) -> list[Path]:
    """The key that is wrong, and the one that an unknown key is probably meant to be."""
    path = detail["loc"]
    if _is_name(detail):
        return [path[:2]]  # all names of that table
    if path[:2] == ENCODERS and path[2:3] in KIND_IN_NAME and path[3:] == ("type",):
        return [(*path[:3], "[method]")]
    if detail["type"] != "extra_forbidden":
        return [path]
    table = table_at(path[:-1], model)
    known = [] if table is None else [*table.model_fields, *shorts_of(table)]
    meant = nearest(str(path[-1]), known)
    other = tuple(long_path([*map(str, path[:-1]), meant], model)) if meant else path
    return [path] if _found(other, given)[0] == other else [path, other]


def _is_name(detail: ErrorDetails) -> bool:
    """Whether it is about the name of an entry, such as a modality."""
    return detail["loc"][-1:] == ("[key]",) or detail["type"] == "mmx_name"


def _mended(plain: object, detail: ErrorDetails, model: type[BaseModel], given: object) -> object:
    """The same with something valid instead of a wrong key of what was given, or nothing."""
    path = detail["loc"]
    here, value = _found(path, given)
    if _is_name(detail) or detail["type"] == "extra_forbidden":
        return _put(plain, here, ())
    method = method_place(path, model)
    if method is not None and not _is_setting(here, value, method):
        return _put(plain, method.path, (method.unknown(),))
    if detail["type"] == "missing":
        return _put(plain, path, (filled(path, model),))
    return _put(plain, here, ())


def _is_setting(here: Path, value: object, method: MethodPlace) -> bool:
    """Whether a single setting of a method is wrong, which has a default if taken out."""
    inner = here[len(method.path) :]
    return bool(inner) and inner != ("type",) and not isinstance(value, Mapping)


def _found(path: Path, plain: object) -> tuple[Path, object]:
    """The part of a path that the spec has, and what stands there."""
    found = list[str | int]()
    for name in path:
        entries: Any = dict(enumerate(plain)) if isinstance(plain, list) else plain
        if not isinstance(entries, Mapping) or name not in entries:
            break
        plain = entries[name]
        found.append(name)
    return tuple(found), plain


def _put(node: object, path: Path, values: Sequence[object]) -> object:
    """The same with one value, or none, at a path; in its place, since an order may count."""
    if not path:
        return values[0] if values else node
    name, below = path[0], path[1:]
    if not values and not _found(path[:1], node)[0]:
        return node  # it is taken out already
    if isinstance(node, list) and isinstance(name, int):
        inner = [_put(node[name], below, values)] if below else list(values)
        return [*node[:name], *inner, *node[name + 1 :]]
    table = dict(node) if isinstance(node, Mapping) else {}
    if below or values:
        return {**table, name: _put(table.get(name, {}), below, values)}
    return {key: value for key, value in table.items() if key != name}
