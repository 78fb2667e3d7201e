"""YAML with the place of every key and value, read by the rules of YAML 1.2.

So ``no`` and ``off`` are words, ``1e-4`` is a number and ``1:30`` is a word. Tags, merge keys and
duplicate keys are faults. Limits keep a hostile file cheap: its size, its depth and the number of
values after the aliases are expanded.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from mmx.errors import Fault

SIZE_LIMIT = 1_000_000  # bytes of a file
SHOWN_LIMIT = 200  # characters of a line that is shown with its fault
DEPTH_LIMIT = 50  # a spec needs eight; Python's own recursion limit stays far away
VALUE_LIMIT = 10_000  # values, also after the aliases are expanded

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Location:
    """Where a key or value stands.

    Attributes:
        file: None for a value from the command line.
        line: 1-based; 0 on the command line.
        column: 1-based.
        source: the line as written.
    """

    file: Path | None
    line: int
    column: int
    source: str

    def fault(self, message: str, key: str = "") -> Fault:
        """A fault that points here."""
        return Fault(message, key, self.file, self.line, self.column, self.source)


def from_here(fault: Fault) -> Fault:
    """A fault with its file as seen from the working folder, if it lies inside."""
    here = Path.cwd()
    inside = fault.file is not None and fault.file.is_relative_to(here)
    return replace(fault, file=fault.file.relative_to(here)) if inside and fault.file else fault


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a file and its place."""

    content: "dict[str, Entry] | list[Node] | Scalar"
    location: Location

    def get(self, key: str) -> "Node | None":
        """Value at a key; None when this is no mapping or has no such key."""
        entry = self.content.get(key) if isinstance(self.content, dict) else None
        return entry.node if entry else None

    def plain(self, instead: Mapping[int, str]) -> object:
        """The value without places, for pydantic; ``instead`` holds other texts by id of a node."""
        if isinstance(self.content, dict):
            return {key: entry.node.plain(instead) for key, entry in self.content.items()}
        if isinstance(self.content, list):
            return [node.plain(instead) for node in self.content]
        return instead.get(id(self), self.content)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's place and its value."""

    location: Location
    node: Node


class _Stop(Exception):
    """Reading cannot go on; the fault is already noted."""


class _RefusedYaml(yaml.MarkedYAMLError):
    """What YAML allows and a spec does not."""


class _Composer(yaml.SafeLoader):
    """Composes nodes; plain scalars stay as written, and tags and great depth are refused."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - as PyYAML declares it
    depth = 0
    count = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        """Compose one node, as PyYAML does."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None):
            raise _RefusedYaml(problem="a tag (!) is not read here", problem_mark=event.start_mark)
        if self.depth >= DEPTH_LIMIT:
            problem = f"it is nested more than {DEPTH_LIMIT} deep"
            raise _RefusedYaml(problem=problem, problem_mark=event.start_mark)
        self.count += 1
        if self.count > VALUE_LIMIT:
            problem = f"it has more than {VALUE_LIMIT} values"
            raise _RefusedYaml(problem=problem, problem_mark=event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)  # type: ignore[arg-type]
        self.depth -= 1
        return node


@dataclass
class _Reader:
    """Turns one text into nodes and collects its faults."""

    file: Path | None
    text: str
    faults: list[Fault] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        # PyYAML ends lines at these; str.splitlines knows more of them
        self.lines = re.split("\r\n|[\r\n\x85\u2028\u2029]", self.text)

    def location(self, mark: yaml.Mark) -> Location:
        source = self.lines[mark.line] if mark.line < len(self.lines) else ""
        source = source if len(source) <= SHOWN_LIMIT else ""
        return Location(self.file, mark.line + 1, mark.column + 1, source)

    def read(self) -> Node | None:
        """The whole text as nodes; None when it cannot be read."""
        try:
            loader = _Composer(self.text)
            root = loader.get_single_node()
            if root is not None:
                return self.node(root, 0)
            self.faults.append(Fault("it is empty", file=self.file))
        except yaml.reader.ReaderError as error:
            self.faults.append(
                self._at(
                    error.position,
                    f"U+{int(error.character):04X} is not a character that YAML may hold",
                )
            )
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            message = _plain_problem(error)
            self.faults.append(
                self.location(mark).fault(message) if mark else Fault(message, file=self.file)
            )
        except _Stop:
            pass
        return None

    def _at(self, position: int, message: str) -> Fault:
        before = re.split("\r\n|[\r\n\x85\u2028\u2029]", self.text[:position])
        location = Location(self.file, len(before), len(before[-1]) + 1, "")
        return location.fault(message)

    def node(self, node: yaml.Node, depth: int) -> Node:
        location = self.location(node.start_mark)
        self.count += 1
        if self.count > VALUE_LIMIT or depth > DEPTH_LIMIT:  # an alias may hold itself
            self.faults.append(
                location.fault(
                    f"it has more than {VALUE_LIMIT} values or is nested more than "
                    f"{DEPTH_LIMIT} deep once the aliases are expanded"
                )
            )
            raise _Stop
        if isinstance(node, yaml.MappingNode):
            return Node(self.mapping(node, depth), location)
        if isinstance(node, yaml.SequenceNode):
            return Node([self.node(item, depth + 1) for item in node.value], location)
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return Node(self.scalar(node.value, location) if plain else node.value, location)

    def mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for key, value in node.value:
            location = self.location(key.start_mark)
            entry = Entry(location, self.node(value, depth + 1))
            if not isinstance(key, yaml.ScalarNode):
                self.faults.append(location.fault("a key is a word, not a list or a mapping"))
            elif key.value == "<<" and key.style is None:
                self.faults.append(location.fault("merge keys (<<) are not read; use base: FILE"))
            elif key.value in entries:
                first = entries[key.value].location.line
                self.faults.append(
                    location.fault(
                        f"duplicate key {key.value!r}; it stands in line {first} already"
                    )
                )
            else:
                entries[key.value] = entry
        return entries

    def scalar(self, text: str, location: Location) -> Scalar:
        if text in _WORDS:
            return _WORDS[text]
        if ENDLESS.fullmatch(text):
            self.faults.append(location.fault(f"{text} is not a number that a spec may hold"))
        elif INTEGER.fullmatch(text) and len(text) <= 100:
            return int(text, 0 if text[:2] in ("0o", "0x") else 10)
        elif FLOAT.fullmatch(text):
            if math.isfinite(float(text)):
                return float(text)
            self.faults.append(location.fault("the number is too large"))
        return text


def read_tree(text: str, file: Path | None) -> tuple[Node | None, Sequence[Fault]]:
    """Read YAML; None when nothing could be read, and then there is at least one fault."""
    reader = _Reader(file, text)
    return reader.read(), reader.faults


def _plain_problem(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or str(error)
    if isinstance(error, _RefusedYaml):
        return problem
    if "'\\t'" in problem:
        return "a tab stands here; YAML is indented with spaces"
    if "another document" in problem:
        return "a second document begins here; a spec is one document, without ---"
    context = f" {error.context}" if error.context else ""
    return f"this is not YAML: {problem}{context}"
