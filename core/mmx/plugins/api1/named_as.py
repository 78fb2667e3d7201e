"""A class that is computed, under the name of the one that it stands for."""

from typing import TypeVar

from mmx.interfaces import Params

P = TypeVar("P", bound=Params)


def named_as(own: type[P], made: type[P]) -> type[P]:
    """The made class with the name, module and docstring of its own one.

    Args:
        own: of API 1.
        made: derived from it.
    """
    made.__name__, made.__qualname__ = own.__name__, own.__qualname__
    made.__module__, made.__doc__ = own.__module__, own.__doc__
    return made
