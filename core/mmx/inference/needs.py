"""What a trained model reads of a case, and from which columns."""

from collections.abc import Collection, Container
from dataclasses import dataclass, replace
from pathlib import Path

from mmx.errors import DataError, RunError
from mmx.inference.trained import Trained
from mmx.interfaces import EncoderParams, FieldKind, Layout, WrappingParams
from mmx.pipeline import read_facts

SIDES = ("image", "text", "boxes")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a trained model reads of a case.

    Attributes:
        layout: every column that the data settings of the run name.
        pixels: whether the model reads images.
        text: whether it reads a text.
        reads: the columns that what it reads comes from.
        text_field: the one column whose content is the text; None where several are put in words.
        kinds: kind of each field that is read, as the run's own rows had it.
        absent: columns that were said to be absent; they count as empty.
        ragged: modalities of which a sample has as many places as images, no empty ones behind.
    """

    layout: Layout
    pixels: bool
    text: bool
    reads: Layout
    text_field: str | None
    kinds: dict[str, FieldKind]
    absent: tuple[str, ...]
    ragged: tuple[str, ...]

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a new table must have."""
        return tuple(name for name in self.reads.columns if name not in self.absent)

    def names(self, columns: Container[str]) -> str | None:
        """The column that names the cases for the reader: that of the run, else ``id``."""
        names = (self.layout.id, "id")
        there = [n for n in names if n is not None and n in columns and n not in self.absent]
        return there[0] if there else None

    def named(self, columns: Container[str], root: str | Path | None) -> Layout:
        """What is read, with ids and groups where a table has them.

        Args:
            columns: of the table. Rows have ids where those of the run had them, since texts may
                be drawn by them.
            root: folder of the images; None: that of the run, if it has one.
        """
        own, given = self.layout, None if root is None else Path(root)
        grouped = own.group is not None and own.group in columns and own.group not in self.absent
        return replace(
            self.reads,
            id=None if own.id is None else self.names(columns),
            group=own.group if grouped else None,
            root=_folder(own.root, given),
        )


def needs_of(trained: Trained, without: Collection[str] = ()) -> Needs:
    """What this run reads of a case.

    Args:
        trained: the run.
        without: what new cases lack: ``image``, ``text`` or ``boxes``, or a column by its name.

    Raises:
        RunError: a run of an older version, which did not record what its samples held.
        DataError: something is said to be absent that the run does not know, or all that it reads.
    """
    facts, data = read_facts(trained.folder), trained.spec.data
    if facts.samples is None:
        raise RunError(
            f"{trained.folder.path} was made by an older version, which did not record what a case "
            "must bring; run its spec again"
        )
    own = data.dataset.layout()
    layout = own or facts.samples.contents.layout()
    absent = _absent(layout, without)
    pixels = bool(trained.model.reads["image"]) and "image" not in without
    text = bool(trained.model.reads["text"]) and "text" not in without
    if not pixels and not text:
        raise DataError(
            f"nothing that this run reads is left without {' and '.join(sorted(without))}"
        )
    fields = _fields(trained, layout, facts.leak_columns) if text else ()
    shown = "image" not in without and (pixels or data.narrative.looks)
    boxes = pixels and "boxes" not in without and _reads_boxes(trained.spec.model.image)
    reads = replace(
        layout,
        images=layout.images if shown else {},
        boxes=layout.boxes if boxes else {},
        text=layout.text if layout.text in fields else None,
        record=tuple(name for name in layout.record if name in fields),
        id=None, group=None, label=None,
    )  # fmt: skip
    kinds: dict[str, FieldKind] = {
        name: kind for name, kind in facts.samples.fields.items() if name in fields
    }
    ragged = facts.samples.ragged if own is None else ()
    single = data.narrative.fields is not None and len(fields) == 1
    column = next(iter(fields)) if single else reads.text
    return Needs(layout, pixels, text, reads, column, kinds, absent, ragged)


def _folder(own: Path | None, given: Path | None) -> Path | None:
    """The folder of images; DataError when it is not there."""
    root = own if given is None else given
    if root is None or root.is_dir():
        return root
    where = "" if given else ", where the images of this run lay; name another one with --root"
    raise DataError(f"there is no folder {root}{where}")


def _absent(layout: Layout, without: Collection[str]) -> tuple[str, ...]:
    unknown = [name for name in without if name not in (*SIDES, *layout.columns)]
    if unknown:
        raise DataError(
            f"{unknown[0]!r} cannot be left out; there are {', '.join(SIDES)}, and the columns "
            f"{', '.join(layout.columns)}"
        )
    return tuple(name for name in without if name not in SIDES)


def _fields(trained: Trained, layout: Layout, hidden: Collection[str]) -> tuple[str, ...]:
    """Fields of the record that the run's narrative reads."""
    narrative = trained.spec.data.narrative
    held: dict[str, None] = dict.fromkeys(layout.record)
    held |= {layout.text: None} if layout.text else {}
    never = {*hidden, *([layout.text or "text"] if narrative.record_only else [])}
    named = held if narrative.fields is None else narrative.fields
    return tuple(name for name in held if name in named and name not in never)


def _reads_boxes(params: EncoderParams) -> bool:
    if params.reads_boxes:
        return True
    return isinstance(params, WrappingParams) and _reads_boxes(params.backbone)
