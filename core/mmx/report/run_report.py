"""What the report of a run shows: plain results, nothing that computes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mmx.evaluation import Interval
from mmx.interfaces import Curve, Scores


@dataclass(frozen=True, slots=True)
class ExplainedImage:
    """What a model saw of one modality.

    Attributes:
        image: a PNG or JPEG file.
        heat: the same under its Grad-CAM; None where the encoder has no map.
        told: which of several images it is, and where the heat of all of them lies; else empty.
    """

    image: bytes
    heat: bytes | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class WithoutColumn:
    """What a model answers when one column of a record is missing.

    Attributes:
        column: its name.
        answer: what is answered then, in words.
        changes: by name of the class or label: its probability then, minus what it was; or the
            change of a number.
    """

    column: str
    answer: str
    changes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a model answered as it did.

    Attributes:
        shares: ``prior`` and each modality: where the probability of the answer comes from, by
            Shapley values of present and missing modalities; empty for models of one modality.
        share_errors: by modality, the standard error of a sampled share; empty if all are exact.
        words: by modality, of its text in order, and how much the probability falls without each.
        columns: by modality, of its record: what is answered without each cell that is known.
        weights: gates, experts and levels, by name.
        images: by modality, what the model saw of it; modalities without an image are left out.
        notes: one sentence for each part that could not be told, with the reason.
        unit: of answers that are numbers, years or empty; None: answers are probabilities.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    share_errors: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, Sequence[tuple[str, float]]] = field(default_factory=dict)
    columns: Mapping[str, Sequence[WithoutColumn]] = field(default_factory=dict)
    weights: Mapping[str, Sequence[float]] = field(default_factory=dict)
    images: Mapping[str, ExplainedImage] = field(default_factory=dict)
    notes: Sequence[str] = ()
    unit: str | None = None

    @property
    def in_unit(self) -> str:
        """What stands behind a change: " points" of a probability, " years", or nothing."""
        unit = "points" if self.unit is None else self.unit
        return f" {unit}" if unit else ""

    @property
    def what(self) -> str:
        """What changes: the probability, or the number."""
        return "probability" if self.unit is None else "number"

    def told(self, value: float) -> str:
        """A change: "+3" points of a probability, "+0.42" of a number."""
        return f"{100 * value:+.0f}" if self.unit is None else f"{value:+.3g}"

    def error(self, value: float) -> str:
        """A standard error, in the same unit."""
        return self.told(value)[1:]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong prediction to look at.

    Attributes:
        sample: id of the sample.
        images: a PNG or JPEG file by modality; None where the sample lacks what the model reads.
        texts: as the model read them, by modality; empty where the sample has none.
        true: name of the class it has.
        predicted: name of the class it was given.
        probability: of the predicted class, in [0, 1].
        true_probability: of the true class, in [0, 1]; None leaves it out.
        explanation: why; None leaves it out.
        records: by modality, the fields of the record that the model reads, with their values.
    """

    sample: str
    images: Mapping[str, bytes | None]
    texts: Mapping[str, str]
    true: str
    predicted: str
    probability: float
    true_probability: float | None = None
    explanation: Explanation | None = None
    records: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunReport:
    """All that ``render_run`` prints.

    Attributes:
        name: of the run.
        digest: of the run.
        evaluation: of the headline part.
        part: what that part is called in sentences.
        group: what a group is called in sentences: group, lesion, patient, study.
        validation: of the validation part.
        methods: what the run is made of, by place: task, dataset, narrative, image, text, fusion,
            head, loss, sampler, inference.
        history: one mapping per epoch: ``epoch`` (from 0), ``loss``, ``terms`` (name to value),
            ``validation`` (score to value), ``lr`` (a number, or name to number), ``seconds``,
            ``samples_per_second``; any of them may be missing.
        best_epoch: the epoch (from 0) whose weights were kept; -1: as heads were fitted before it.
        start: validation scores before the first epoch, where a head was fitted then.
        select: the validation score that chose it.
        confidence: that an epoch had to be better than the one kept before; None: by anything.
        mistakes: most confident first.
        controls: further arms by name, such as "image alone", each with its metrics.
        missing: metrics with modalities taken away, by what was there, as ``arm_name`` and
            ``loss_name`` call it; empty for models of one modality.
        modalities: those that were taken away, in the order of the spec.
        untrained: modalities whose learned placeholder no training row used.
        shares: by modality, what it carries of the probability of an answer: the mean over the
            part, and its standard error where it is sampled, else 0.
        curves: what inference hooks have to show.
        stages: the same model before and after each inference hook, in order: name and metrics.
        data_report: of the data, as ``DataReport.to_json()`` gives it.
        split: of the data, name to value: digest, seed, fold, file.
        spec: as given, YAML.
        resolved: with every default, YAML.
        environment: name to value.
        digests: name to digest.
        waivers: audit check to the written reason; printed on top.
        warnings: plain sentences that a reader must see first.
        notes: plain sentences that stand beside the results.
        parameters: name to count.
        seconds: stage to duration.
        sections: further sections, title and HTML without scripts and outside resources.
        created: date and time of the run as text.
        version: of mmx.
    """

    name: str
    digest: str
    evaluation: Scores
    part: str = "test"
    group: str = "group"
    validation: Scores | None = None
    methods: Mapping[str, str] = field(default_factory=dict)
    history: Sequence[Mapping[str, object]] = ()
    best_epoch: int | None = None
    start: Mapping[str, float] = field(default_factory=dict)
    select: str = ""
    confidence: float | None = None
    mistakes: Sequence[Mistake] = ()
    controls: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    missing: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    modalities: Sequence[str] = ()
    untrained: Sequence[str] = ()
    shares: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    curves: Sequence[Curve] = ()
    stages: Sequence[tuple[str, Mapping[str, Interval]]] = ()
    data_report: Mapping[str, object] = field(default_factory=dict)
    split: Mapping[str, object] = field(default_factory=dict)
    spec: str = ""
    resolved: str = ""
    environment: Mapping[str, object] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    waivers: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    sections: Sequence[tuple[str, str]] = ()
    created: str = ""
    version: str = ""
