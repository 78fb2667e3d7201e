"""Fields of the record that no model may read, and the written waiver that lets some be read."""

from mmx.data import Manifest
from mmx.interfaces import Layout
from mmx.spec import Spec

WAIVABLE = "leak_columns"  # a check of the audit
_LEAK = (
    "it tells the label, as the data set says (leak_columns); to have it read all the same, write "
    f'why: audit: {{waive: {{{WAIVABLE}: "..."}}}}'
)


def leak_columns(spec: Spec, manifest: Manifest) -> tuple[str, ...]:
    """Fields that tell the label and are kept from models; none under a waiver of their check."""
    return () if spec.audit.waive.get(WAIVABLE, "").strip() else manifest.facts.leak_columns


def hidden_fields(spec: Spec, manifest: Manifest) -> dict[str, str]:
    """Fields of the record that no input may read, and why."""
    named = spec.data.dataset.layout() or Layout()
    roles = {"names the case": named.id, "is the group": named.group, "is the label": named.label}
    hidden = {column: f"it {why}" for why, column in roles.items() if column is not None}
    hidden |= dict.fromkeys(named.texts, "it is the text, which a narrative reads")
    hidden |= dict.fromkeys((*named.labels.each, *named.labels.columns), "it is a label")
    # a label stays one, even where it is named among the leaks that a waiver lets through
    return dict.fromkeys(leak_columns(spec, manifest), _LEAK) | hidden
