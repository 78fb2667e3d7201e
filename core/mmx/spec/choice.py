"""chosen: a key of a spec that holds one method, whose own class checks its settings."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from mmx.errors import MmxError, PluginError
from mmx.interfaces import EncoderParams, Params
from mmx.plugins import Plugins

PLUGINS = "plugins"  # in the context of a validation
MARK = "x-mmx-method"  # in a JSON Schema: kind, modality and default of a method


class MethodChoice:
    """Marks a key that holds a method of one kind; made by ``chosen``."""

    def __init__(self, kind: type[Params], default: str | None, modality: str | None) -> None:
        self.kind = kind
        self.default = default
        self.modality = modality

    def params(self, name: object, plugins: Plugins) -> type[Params]:
        """Class of the method with the type ``name``.

        Raises:
            PluginError: there is no such method, it is broken, or it is not for this key.
        """
        if not isinstance(name, str) or not name:
            got = "none is given" if name is None else f"got {name!r}"
            raise PluginError(f"a type is needed, the name of a {self.kind.kind}; {got}")
        params = plugins.find(self.kind.kind, name)
        if not issubclass(params, self.kind):  # one kind may have several interfaces
            raise PluginError(
                f"{self.kind.kind}.{name} is made for another use; a {self.kind.__name__} is needed"
            )
        self._check_modality(params, name)
        return params

    def _check_modality(self, params: type[Params], name: str) -> None:
        modality = getattr(params, "modality", None)
        if self.modality and modality != self.modality:
            needed = f"an encoder of {self.modality} is needed"
            raise PluginError(f"{name!r} encodes {modality}; {needed}")

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check with the class that ``type`` names, instead of the kind itself."""
        return core_schema.with_info_wrap_validator_function(
            lambda value, _, info: self._check(value, info), handler(source)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Leave a mark where ``spec_schema`` writes all methods that may stand here."""
        return {MARK: [self.kind.kind, self.modality, self.default]}

    def _check(self, value: object, info: ValidationInfo) -> Params:
        if isinstance(value, self.kind):
            try:
                self._check_modality(type(value), type(value).__name__)
            except PluginError as error:
                raise ValueError(str(error)) from error
            return value
        settings = {"type": value} if isinstance(value, str) else value
        if not isinstance(settings, Mapping):
            raise PydanticCustomError(
                "mmx_component",
                "a {kind} is a name or a mapping with a type, got {value}",
                {"kind": self.kind.kind, "value": repr(value)},
            )
        named = settings.get("type", self.default)
        try:
            params = self.params(named, plugins_of(info))
        except PluginError as error:
            raise _fault_at_type(str(error), named) from error
        # the class knows its own type; the spec may have said "distribution/type"
        rest = {key: setting for key, setting in settings.items() if key != "type"}
        try:
            return params.model_validate(rest, context=info.context)
        except MmxError as error:  # a method's own check, in its own words
            raise ValueError(str(error)) from error


def plugins_of(info: ValidationInfo) -> Plugins:
    """The methods that the spec may name, which ``load_spec`` gave; else what is installed."""
    given = (info.context or {}).get(PLUGINS)
    return given if isinstance(given, Plugins) else Plugins()


def chosen(
    kind: type[Params], *, default: str | None = None, modality: str | None = None
) -> MethodChoice:
    """Type a key that holds a method: ``Annotated[SerializeAsAny[Kind], chosen(Kind)]``.

    The key then takes ``{type: NAME, ...}`` or just ``NAME``. Without ``SerializeAsAny`` a dumped
    spec would silently lose the settings of the method itself.

    Args:
        kind: class of the kind, such as ``FusionParams``.
        default: type of a mapping that names none.
        modality: ``image`` or ``text``: the only encoders that may stand here.
    """
    return MethodChoice(kind, default, modality)


Backbone = Annotated[SerializeAsAny[EncoderParams], chosen(EncoderParams, modality="image")]
"""Type of a key that holds the image encoder inside a wrapping one."""


def _fault_at_type(message: str, named: object) -> ValidationError:
    detail = PydanticCustomError("mmx_plugin", "{message}", {"message": message})
    return ValidationError.from_exception_data(
        "method", [InitErrorDetails(type=detail, loc=("type",), input=named)]
    )
