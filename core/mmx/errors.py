"""Everything that mmx raises on purpose.

MmxError                a user's mistake: the CLI prints its words and exits with status 2
|-- SpecError           the faults of a spec, each at file:line:column
|-- PluginError         a method that cannot be found, loaded or used
|   `-- PluginLoadError importing one method failed
|-- DataError           a table, an image or a split that cannot be used
|   |-- EncodingError   a text whose letters speak for no encoding
|   `-- SettingsError   settings of a method that the data contradict, each by its key
|-- WeightsError        pretrained weights that are missing, damaged or unsafe
|-- ShapeError          tensors that do not fit together
|-- RunError            a run directory that cannot be read, written or resumed
`-- MissingExtraError   an optional dependency is not installed
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "DataError", "EncodingError", "Fault", "MissingExtraError", "MmxError", "PluginError",
    "PluginLoadError", "RunError", "SettingsError", "ShapeError", "SpecError", "WeightsError",
    "said_by",
]  # fmt: skip

_LINE, _WORDS = 200, 2000  # characters


def cut(text: str, limit: int = _WORDS) -> str:
    """A text without its middle where it is longer than anybody reads."""
    if len(text) <= limit:
        return text
    left = len(text) - limit
    return f"{text[: limit - 200]} ... ({left} characters are left out) ... {text[-200:]}"


class MmxError(Exception):
    """A mistake that its message explains in plain words."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a spec file.

    Attributes:
        message: what is wrong and what to do about it.
        key: dotted path of the key, such as ``model.fusion.heads``; empty for the whole file.
        file: the file that holds the key; None when the value came from the command line.
        line: 1-based; 0 when unknown.
        column: 1-based; 0 when unknown.
        source: the offending line as written; empty when unknown.
    """

    message: str
    key: str = ""
    file: Path | None = None
    line: int = 0
    column: int = 0
    source: str = ""

    def __str__(self) -> str:
        """``file:line:column: key: message`` with the offending line and a caret under it."""
        location = f"{self.file}:{self.line}:{self.column}: " if self.file and self.line else ""
        if self.file and not self.line:
            location = f"{self.file}: "
        key = f"{self.key}: " if self.key else ""
        short = 0 < len(self.source) <= _LINE
        shown = f"\n    {self.source}\n    {' ' * (self.column - 1)}^" if short else ""
        return f"{location}{cut(key)}{cut(self.message)}{shown}"


class SpecError(MmxError):
    """All faults of a spec at once."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


class PluginError(MmxError):
    """A method that cannot be found or used."""


class PluginLoadError(PluginError):
    """Importing or registering one method failed.

    Attributes:
        key: ``kind.type`` of the method, or the name of a local file.
        package: the distribution that provides it.
        cause: what was raised.
        place: ``file:line`` where it was raised; empty when unknown.
    """

    def __init__(self, key: str, package: str, cause: BaseException, location: str = "") -> None:
        self.key = key
        self.package = package
        self.cause = cause
        self.location = location
        words = str(cause) if isinstance(cause, MmxError) else f"{type(cause).__name__}: {cause}"
        location = f"{location}: " if location else ""
        super().__init__(f"{key} of {package} cannot be loaded: {location}{words}")


class DataError(MmxError):
    """A table, an image or a split that cannot be used."""


class EncodingError(DataError):
    """A text that is not UTF-8, and nothing says what it is."""


class SettingsError(DataError):
    """Settings of a method that the data contradict; a run tells each at file:line:column.

    Attributes:
        faults: path of a key below the method's own settings, such as ``("columns", 1)``, and what
            is wrong with it. The empty path is the method itself.
    """

    def __init__(self, faults: Sequence[tuple[tuple[str | int, ...], str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(words for _, words in self.faults))


class WeightsError(MmxError):
    """Pretrained weights that are missing, damaged or unsafe."""


@contextmanager
def said_by(library: str, doing: str) -> Iterator[None]:
    """What another library raises becomes a WeightsError with its name; mmx's own errors pass.

    A damaged file makes such libraries raise whatever their code happens to meet, so the net is as
    wide as that.

    Args:
        library: whose code runs inside.
        doing: what it was asked for, such as ``loading the model x``.

    Raises:
        WeightsError: the library raised something.
    """
    try:
        yield
    except MmxError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        words = cut(lines[0], 300)
        raise WeightsError(f"{doing}: {library} says {type(error).__name__}: {words}") from error


class ShapeError(MmxError):
    """Tensors or widths that do not fit together."""


class RunError(MmxError):
    """A run directory that cannot be read, written or resumed."""


class MissingExtraError(MmxError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, install: str) -> None:
        super().__init__(f"{module} is not installed; run: pip install '{install}'")
