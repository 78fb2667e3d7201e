"""Which columns name image files, and where those files lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mmx.blocks import ends_as_image, with_slashes
from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of
from mmx.spec.column_found import SAID
from mmx.spec.image_root import find_below, find_root, find_without_ending

Values = Mapping[str, Sequence[str]]

_SHOWN = 4  # names in a question


@dataclass(frozen=True)
class ImageColumns:
    """Columns of images.

    Attributes:
        columns: in the order of the table; empty where the table names no pictures.
        roots: folders of the files, the one with most of them first.
        suffix: ending that their names lack.
        reasons: of each of these.
        left_out: columns of pictures that no model may read -> why.
        questions: what the table does not answer.
        strange: values that name no image where others do; ``questions`` asks about them.
    """

    columns: tuple[str, ...]
    roots: tuple[str, ...]
    suffix: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


def guess_images(
    values: Values, folder: Path, given: str | None, held: Sequence[str]
) -> ImageColumns:
    """Find the pictures.

    Args:
        values: cells of all columns.
        folder: of the table.
        given: the column, as the user says it.
        held: columns whose cells are images themselves.
    """
    values = {name: list(map(with_slashes, cells)) for name, cells in values.items()}
    reasons = dict[str, str]()
    masks = dict[str, str]()
    suffix = ""
    if given is not None:
        columns, reasons["images"] = [given], SAID
    elif held:
        columns, reasons["images"] = [*held], "its cells hold image files"
    else:
        columns, masks = _without_masks(_named(values))
        reasons["images"] = "its values end like image files"
    if not columns:
        columns, suffix, reasons = _without_ending(values, folder)
    files = [f"{cell}{suffix}" for name in columns for cell in values[name] if cell]
    found = find_root(files, folder)
    strange = () if suffix else _strange(files, [folder / root for root in found.roots])
    asked = _ask_of(strange)
    if found.lacking or not columns:
        own = {name: values[name] for name in columns}
        below = find_below(own or values, folder, found.lacking)
        if below is not None:
            by_id = _by_id(columns or [below[0]], below[1], masks)
            return replace(by_id, questions=asked, strange=strange)
    reasons["root"] = found.why
    if len(found.roots) > 1:
        reasons["roots"] = "files that are not in the first folder are there"
    asked = (*found.questions, *asked, *_ask_of_addresses(values, columns))
    roots = found.roots or (".",)
    return ImageColumns(tuple(columns), roots, suffix, reasons, masks, asked, strange)


def _named(values: Values) -> list[str]:
    """Columns whose cells end like image files."""
    return [
        name
        for name, cells in values.items()
        if cells_of.are_images(cells) and not cells_of.are_addresses(cells)
    ]


def _strange(files: Sequence[str], roots: Sequence[Path]) -> tuple[str, ...]:
    """Names that end as no image where nearly all do, and that no file has, such as Total."""
    if not cells_of.are_images(files):
        return ()
    odd = [name for name in dict.fromkeys(files) if not ends_as_image(name)]
    return tuple(name for name in odd if not any((root / name).is_file() for root in roots))


def _ask_of(strange: Sequence[str]) -> tuple[str, ...]:
    if not strange:
        return ()
    told = ", ".join(map(repr, strange[:_SHOWN]))
    more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
    return (
        f"are the rows cases that name {told}{more} where others name an image? There is no such "
        "file; a mean or a sum below a table is no case, and its row should be removed",
    )


def _ask_of_addresses(values: Values, columns: Sequence[str]) -> tuple[str, ...]:
    """The question for addresses of images where nothing else names some."""
    found = [
        name for name, cells in values.items()
        if cells_of.are_addresses(cells) and cells_of.are_images(cells)
    ]  # fmt: skip
    if columns or not found:
        return ()
    return (
        f"where are the files of {found[0]!r}? Its values are addresses, and mmx fetches nothing: "
        "fetch the files once, and name them in a column, as a.jpg",
    )


def _by_id(columns: Sequence[str], root: str, masks: Mapping[str, str]) -> ImageColumns:
    """Columns whose files lie in many folders, and are looked up."""
    reasons = {
        "images": "its values are names of image files, which lie further down",
        "root": "the folder that holds all of them",
        "suffix": "each file is looked up by its name, with the ending that it has",
    }
    return ImageColumns(tuple(columns), (root,), "found", reasons, masks)


def _without_ending(values: Values, folder: Path) -> tuple[list[str], str, dict[str, str]]:
    """A column of names without their ending, where such files are there."""
    bare = find_without_ending(values, folder)
    if bare is None:
        return [], "", {"images": "no column holds names such as a.jpg; say --image COLUMN"}
    name, suffix = bare
    return [name], suffix, {
        "images": "its values are names of image files without their ending",
        "suffix": f"files such as {values[name][0]}{suffix} are there",
    }  # fmt: skip


def _without_masks(names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Columns of pictures of the patient, and those that are drawn where the finding is."""
    masks = [name for name in names if names_of.says(name, names_of.MASKS)]
    why = "its pictures are masks, drawn by somebody who knew the finding"
    found = dict.fromkeys(masks, why) if len(masks) < len(names) else {}
    return [name for name in names if name not in found], found
