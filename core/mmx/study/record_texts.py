"""What the fields of a record say, written out for a probe."""

from collections.abc import Sequence

from mmx.data import Manifest, Split, write_texts
from mmx.errors import DataError
from mmx.spec import DataSpec


def record_texts(spec: DataSpec, manifest: Manifest, split: Split) -> Sequence[str]:
    """[n], the fields of all rows by the default narrative, whatever that of the study is.

    Raises:
        DataError: no row has such a field.
    """
    plain = type(spec).model_validate({"max_bad": spec.max_bad, "dataset": spec.dataset})
    (narrative,) = plain.narratives.values()
    texts = write_texts(manifest, narrative, split)
    if not any(texts[row] for row in split.rows("train")):
        raise DataError(
            f"{narrative.entry_point} writes nothing from these records: they have no fields "
            "that it reads"
        )
    return texts
