"""The baselines of a study: which methods answer from the record alone, and their settings."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import SerializeAsAny, ValidationError

from mmx.errors import MissingExtraError, SpecError
from mmx.interfaces import RECORD, BaselineParams
from mmx.plugins import Plugins
from mmx.spec import PLUGINS, ClosedModel, Spec, chosen
from mmx.study.spec import StudySpec

BOOSTING = "gradient_boosting"  # where a study names none and its base reads the record
_OWN = ("type", "train")  # of an encoder; what else both can be told is as in the encoder


class _Choice(ClosedModel):
    """The key of a study, with the methods that its base may name."""

    baselines: list[Annotated[SerializeAsAny[BaselineParams], chosen(BaselineParams)]]


@dataclass(frozen=True, slots=True)
class BaselineMethod:
    """One baseline.

    Attributes:
        params: its settings.
        missing: why it cannot be had; empty where it can.
    """

    params: BaselineParams
    missing: str = ""

    @property
    def type(self) -> str:
        """As a spec names it."""
        return self.params.entry_point.partition(".")[2]

    @property
    def name(self) -> str:
        """As tables call it: gradient boosting."""
        return self.type.replace("_", " ")

    @property
    def digest(self) -> str:
        """Of its settings."""
        told = f"{self.params.entry_point} {self.params.model_dump_json()}"
        return hashlib.sha256(told.encode()).hexdigest()[:12]


def baseline_methods(study: StudySpec, base: Spec) -> tuple[BaselineMethod, ...]:
    """Those that the study names; else gradient boosting, where the base reads the record.

    Raises:
        SpecError: one that is named is not there, is told what it cannot be, is named twice, or
            needs a library that is not installed.
    """
    if not study.controls:
        return ()
    if study.baselines is None:
        return _by_default(base)
    found = [BaselineMethod(params) for params in _named(study, base)]
    names = [one.name for one in found]
    for place, one in enumerate(found):
        if one.name in names[:place]:
            raise SpecError([study.fault(f"{one.name} is named twice", "baselines", place)])
        try:
            one.params.build()
        except MissingExtraError as error:
            raise SpecError([study.fault(str(error), "baselines", place)]) from None
    return tuple(found)


def _named(study: StudySpec, base: Spec) -> list[BaselineParams]:
    context = {PLUGINS: base.plugins}
    try:
        return _Choice.model_validate({"baselines": study.baselines}, context=context).baselines
    except ValidationError as error:
        raise SpecError(study.explained(error, _Choice, base.plugins)) from None


def _by_default(base: Spec) -> tuple[BaselineMethod, ...]:
    """With the columns that the first encoder of the record reads; none where nobody reads it."""
    reading = [one for one in base.model.encoders.values() if one.modality == RECORD]
    if not reading:
        return ()
    told = reading[0].model_dump(mode="json")
    method = base.plugins.find("baseline", BOOSTING)
    shared = [key for key in method.model_fields if key in told and key not in _OWN]
    choice = {"type": BOOSTING, **{key: told[key] for key in shared}}
    params = baseline_params(choice, base.plugins)
    try:
        params.build()
    except MissingExtraError as error:
        return (BaselineMethod(params, str(error)),)
    return (BaselineMethod(params),)


def baseline_params(choice: Mapping[str, object], plugins: Plugins) -> BaselineParams:
    """The settings of one baseline, from plain data."""
    return _Choice.model_validate({"baselines": [choice]}, context={PLUGINS: plugins}).baselines[0]
