"""A study on disk."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmx.interfaces import MetricWords
from mmx.report import directed, gap, gap_range, scored, size, unit
from mmx.runs import read_sealed


@dataclass(frozen=True, slots=True)
class Study:
    """A study on disk.

    Attributes:
        path: its folder.
        failed: arms that have no result, and why.
        stopped: those of them that screening stopped, as it was asked to.
        seconds: the call that ran it took.
    """

    path: Path
    failed: dict[str, str] = field(default_factory=dict)
    stopped: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"

    @property
    def results(self) -> dict[str, Any]:
        """What results.json holds."""
        return read_sealed(self.path / "results.json")

    def summary(self) -> str:
        """The verdicts in words, one sentence for each arm."""
        found = self.results
        metric, lines = found["metric"], []
        words = MetricWords(**found["words"][metric])
        for arm in found["arms"]:
            name = f"LEAKY: {arm['name']}" if arm["leaky"] else arm["name"]
            name += f" against {arm['against']}" if arm["against"] else ""
            if arm["role"] == "base" and not arm["error"]:
                value = scored(arm["scores"][metric]["value"], words)
                lines.append(f"{name}: {value} {directed(words)}, the base")
            elif metric in arm["contrasts"]:
                one = arm["contrasts"][metric]
                apart = one["difference"]
                ends = gap_range(apart["low"], apart["high"], words)
                points = f"{gap(apart['value'], words)}{unit(words)} ({ends})"
                told = one["verdict"] or "no verdict"
                if one["silent"]:
                    most = size(max(-apart["low"], apart["high"]), words)
                    told = f"no row differs; up to ±{most}{unit(words)} cannot be excluded"
                if one["conditional"]:
                    told += ", conditional on this training run"
                lines.append(f"{name}: {points}, {told}")
        return "\n".join([*lines, *found["headline"]])
