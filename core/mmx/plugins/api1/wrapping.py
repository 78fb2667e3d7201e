"""Encoders of API 1 around another one, whose views have no centre, as those of API 2."""

from typing import Any

from mmx.interfaces import WrappingParams
from mmx.plugins.api1.first_arguments import with_first_arguments
from mmx.plugins.api1.named_as import named_as


def encoder_by_view(params: type[WrappingParams]) -> type[WrappingParams]:
    """A class of settings like that of API 1 whose encoder may be told the centre of its views."""

    class ByView(params):  # type: ignore[valid-type, misc]  # a class that is computed
        def build(self) -> Any:
            """The encoder of API 1."""
            encoder: Any = super().build()
            encoder.looked_at = with_first_arguments(encoder.looked_at)
            return encoder

    return named_as(params, ByView)
