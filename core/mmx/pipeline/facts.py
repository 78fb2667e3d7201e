"""What a run wrote about itself, read as if a stranger had written it."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from mmx.data import Contents
from mmx.errors import RunError
from mmx.interfaces import FieldKind, ModalityName
from mmx.runs import RunFolder

WEIGHTS, MODEL = "model.safetensors", "model.json"
HOOKS, GROUPS = "hooks.safetensors", "hooks.json"
SURROUNDINGS, METRICS = "environment.json", "metrics.json"
SETTLED = "training.json"
MOST_IMAGES = 100_000  # of one sample; a damaged file must not fill the memory

Places = Annotated[int, Field(ge=0, le=MOST_IMAGES)]
Read = TypeVar("Read")
Counts = tuple[int | float, ...] | tuple[tuple[int | float, ...], ...]


class _Record(BaseModel):
    """A JSON file of a run; what else it holds is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SampleFacts(_Record):
    """What the samples of the data set held; as in ``mmx.data.Contents``."""

    images: dict[ModalityName, Places]
    ragged: tuple[ModalityName, ...] = ()
    own: dict[ModalityName, Places] = {}
    boxes: tuple[ModalityName, ...] = ()
    numbered: bool = False
    fields: dict[str, FieldKind]
    inputs: tuple[ModalityName, ...] = ()

    @property
    def contents(self) -> Contents:
        """The same as ``mmx.data`` has it."""
        return Contents(
            self.images, self.ragged, self.own, self.boxes, self.numbered, self.fields, self.inputs
        )


class ModelFacts(_Record):
    """What is needed to build a model again.

    Attributes:
        classes: names of the task, in the order of the columns of predictions.
        task: what the task decided on validation.
        class_counts: what ``Task.counts`` said of the training part.
        sampled_counts: the same as training saw them.
        allowed_views: of the data set.
        parts: small heads besides the main one.
        encoders: digest of each encoder's weights before training, by modality.
        precision: arithmetic that the model was trained in.
        prior: class shares that the answers are for; empty in runs of older versions.
        untrained: modalities whose learned placeholder no training row used.
        samples: what the samples held; None in runs of older versions.
        leak_columns: fields of the record that texts are never written from.
        statistics: what inputs learned of the training rows, by modality.
        grey_ranges: modality -> values that are black and white in its files of more than 8 bits.
    """

    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    class_counts: Counts
    sampled_counts: Counts
    allowed_views: tuple[str, ...]
    parts: tuple[str, ...]
    encoders: dict[str, str]
    precision: Literal["fp32", "bf16", "fp16"]
    prior: Counts = ()
    task: dict[str, Any] = {}
    untrained: tuple[ModalityName, ...] = ()
    samples: SampleFacts | None = None
    leak_columns: tuple[str, ...] = ()
    statistics: dict[ModalityName, str] = {}
    grey_ranges: dict[ModalityName, tuple[float, float]] = {}

    @model_validator(mode="after")
    def _as_many_counts(self) -> "ModelFacts":
        """How many there are is the task's business: two of one number, its mean and spread."""
        before, after = len(self.class_counts), len(self.sampled_counts)
        if before != after:
            raise ValueError(f"{before} counts of the training part and {after} after the sampler")
        return self


class PluginFile(_Record):
    """A local plugin file, as the run that was made with it remembers it.

    Attributes:
        file: where it was.
        source: digest of its code; empty in runs of older versions.
    """

    file: str
    source: str = ""

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: object) -> object:
        """Older versions wrote the path and nothing else."""
        return {"file": value} if isinstance(value, str) else value


class Surroundings(_Record):
    """What environment.json must hold.

    Attributes:
        plugins: local plugin files that the run was made with.
        threads: of torch.
    """

    plugins: tuple[PluginFile, ...] = ()
    threads: Annotated[int, Field(ge=1)] = 1


class _Data(BaseModel):
    rows: str


class UnknownShare(_Record):
    """Share of the tokens of a part that its text encoder does not know; None: not counted."""

    unknown: float | None = None


class _Report(_Record):
    tokens: dict[str, UnknownShare] = {}


class DataDigests(_Record):
    """Digests of the data of a run, and what of its texts was unknown, as its metrics hold them."""

    data: _Data
    data_report: _Report = _Report()

    def unknown(self, modality: str) -> float | None:
        """Share of unknown tokens among the training texts of a modality; None: not known."""
        found = self.data_report.tokens
        none = UnknownShare()
        return found.get(f"train of {modality}", found.get("train", none)).unknown


def read_facts(folder: RunFolder) -> ModelFacts:
    """Read model.json; RunError when it is missing, damaged or incomplete."""
    return _read(folder, MODEL, ModelFacts)


def read_surroundings(folder: RunFolder) -> Surroundings:
    """Read environment.json; RunError when it is missing or damaged."""
    return _read(folder, SURROUNDINGS, Surroundings)


def read_scored(folder: RunFolder) -> DataDigests:
    """Read the digests in metrics.json; RunError when it is missing or damaged."""
    return _read(folder, METRICS, DataDigests)


def read_texts(folder: RunFolder, name: str) -> list[str]:
    """Read a list of texts; RunError when the file holds anything else."""
    return _read(folder, name, list[str])


def _read(folder: RunFolder, name: str, kind: type[Read]) -> Read:
    content = folder.read_json(name)
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(map(str, detail["loc"]))
        raise RunError(
            f"{folder.path / name} is not as a run writes it: {place or 'it'}: {detail['msg']}; "
            "run the spec with --fresh"
        ) from error
