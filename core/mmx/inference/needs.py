"""What a trained model reads of a case, and from which columns."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmx.errors import DataError, RunError
from mmx.inference.trained_run import TrainedRun
from mmx.interfaces import (
    EncoderParams,
    FieldKind,
    Layout,
    NarrativeParams,
    SingleImageEncoder,
    TextEncoder,
    WrappingParams,
)
from mmx.model import Model
from mmx.pipeline import read_facts

BOXES = "boxes"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a trained model reads of a case.

    Attributes:
        layout: every column that the data settings of the run name.
        modalities: that the model reads, without those that were said to be absent.
        reads: the columns that what it reads comes from.
        texts: modality of a text that it reads -> the one column whose content it is; None where
            several are put in words.
        kinds: kind of each field that is read, as the run's own rows had it.
        absent: columns that were said to be absent; they count as empty.
        ragged: modalities of which a sample has as many places as images, no empty ones behind.
        joining: columns that say which rows of a table are one case, where several are.
        several: modalities of which a cell may name any number of images.
    """

    layout: Layout
    modalities: tuple[str, ...]
    reads: Layout
    texts: Mapping[str, str | None]
    kinds: dict[str, FieldKind]
    absent: tuple[str, ...]
    ragged: tuple[str, ...]
    joining: tuple[str, ...] = ()
    several: frozenset[str] = frozenset()

    @property
    def by_row(self) -> "Needs":
        """The same of a table's own rows, several a case where it is long."""
        reads = self.reads.by_row
        return replace(self, layout=self.layout.by_row, reads=reads, joining=self.reads.joining)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the run knows."""
        return tuple(dict.fromkeys((*self.layout.columns, *self.joining)))

    @property
    def text(self) -> bool:
        """Whether it reads any text."""
        return bool(self.texts)

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a new table must have."""
        columns = dict.fromkeys((*self.joining, *self.reads.columns))
        return tuple(name for name in columns if name not in self.absent)

    def names(self, columns: Container[str]) -> str | None:
        """The column that names the cases for the reader: that of the run, else ``id``."""
        long = self.layout.long_table
        names = (self.layout.id, "id", None if long is None else long.name)
        there = [n for n in names if n is not None and n in columns and n not in self.absent]
        return there[0] if there else None

    def in_one_cell(self, name: str, count: int) -> bool:
        """Whether so many images of a modality stand in one cell of their column."""
        long, columns = self.layout.long_table, self.reads.images.get(name, ())
        if long is not None and not long.places:
            return bool(columns)
        return len(columns) == 1 and count > 1 and name in self.several

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

    def told(self, columns: Container[str]) -> Layout:
        """What is read of the rows of a long table, with the id and group that they state."""
        own, group = self.layout, self.layout.by_row.group
        there = {name for name in (own.id, group) if name and name in columns} - {*self.absent}
        return replace(
            self.reads,
            id=own.id if own.id in there else None,
            group=own.group if group in there else None,
        )


def needs_of(trained: TrainedRun, without: Collection[str] = ()) -> Needs:
    """What this run reads of a case.

    Args:
        trained: the run.
        without: what new cases lack: a modality, such as ``image``, or ``boxes``, or a column.

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
    model = trained.model
    absent = _absent(layout, without, (*model.modalities, BOXES))
    read = _read(model, without)
    fields = {
        name: _fields(data.narratives[name], layout, facts.leak_columns)
        for name in read
        if isinstance(model.encoder(name), TextEncoder)
    }
    inner = {field for names in fields.values() for field in names}
    inner |= {field for name in read for field in trained.inputs.by_name[name].fields}
    texts = {
        name: _text_field(data.narratives[name], names, layout) for name, names in fields.items()
    }
    kinds: dict[str, FieldKind] = {
        name: kind for name, kind in facts.samples.fields.items() if name in inner
    }
    ragged = facts.samples.ragged if own is None else ()
    reads = _columns_read(trained, layout, read, inner, without)
    several = frozenset(name for name in reads.images if _reads_several(trained, name))
    return Needs(layout, read, reads, texts, kinds, absent, ragged, several=several)


def _reads_several(trained: TrainedRun, name: str) -> bool:
    """Whether an encoder reads any number of images of a case."""
    params = trained.spec.model.encoders.get(name)
    if params is None or params.most_images is not None:
        return False
    return not isinstance(trained.model.encoder(name), SingleImageEncoder)


def _read(model: Model, without: Collection[str]) -> tuple[str, ...]:
    """Modalities that the model reads and the cases have; DataError when there is none."""
    read = tuple(name for name in model.modalities if model.reads[name] and name not in without)
    if not read:
        raise DataError(
            f"nothing that this run reads is left without {' and '.join(sorted(without))}"
        )
    return read


def _columns_read(
    trained: TrainedRun,
    layout: Layout,
    read: Collection[str],
    fields: Collection[str],
    without: Collection[str],
) -> Layout:
    """The columns of a layout that modalities, and fields of the record, come from."""
    data, encoders = trained.spec.data, trained.spec.model.encoders
    stated = {*fields} - {*layout.text_files}
    looked = _looked_at(data.narratives.values(), tuple(layout.images))
    shown = [name for name in layout.images if name not in without and name in {*read, *looked}]
    boxes = {
        name
        for name in read
        if BOXES not in without and name in layout.boxes and _reads_boxes(encoders[name])
    }
    return replace(
        layout,
        images={name: layout.images[name] for name in shown},
        boxes={name: layout.boxes[name] for name in boxes},
        inputs={name: column for name, column in layout.inputs.items() if name in read},
        text=tuple(name for name in layout.texts if name in stated),
        text_files=tuple(name for name in layout.text_files if name in fields),
        record=tuple(name for name in layout.record if name in fields),
        id=None,
        group=None,
        label=None,
    )


def _folder(own: Path | None, given: Path | None) -> Path | None:
    """The folder of images; DataError when it is not there."""
    root = own if given is None else given
    if root is None or root.is_dir():
        return root
    where = "" if given else ", where the images of this run lay; name another one with --root"
    raise DataError(f"there is no folder {root}{where}")


def _absent(layout: Layout, without: Collection[str], known: Sequence[str]) -> tuple[str, ...]:
    columns = dict.fromkeys((*layout.columns, *layout.by_row.columns))
    unknown = [name for name in without if name not in (*known, *columns)]
    if unknown:
        raise DataError(
            f"{unknown[0]!r} cannot be left out; there are {', '.join(known)}, and the columns "
            f"{', '.join(columns)}"
        )
    return tuple(name for name in without if name not in known)


def _text_field(narrative: NarrativeParams, fields: Sequence[str], layout: Layout) -> str | None:
    """The one column whose content is the text; None where several are put in words."""
    single = narrative.fields is not None and len(fields) == 1
    texts = [name for name in layout.texts if name in fields]
    if single:
        return fields[0]
    return texts[0] if len(texts) == 1 else None


def _fields(narrative: NarrativeParams, layout: Layout, hidden: Collection[str]) -> tuple[str, ...]:
    """Fields of the record that a narrative reads."""
    held: dict[str, None] = dict.fromkeys(layout.record)
    held |= dict.fromkeys(layout.texts)
    never = {*hidden, *((layout.texts or ("text",)) if narrative.record_only else ())}
    named = held if narrative.fields is None else narrative.fields
    return tuple(name for name in held if name in named and name not in never)


def _looked_at(narratives: Iterable[NarrativeParams], names: Collection[str]) -> set[str]:
    """Modalities whose images narratives look at."""
    looking = [one for one in narratives if one.reads_images]
    if any(one.images_of is None for one in looking):
        return {*names}
    return {one.images_of for one in looking if one.images_of is not None}


def _reads_boxes(params: EncoderParams) -> bool:
    if params.reads_boxes:
        return True
    return isinstance(params, WrappingParams) and _reads_boxes(params.backbone)
