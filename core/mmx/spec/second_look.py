"""What does not fit together in a spec that has other faults too.

Pydantic asks the rules of the whole spec only when every key is valid. So the wrong keys are taken
out, which leaves their defaults, and the rest is asked. Where a wrong key decides who takes part,
such as the name of a method, nothing is asked: a default in its place would accuse what is right.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]
METHODS = ("mmx_plugin", "mmx_component")  # types of faults in the choice of a method
# what stands here gives leave, or names the columns that other parts of the spec speak of
DECIDING: Sequence[Path] = (("audit",), ("allow_double_correction",), ("data", "dataset"))
NAMED: Sequence[Path] = (("model", "encoders"), ("data", "narratives"))  # entries are who is there


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
    wrong, rest = list[Path](), plain
    for detail in first.errors():
        path = _wrong_key(detail, plain)
        if path is None:
            return []
        wrong.append(path)
        rest = _without(rest, path)
    try:
        model.model_validate(rest, context=context)
    except ValidationError as second:
        return _apart(second.errors(), wrong)
    return []


def _wrong_key(detail: ErrorDetails, plain: object) -> Path | None:
    """The key that is wrong and can be left out; None where the rest hangs on it."""
    path, value = _found(detail["loc"], plain)
    decides = any(path[: len(one)] == one for one in DECIDING)
    names = len(path) < 4 and path[:2] in NAMED
    method = detail["type"] in METHODS or detail["loc"][-1:] == ("type",)
    stranger = detail["type"] == "extra_forbidden"
    alone = bool(path) and not isinstance(value, Mapping) and detail["type"] != "missing"
    return path if (stranger or alone) and not (decides or names or method) else None


def _found(path: Path, plain: object) -> tuple[Path, object]:
    """The part of a path that the spec has, and what stands there."""
    found = list[str | int]()
    for name in path:
        if not isinstance(plain, Mapping) or name not in plain:
            break
        found.append(name)
        plain = plain[name]
    return tuple(found), plain


def _without(node: object, path: Path) -> object:
    """The same without the entry at a path."""
    if not path or not isinstance(node, Mapping) or path[0] not in node:
        return node
    rest = {key: value for key, value in node.items() if key != path[0]}
    if len(path) > 1:
        rest[path[0]] = _without(node[path[0]], path[1:])
    return {key: rest[key] for key in node if key in rest}


def _apart(found: Sequence[ErrorDetails], wrong: Sequence[Path]) -> list[ErrorDetails]:
    """Faults of rules that stand neither at a wrong key nor above one."""
    rules = all(one["type"].startswith("mmx_") and one["type"] not in METHODS for one in found)
    return [
        one
        for one in found
        if rules and not any(path[: len(one["loc"])] == one["loc"] for path in wrong)
    ]
