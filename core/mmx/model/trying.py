"""Encoders tried on two samples before anything is read, so that a fault has its place."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmx.errors import Fault, MmxError, PluginError, ShapeError, SpecError
from mmx.interfaces import Encoder
from mmx.model.assembly import build_encoder
from mmx.model.encoder_trial import built_encoder, try_encoder, without_download
from mmx.model.model import SIDES
from mmx.spec import Spec, load_spec


def check_spec(
    path: str | Path, *, overrides: Sequence[str] = (), plugins: Sequence[str | Path] = ()
) -> list[Fault]:
    """All faults of a spec; none when it can be run.

    No data are read. The image encoder is built and tried at the size of the spec, unless the
    fusion reads no images; weights that would be downloaded are random.

    Args:
        path: as for ``load_spec``.
        overrides: single values, such as ``model.fusion=gated``.
        plugins: local plugin files to use besides what is installed.
    """
    try:
        spec = load_spec(path, overrides=overrides, plugins=plugins)
    except SpecError as error:
        return error.faults
    return list(_faults_of_images(spec))


def _faults_of_images(spec: Spec) -> Iterator[Fault]:
    params, size = without_download(spec.model.image), spec.data.image
    if "image" not in spec.model.fusion.sides:
        return
    try:
        try_encoder(params, built_encoder(params), size.height, size.width)
    except MmxError as error:
        yield spec.fault("model.image", str(error))


def tried_encoders(spec: Spec) -> dict[str, Encoder]:
    """Both encoders as a model starts with them; those that the fusion reads were tried.

    Raises:
        SpecError: one cannot be built, fails or cannot read images of the size of the spec.
        WeightsError: weights that are missing, damaged or unsafe.
    """
    sides = spec.model.fusion.sides
    return {side: tried_encoder(spec, side, read=side in sides) for side in SIDES}


def tried_encoder(spec: Spec, side: str, *, read: bool = True) -> Encoder:
    """The encoder of a side, tried unless nothing ``read``s it; raises as ``tried_encoders``."""
    params, size = getattr(spec.model, side), spec.data.image
    try:
        encoder = build_encoder(spec.model, side, spec.seed)
        if read:
            try_encoder(params, encoder, size.height, size.width)
    except (PluginError, ShapeError) as error:
        raise SpecError([spec.fault(f"model.{side}", str(error))]) from error
    return encoder
