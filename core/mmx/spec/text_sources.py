"""Fields of the record that narratives name, held against what the data set gives them."""

from mmx.interfaces import Layout, Params
from mmx.plugins import nearest
from mmx.spec.agreement import Faults, fault_at
from mmx.spec.data import DataSpec

Path = tuple[str | int, ...]


def unheld_fields(data: DataSpec) -> Faults:
    """Fields that a narrative names and never sees, each at its place.

    Args:
        data: whose data set reads a table of the user's; others tell their fields when they are
            read.
    """
    layout = data.dataset.layout()
    if layout is None:
        return []
    hidden = getattr(data.dataset, "leak_columns", ())
    found: Faults = []
    for name, narrative in data.narratives.items():
        for field in () if narrative.needs_label else narrative.named_fields:
            words = _why_not(field, layout, hidden)
            if words:
                path = ("data", "narratives", name, *_place(narrative, field))
                found.append(fault_at("mmx_fields", path, words))
    return found


def _why_not(field: str, layout: Layout, hidden: tuple[str, ...]) -> str:
    held = (*layout.texts, *layout.record)
    if field in hidden:
        return (
            f"{field!r} tells the label, as the data set says (leak_columns), and no text may hold "
            "it; leave it out"
        )
    if field in (layout.label, *layout.labels.each, *layout.labels.columns):
        return f"{field!r} is a label, and no text may hold it; leave it out"
    if field in held:
        return ""
    close = nearest(field, held)
    near = f"nearest: {close}; " if close else ""
    return (
        f"the data set reads no text or fact {field!r}; {near}it reads "
        f"{', '.join(held) or 'none'} (text, text_files and record of data.dataset)"
    )


def _place(params: Params, field: str) -> Path:
    """The path below some settings at which a field is named; empty where it is a default."""
    for key, value in params:
        if key == "type" or key not in params.model_fields_set:
            continue
        if value == field:
            return (key,)
        if isinstance(value, tuple) and field in value:
            return key, value.index(field)
        inner = _place(value, field) if isinstance(value, Params) else ()
        if inner:
            return (key, *inner)
    return ()
