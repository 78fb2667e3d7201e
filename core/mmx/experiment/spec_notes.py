"""What a valid spec names and does not use, told before any data are read."""

from mmx.data import unread_by_all
from mmx.errors import MmxError
from mmx.interfaces import Sample
from mmx.spec import Spec, idle_keys, names_of


def spec_notes(spec: Spec) -> list[str]:
    """Sentences on keys without effect, and on columns that no text would tell.

    Args:
        spec: valid; its narrative is tried on one made-up row.
    """
    return [*idle_keys(spec), *_unread(spec)]


def _unread(spec: Spec) -> list[str]:
    layout = spec.data.dataset.layout()
    if layout is None or not spec.narratives_read:
        return []
    hidden = getattr(spec.data.dataset, "leak_columns", ())
    named = [*layout.record, *([layout.text] if layout.text else [])]
    roles = {str(role): name for role, name in layout.roles.items()}
    roles |= {"text": layout.text} if layout.text else {}
    record = {name: "1" for name in named if name not in hidden}
    row = Sample("row", "group", record=record, roles=roles)
    try:
        unread = unread_by_all(spec.narratives_read, [row])
    except MmxError as error:
        return [f"the narrative refuses a row with the fields {', '.join(record)}: {error}"]
    if not unread:
        return []
    names = ", ".join(map(repr, unread))
    return [
        f"{names_of(spec.narratives_read)} never reads {names}, so the model will not see it; "
        "narrative: template writes the whole record, narrative: joined the record and a text"
    ]
