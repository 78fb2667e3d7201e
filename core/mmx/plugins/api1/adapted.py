"""What must change in a class of settings of API 1."""

from mmx.errors import PluginError
from mmx.interfaces import FusionParams, InferenceParams, Params
from mmx.plugins.api1.fusion import fusion_by_name, takes_two


def adapted(params: type[Params]) -> type[Params]:
    """The class itself where API 2 has the same interface, else one that translates.

    Args:
        params: of a module that states ``MMX_API = 1`` or nothing.

    Raises:
        PluginError: it reads what API 2 has no longer.
    """
    if issubclass(params, FusionParams) and takes_two(params):
        return fusion_by_name(params)
    if issubclass(params, InferenceParams) and params.reads_pixels:
        raise PluginError(
            f"{params.__name__} changes images, which stand in batch.inputs since plugin API 2; "
            "it must be written for API 2 (MMX_API = 2)"
        )
    return params
