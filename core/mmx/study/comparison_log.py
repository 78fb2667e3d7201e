"""The log of comparisons: which differences were ever looked at on one test part.

All comparisons that read a test part are one family, whichever study made them. So each is a line
of a file that is named after the test part, beside the runs and never in a cache, which anybody may
delete: ``MMX_COMPARISONS``, else ``comparisons`` in the folder of the runs. A comparison is known
by its runs; computing it again replaces its line.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mmx.errors import RunError
from mmx.experiment import runs_folder
from mmx.files import read_regular, under_new_name
from mmx.runs import SilentObserver, locked, write_text

LIMIT = 64 * 2**20  # bytes of one log; a line has about 500


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison.

    Attributes:
        key: digest of the runs on both sides and of the metric.
        study: that computed it.
        arm: its name there.
        against: what it was held against.
        metric: that was compared.
        p: two-sided, before any correction.
        difference: arm minus the other.
        choice: keys of the spec in which the arm differs, with its values.
        time: seconds since 1970 when it was first computed.
    """

    key: str
    study: str
    arm: str
    against: str
    metric: str
    p: float
    difference: float
    choice: Mapping[str, object] = field(default_factory=dict)
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class ComparisonLog:
    """The comparisons of one test part.

    Attributes:
        path: a file with one line of JSON for each.
    """

    path: Path

    @classmethod
    def of(cls, samples: Sequence[str], labels: Sequence[str]) -> "ComparisonLog":
        """The log of the test part with these rows, in any order."""
        pairs = sorted(zip(map(str, samples), map(str, labels), strict=True))
        digest = hashlib.sha256(json.dumps(pairs).encode()).hexdigest()
        return cls(comparison_folder() / f"{digest[:32]}.jsonl")

    def lines(self) -> list[Line]:
        """What is noted, oldest first.

        Raises:
            RunError: it cannot be read; a line that is not one of ours is named, not passed over.
        """
        if not self.path.exists():
            return []
        try:
            text = read_regular(self.path, limit=LIMIT, links=False).decode()
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path} cannot be read: {error}") from error
        return [_line(self.path, number, one) for number, one in enumerate(text.splitlines(), 1)]

    def note(self, found: Sequence[Line]) -> list[Line]:
        """Add comparisons, or replace the lines of those that are there; gives all lines.

        Raises:
            RunError: the folder cannot be written, or the log cannot be read.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.path.parent} cannot be made: {error}") from error
        with locked(self.path.parent, SilentObserver(), wait=True):
            known = {line.key: line for line in self.lines()}
            now = round(time.time(), 3)
            for line in found:
                first = known[line.key].time if line.key in known else now
                known[line.key] = Line(**{**asdict(line), "time": first})
            text = "".join(_text(line) + "\n" for line in known.values())
            if found:
                write_text(self.path, text)
        return list(known.values())


def comparison_folder() -> Path:
    """Where logs are kept; ``MMX_LEDGER`` and a folder ``ledger`` are names of older versions."""
    stated = os.environ.get("MMX_COMPARISONS") or os.environ.get("MMX_LEDGER")
    return Path(stated) if stated else under_new_name(runs_folder() / "comparisons", "ledger")


def comparison_key(runs: Sequence[str], others: Sequence[str], metric: str) -> str:
    """What a comparison is known by: the digests of the runs on both sides, and the metric."""
    told = json.dumps([sorted(runs), sorted(others), metric])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _text(line: Line) -> str:
    """A line as JSON that carries its own checksum, so that a flipped bit is noticed."""
    return json.dumps({**asdict(line), "sha256": _checksum(asdict(line))})


def _checksum(plain: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def _line(path: Path, number: int, text: str) -> Line:
    try:
        plain = dict(json.loads(text))
        if plain.pop("sha256", None) != _checksum(plain):
            raise ValueError("its checksum is another one")  # noqa: TRY301 - as any damage
        return Line(**plain)
    except (ValueError, TypeError, RecursionError) as error:
        raise RunError(
            f"{path}, line {number}, is not a comparison as mmx writes it ({error}); mend the line "
            "or give it back from a copy, for without it the correction would be too mild"
        ) from error
