"""The split of a spec, whose refusals stand at the keys that they are about."""

from mmx.data import Manifest, Split, make_split
from mmx.pipeline.open_dataset import located
from mmx.spec import Spec, SplitSpec


def open_split(spec: Spec, manifest: Manifest, asked: SplitSpec | None = None) -> Split:
    """Deal the rows to the parts, or read who is in which.

    Args:
        spec: of the run.
        manifest: its rows.
        asked: how, where it is not as the spec says.

    Raises:
        SpecError: a published split contradicts its settings, such as rows that no file names; at
            the line of each.
        DataError: it does not fit the rows.
    """
    with located(spec, "data.split"):
        return make_split(manifest, spec.data.split if asked is None else asked)
