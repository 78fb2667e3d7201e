"""No module imports itself by way of others, neither when it runs nor for a type checker."""

from collections.abc import Iterator, Mapping
from functools import cache

import grimp

PACKAGES = ("mmx", "mmx_plugins", "mmx_cli")
LAZY = ("mmx", "mmx.commands")
"""They name the homes of their names for checkers and import them on first use."""


@cache
def imports() -> Mapping[str, set[str]]:
    """Module -> what it imports: at its top, in its functions, and under TYPE_CHECKING."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=False, cache_dir=None)
    return {
        module: graph.find_modules_directly_imported_by(module)
        for module in graph.modules
        if module not in LAZY
    }


def cycles(imported: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Sets of modules of which each reaches each other (Tarjan 1972, doi:10.1137/0201010)."""
    number, lowest = dict[str, int](), dict[str, int]()
    waiting = list[str]()

    def visit(module: str) -> Iterator[list[str]]:
        number[module] = lowest[module] = len(number)
        waiting.append(module)
        for other in sorted(imported.get(module, ())):
            if other not in number:
                yield from visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in waiting:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            first = waiting.index(module)
            found = waiting[first:]
            del waiting[first:]
            if len(found) > 1:
                yield sorted(found)

    for module in sorted(imported):
        if module not in number:
            yield from visit(module)


def test_no_import_leads_back() -> None:
    assert len(imports()) > 400
    assert list(cycles(imports())) == []


def test_core_does_not_import_the_lists_of_its_own_names() -> None:
    core = {name: others for name, others in imports().items() if name.startswith("mmx.")}
    assert [name for name, others in core.items() if others & {*LAZY}] == []


def test_a_cycle_is_seen() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str](), "e": {"a"}}
    assert list(cycles(graph)) == [["b", "c"]]
