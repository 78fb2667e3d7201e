"""What a valid spec names and does not use, told before any data are read."""

from collections.abc import Collection

from mmx.data import unread_by_all
from mmx.errors import MmxError
from mmx.interfaces import Layout, Sample
from mmx.spec import Spec, idle_keys, names_of


def spec_notes(spec: Spec) -> list[str]:
    """Sentences on keys without effect, and on columns that no text tells and no encoder reads.

    Args:
        spec: valid; its narrative is tried on one made-up row.
    """
    return [*idle_keys(spec), *_unread(spec)]


def _unread(spec: Spec) -> list[str]:
    layout, hidden = spec.data.dataset.layout(), getattr(spec.data.dataset, "leak_columns", ())
    if layout is None or not spec.narratives_read:
        return []
    row = _made_up(layout, hidden)
    try:
        untold = unread_by_all(spec.narratives_read, [row])
    except MmxError as error:
        return [f"the narrative refuses a row with the fields {', '.join(row.record)}: {error}"]
    readers = _readers_of_fields(spec, [*row.record], hidden)
    unread = [name for name in untold if not any(name in one for one in readers.values())]
    if not unread:
        return []
    names = " and ".join([names_of(spec.narratives_read), *readers])
    read = "reads" if len(spec.narratives_read) + len(readers) == 1 else "read"
    return [f"{names} never {read} {', '.join(map(repr, unread))}, so the model will not see "
            f"{'it' if len(unread) == 1 else 'them'}; {_advice(readers)}"]  # fmt: skip


def _made_up(layout: Layout, hidden: Collection[str]) -> Sample:
    """A row in which every field of the record and the text say something."""
    named = [*layout.record, *layout.texts]
    roles = {str(role): name for role, name in layout.roles.items()}
    roles |= {"text": layout.texts[0]} if layout.texts else {}
    record = {name: "1" for name in named if name not in hidden}
    return Sample("row", "group", record=record, roles=roles, texts=layout.texts)


def _readers_of_fields(
    spec: Spec, fields: list[str], hidden: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Place of each encoder that reads fields of the record -> these fields."""
    encoders = {name: spec.model.encoders[name] for name in spec.model.used}
    found = {f"model.{name}": one.fields_read(fields, hidden) for name, one in encoders.items()}
    return {place: read for place, read in found.items() if read}


def _advice(readers: Collection[str]) -> str:
    if readers:
        return f"name it in columns of {' or '.join(readers)}, or leave it out of the data set"
    return (
        "narrative: template writes the whole record, narrative: joined the record and a text, "
        "model.record: tabular reads it as a modality of its own"
    )
