"""Syntax trees of Python files, made by one thread at a time."""

import ast
import threading

_PARSING = threading.Lock()


def syntax_tree(content: bytes) -> ast.Module:
    """The tree of a file; raises what ``ast.parse`` does.

    CPython counts the depth of a tree for all threads together, and ends with a SystemError where
    two are made at once (https://github.com/python/cpython/issues/106905).
    """
    with _PARSING:
        return ast.parse(content)
