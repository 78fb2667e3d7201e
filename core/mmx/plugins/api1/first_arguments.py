"""Methods of API 1 that are called with more arguments in API 2, each behind those of before."""

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import TypeVar

T = TypeVar("T")


def with_first_arguments(method: Callable[..., T]) -> Callable[..., T]:
    """The method as API 2 calls it; it is given as many arguments as it takes.

    Args:
        method: of an object, called by position.
    """
    return partial(_called, method, len(signature(method).parameters))


def _called(method: Callable[..., T], takes: int, *given: object) -> T:
    return method(*given[:takes])
