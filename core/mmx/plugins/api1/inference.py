"""Inference hooks of API 1, which measure rows without their groups, as hooks of API 2.

Batches need no translation: `mmx.Batch` is made, copied and read as in API 1 too.
"""

from typing import Any

from mmx.interfaces import InferenceParams
from mmx.plugins.api1.first_arguments import with_first_arguments
from mmx.plugins.api1.named_as import named_as


def hook_by_name(params: type[InferenceParams]) -> type[InferenceParams]:
    """A class of settings like that of API 1 whose hook may be told the groups of rows."""

    class ByName(params):  # type: ignore[valid-type, misc]  # a class that is computed
        def build(self) -> Any:
            """The hook of API 1."""
            hook = super().build()
            hook.measure = with_first_arguments(hook.measure)
            return hook

    return named_as(params, ByName)
