"""What must change in a class of settings of API 1."""

from mmx.interfaces import (
    FusionParams,
    InferenceParams,
    NarrativeParams,
    Params,
    WrappingParams,
)
from mmx.plugins.api1.fusion import fusion_by_name, takes_two
from mmx.plugins.api1.inference import hook_by_name
from mmx.plugins.api1.narrative import narrative_by_name
from mmx.plugins.api1.wrapping import encoder_by_view


def adapted(params: type[Params]) -> type[Params]:
    """The class itself where API 2 has the same interface, else one that translates.

    Args:
        params: of a module that states ``MMX_API = 1`` or nothing.
    """
    if issubclass(params, FusionParams) and takes_two(params):
        return fusion_by_name(params)
    if issubclass(params, InferenceParams):
        return hook_by_name(params)
    if issubclass(params, NarrativeParams):
        return narrative_by_name(params)
    if issubclass(params, WrappingParams):
        return encoder_by_view(params)
    return params
