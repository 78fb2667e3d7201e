"""Whether the data of a spec hold what its inference hooks need, before anything is trained."""

from mmx.errors import DataError
from mmx.experiment.prepare import Prepared
from mmx.spec import Spec


def check_promises(spec: Spec, prepared: Prepared) -> None:
    """Refuse hooks whose promises need more groups than the part that they are fitted on has.

    Raises:
        DataError: says what to set instead.
    """
    part = "calibration" if (prepared.split.parts == "calibration").any() else "validation"
    labelled = [row for row in prepared.split.rows(part) if prepared.manifest.labels[row] >= 0]
    groups = len(set(prepared.manifest.groups[labelled].tolist()))
    for params in spec.inference:
        if groups < params.fewest_groups:
            raise DataError(
                f"{params.entry_point} promises what it needs {params.fewest_groups} groups for, "
                f"and the {part} part has {groups}; give that part more of the data, or leave "
                "the promise out"
            )
