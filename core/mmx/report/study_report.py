"""What the report of a study is made from: plain results, no files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mmx.evaluation import Contrast, Convergence, Interval
from mmx.interfaces import Breakdown, MetricWords

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One arm, or one control.

    Attributes:
        name: of the arm.
        role: base, arm or control.
        planned: False for an arm that was added after the first plan.
        error: why it has no result; empty when it has one.
        seeds: that are finished.
        scores: by metric, mean over the seeds; 95 % over groups, for these runs.
        by_seed: by metric, one value for each seed.
        against: the arm it is compared with; empty: the base.
        contrasts: by metric, against that arm; empty for the base itself.
        means: other metrics, mean over the seeds.
        breakdown: a score by class or label, mean over the seeds: see ``StudyReport.breakdown``.
        meaning: of a control, what is left to it, for a sentence; empty: its name says it.
        parameters: that learn; None for a control without any.
        operations: multiply-adds of fusion and head for one sample; None when not counted.
        seconds: of training, mean over the runs.
        curve: (epoch, validation score), mean over the runs.
        convergence: what the curve says; None for a control that is not trained.
        reliability: (confidence, share that is right) in bins of equal mass, all seeds together.
        variables: in what it differs from what it is compared with.
        changes: key, value there, value in this arm.
        confounded: why it may differ in more than one variable; empty when it does not.
        reported: what others claim, in per cent of accuracy.
        runs: folders.
        leaky: its texts were written knowing the label.
    """

    name: str
    role: str
    against: str = ""
    planned: bool = True
    error: str = ""
    seeds: tuple[int, ...] = ()
    scores: Mapping[str, Interval] = field(default_factory=dict)
    by_seed: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)
    means: Mapping[str, float] = field(default_factory=dict)
    breakdown: Mapping[str, float] = field(default_factory=dict)
    meaning: str = ""
    parameters: int | None = None
    operations: int | None = None
    seconds: float | None = None
    curve: Points = ()
    convergence: Convergence | None = None
    reliability: Points = ()
    variables: tuple[str, ...] = ()
    changes: Sequence[tuple[str, str, str]] = ()
    confounded: str = ""
    reported: str = ""
    runs: tuple[str, ...] = ()
    leaky: bool = False

    @property
    def label(self) -> str:
        """The name as tables and figures show it."""
        return f"LEAKY: {self.name}" if self.leaky else self.name

    @property
    def contrast_label(self) -> str:
        """The same, with what it is compared with when that is not the base."""
        return f"{self.label} against {self.against}" if self.against else self.label


@dataclass(frozen=True, slots=True)
class ControlComparison:
    """A control, and the arms that are not shown to beat it.

    Attributes:
        control: its name.
        arms: not shown to score higher.
        of: how many arms were held against it.
    """

    control: str
    arms: tuple[str, ...]
    of: int


@dataclass(frozen=True, slots=True)
class StudyReport:
    """A study with its results.

    Attributes:
        name: of the study.
        metric: what the verdicts are about.
        words: on all metrics that are compared.
        base: the arm that the others are held against.
        arms: the base first, then the others in the order of the study.
        controls: as far as they have results.
        seeds: of the plan.
        folds: of the plan.
        samples: test rows.
        modalities: of the base, by which controls are named.
        groups: groups among them.
        group: what a group is, such as lesion.
        flips: random sign flips of the groups.
        floor: smallest p-value before correction.
        comparisons: of this metric that have read this test part, in all studies.
        comparison_log: the file that lists them.
        no_verdicts: why differences are printed without verdict words; empty when with them.
        absent: controls that cannot be had here, and why.
        control_notes: sentences on what controls read and chose.
        reached: which arms are not shown to beat which control.
        means: title of each metric that is shown without a comparison.
        breakdown: of the base, with the words on it; None where the task gives none.
        plan: as written before the first run, with later additions.
        text: the study file.
        note: what its author wants a reader to know.
        warnings: what a reader must know before any figure.
        machine: processor and versions.
        created: date and time.
        version: of mmx.
    """

    name: str
    metric: str
    words: Mapping[str, MetricWords]
    base: str
    arms: Sequence[ArmResult]
    controls: Sequence[ArmResult]
    seeds: Sequence[int]
    folds: int
    samples: int
    groups: int
    group: str
    flips: int
    floor: float
    plan: Mapping[str, Any]
    text: str
    modalities: Sequence[str]
    comparisons: int = 0
    comparison_log: str = ""
    no_verdicts: str = ""
    absent: Mapping[str, str] = field(default_factory=dict)
    control_notes: Sequence[str] = ()
    reached: Sequence[ControlComparison] = ()
    means: Mapping[str, str] = field(default_factory=dict)
    breakdown: Breakdown | None = None
    note: str = ""
    warnings: Sequence[str] = ()
    machine: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    version: str = ""

    @property
    def done(self) -> list[ArmResult]:
        """Arms with a result."""
        return [arm for arm in self.arms if not arm.error]

    @property
    def failed(self) -> list[ArmResult]:
        """Arms without one, planned or not, controls too."""
        return [arm for arm in (*self.arms, *self.controls) if arm.error]

    @property
    def compared(self) -> list[ArmResult]:
        """Arms that have a difference to the base."""
        return [arm for arm in self.done if self.metric in arm.contrasts]

    @property
    def own(self) -> MetricWords:
        """Words on the metric of the verdicts."""
        return self.words[self.metric]

    @property
    def beside(self) -> tuple[str, ...]:
        """Metrics that stand beside that of the verdicts, as the task compares them."""
        first = next((arm.scores for arm in self.done), {})
        return tuple(name for name in first if name != self.metric)

    @property
    def conditional(self) -> bool:
        """Whether some difference rests on one training run of each arm."""
        return any(arm.contrasts[self.metric].conditional for arm in self.compared)

    def to_json(self) -> dict[str, object]:
        """Plain data; numbers that are not finite are for the writer to replace."""
        return asdict(self)
