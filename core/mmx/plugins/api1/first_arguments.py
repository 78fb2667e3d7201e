"""Methods of API 1 that are called with more arguments in API 2, each behind those of before."""

from collections.abc import Callable
from functools import partial
from inspect import Parameter, signature
from typing import TypeVar

T = TypeVar("T")


def with_first_arguments(method: Callable[..., T]) -> Callable[..., T]:
    """The method as API 2 calls it; it is given as many arguments as it takes.

    Args:
        method: of an object, called by position.
    """
    parameters = signature(method).parameters.values()
    open_ended = any(one.kind is Parameter.VAR_POSITIONAL for one in parameters)
    return partial(_called, method, None if open_ended else len(parameters))


def _called(method: Callable[..., T], takes: int | None, *given: object) -> T:
    return method(*given[:takes])
