"""How many images a case has, beside how many its encoder reads."""

from collections.abc import Mapping

from mmx.errors import MmxError
from mmx.interfaces import DatasetParams, EncoderParams, WrappingParams
from mmx.plugins import Plugins


def images_named(dataset: DatasetParams) -> Mapping[str, tuple[str, ...]]:
    """Modality -> columns of images that the settings name; empty where only the rows tell."""
    layout = dataset.layout()
    return {} if layout is None else layout.images


def too_many_images(most: int, image: EncoderParams, limit: int | None, plugins: Plugins) -> str:
    """What is wrong with images that an encoder would not read, and what helps; empty if nothing.

    Args:
        most: images that a case can have.
        image: settings of the encoder.
        limit: images of a case that it reads; None: any number.
        plugins: where encoders for several are looked for.
    """
    if limit is None or most <= limit:
        return ""
    own = image.entry_point.partition(".")[2]
    others = several_readers(plugins)
    wrapped = f"image: {{type: {others[0]}, backbone: {{type: {own}, ...}}}}" if others else ""
    ways = f"wrap it in one for several ({', '.join(others)}): {wrapped}; or " if others else ""
    return (
        f"a case has up to {most} images, and {image.entry_point} reads {limit}; {ways}name "
        f"{'one column' if limit == 1 else f'{limit} columns'} of images"
    )


def several_readers(plugins: Plugins) -> list[str]:
    """Image encoders around another one that read any number of images."""
    found = []
    for method in plugins.installed("encoder"):
        name = method.key.partition(".")[2]
        try:
            params = plugins.find("encoder", name)
        except MmxError:
            continue  # one that cannot be loaded is no advice
        if issubclass(params, WrappingParams) and params.most_images is None:
            found.append(name)
    return sorted(found, reverse=True)
