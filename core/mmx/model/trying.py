"""Encoders tried on two samples before anything is read, so that a fault has its place."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmx.errors import Fault, MmxError, PluginError, ShapeError, SpecError
from mmx.interfaces import IMAGE, Encoder
from mmx.model.assembly import build_encoder
from mmx.model.encoder_trial import built_encoder, try_encoder, without_download
from mmx.spec import Spec, former_faults, load_spec


def check_spec(
    path: str | Path, *, overrides: Sequence[str] = (), plugins: Sequence[str | Path] = ()
) -> list[Fault]:
    """All faults of a spec; none when it can be run.

    No data are read. Encoders of images are built and tried at the size of the spec, unless the
    fusion never reads them; weights that would be downloaded are random.

    Args:
        path: as for ``load_spec``.
        overrides: single values, such as ``model.fusion=gated``.
        plugins: local plugin files to use besides what is installed.
    """
    try:
        spec = load_spec(path, overrides=overrides, plugins=plugins)
    except SpecError as error:
        return error.faults
    return [*former_faults(spec), *_faults_of_images(spec)]


def _faults_of_images(spec: Spec) -> Iterator[Fault]:
    for name in spec.model.used:
        params = without_download(spec.model.encoders[name])
        if params.modality != IMAGE:
            continue
        try:
            try_encoder(params, built_encoder(params), *_frame(spec, name))
        except MmxError as error:
            yield spec.fault(f"model.encoders.{name}", str(error))


def tried_encoders(spec: Spec) -> dict[str, Encoder]:
    """All encoders as a model starts with them; those that the fusion reads were tried.

    Raises:
        SpecError: one cannot be built, fails or cannot read images of the size of the spec.
        WeightsError: weights that are missing, damaged or unsafe.
    """
    used = spec.model.used
    return {name: tried_encoder(spec, name, read=name in used) for name in spec.model.encoders}


def tried_encoder(spec: Spec, name: str, *, read: bool = True) -> Encoder:
    """An encoder, tried unless nothing ``read``s it; raises as ``tried_encoders``."""
    params = spec.model.encoders[name]
    try:
        encoder = build_encoder(spec.model, name, spec.seed)
        if read:
            try_encoder(params, encoder, *_frame(spec, name))
    except (PluginError, ShapeError) as error:
        raise SpecError([spec.fault(f"model.encoders.{name}", str(error))]) from error
    return encoder


def _frame(spec: Spec, name: str) -> tuple[int, int, str]:
    """Height and width of the images of a modality in pixels, and the key that states them."""
    frame, several = spec.data.frame(name), len(spec.model.reading(IMAGE)) > 1
    return frame.height, frame.width, f"data.images.{name}" if several else "data.image"
