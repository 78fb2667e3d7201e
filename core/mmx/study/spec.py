"""StudySpec: which methods are compared, with what held fixed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PositiveInt, PrivateAttr, ValidationError, model_validator

from mmx.errors import Fault, SpecError
from mmx.interfaces import SpecPath
from mmx.plugins import Plugins
from mmx.spec import ClosedModel, Node, Seed, explain, read_text, read_tree

Key = Annotated[str, Field(pattern=r"^[a-z_]+(\.[A-Za-z0-9_]+)*$")]


class OneAtATime(ClosedModel):
    """Several keys, of which each arm changes one."""

    one_at_a_time: dict[Key, Annotated[list[Any], Field(min_length=1)]] = Field(
        min_length=1, description="key of the spec -> values to try"
    )


class StudySpec(ClosedModel):
    """A single-variable study: a base, what varies, and how often it is repeated."""

    study: str = Field(
        max_length=80,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="name of the study and of its folder",
    )
    base: SpecPath = Field(description="the spec that every arm starts from, a YAML file")
    vary: Key | OneAtATime | None = Field(
        default=None,
        description="the one key that varies, or one_at_a_time; null: each arm names its own keys",
    )
    arms: list[Any] | dict[str, Any] = Field(
        default=[], description="values of the key; or NAME: value; without vary NAME: {key: value}"
    )
    set: dict[Key, Any] = Field(
        default={}, description="changes of the base that all arms share, key -> value"
    )
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field(
        default=[0, 1, 2], description="training seeds of every arm"
    )
    folds: PositiveInt = Field(
        default=1, description="folds of cross-validation; 1: the split of the base"
    )
    metric: str | None = Field(
        default=None,
        description="what the verdicts are about, one of the metrics that the base's task compares "
        "by, such as balanced_accuracy; null: the first of them",
    )
    controls: bool = Field(
        default=True, description="majority, metadata only, one modality alone, and shuffled ones"
    )
    baselines: list[Any] | None = Field(
        default=None,
        description="methods that answer from the record alone, controls too, such as "
        "[gradient_boosting]; null: that one where the base has an encoder of the record",
    )
    against: dict[str, str] = Field(
        default={}, description="arm -> the arm it is compared with, instead of the base"
    )
    reported: dict[str, float | str] = Field(
        default={}, description="arm -> what others claim, in per cent; shown, never used"
    )
    allow_confounded: str | dict[str, str] | None = Field(
        default=None, description="why arms may differ in more than one variable, in words"
    )
    chosen_on_validation: dict[str, float] = Field(
        default={},
        description="candidate -> its score on validation, where the base was an arm of an earlier "
        "study on this test part",
    )
    note: str = Field(default="", description="what a reader should know, for the report")
    threads: PositiveInt = Field(default=1, description="threads of each run")

    _file: Path = PrivateAttr(Path())
    _text: str = PrivateAttr("")
    _root: Node | None = PrivateAttr(None)

    @property
    def file(self) -> Path:
        """The file it was read from."""
        return self._file

    @property
    def text(self) -> str:
        """As given."""
        return self._text

    def fault(self, words: str, key: str, place: int | None = None) -> Fault:
        """A fault at a key of the file, or at the file where it has no such key.

        Args:
            words: what is wrong.
            key: of the study, dotted.
            place: in the list that stands there.
        """
        node = self._root
        for name in key.split("."):
            node = node.get(name) if node else None
        if node and place is not None and isinstance(node.content, list):
            node, key = node.content[place], f"{key}.{place}"
        return node.location.fault(words, key) if node else Fault(words, key, self._file)

    def explained(
        self, error: ValidationError, model: type[ClosedModel], plugins: Plugins
    ) -> list[Fault]:
        """What a second look by another model found, at the places of the file."""
        if self._root is None:
            return [Fault(str(error), file=self._file)]
        return explain(error.errors(), model, self._root, plugins)

    @model_validator(mode="after")
    def _complete(self) -> "StudySpec":
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"a seed is named twice in seeds: {self.seeds}")
        alone = [arm for arm, other in self.against.items() if arm == other]
        if alone:
            raise ValueError(f"against: {alone[0]} is compared with itself")
        if len(self.chosen_on_validation) == 1:
            raise ValueError("chosen_on_validation: a choice has two candidates or more")
        if self.baselines and not self.controls:
            raise ValueError("baselines are controls, and controls: false leaves them out")
        if isinstance(self.vary, OneAtATime):
            if self.arms:
                raise ValueError("one_at_a_time makes the arms itself; leave arms out")
        elif not self.arms:
            raise ValueError("arms is empty: name at least one, such as arms: [concat, gated]")
        elif self.vary is None and not isinstance(self.arms, dict):
            raise ValueError("a list of arms needs vary: KEY, the key that takes these values")
        return self

    def reason(self, arm: str) -> str | None:
        """Why this arm may differ in more than one variable; None when it may not."""
        allowed = self.allow_confounded
        return allowed.get(arm) if isinstance(allowed, Mapping) else allowed


def load_study(path: str | Path) -> StudySpec:
    """Read a study.

    Raises:
        SpecError: all faults at once, each with file, line and column.
    """
    path = Path(path).absolute()
    text = read_text(path)
    root, faults = read_tree(text, path)
    if root is None or faults or not isinstance(root.content, dict):
        raise SpecError([*faults] or [Fault("a study is a mapping of keys", file=path)])
    study = _validated(root, path)
    if not study.base.is_file():
        location = root.get("base") or root
        raise SpecError([location.location.fault(f"there is no file {study.base}", "base")])
    study._file = path
    study._text = text
    study._root = root
    return study


def _validated(root: Node, path: Path) -> StudySpec:
    try:
        return StudySpec.model_validate(root.plain({}), context={"folder": path.parent})
    except ValidationError as error:
        raise SpecError(explain(error.errors(), StudySpec, root, Plugins())) from None
