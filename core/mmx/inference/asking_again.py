"""One case asked again: with other inputs of a modality, and without columns of its record."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmx.errors import ShapeError
from mmx.inference.placeholders import Placeholders
from mmx.inference.prediction import Chain
from mmx.interfaces import Batch, Inputs, RecordEncoder, Records, Task, map_tensors
from mmx.report import WithoutColumn


def asked_again(chain: Chain, given: Batch, name: str, inputs: Inputs) -> Tensor:
    """Log-probabilities [n, ...] of one case with n inputs of a modality in place of its own.

    Args:
        chain: the model; inference hooks are left out.
        given: the case, a batch of one row.
        name: of the modality.
        inputs: n of them.
    """
    present = given.present.expand(len(inputs.present), -1).clone()
    present[:, given.modalities.index(name)] = inputs.present
    others = [other for other in given.modalities if other != name]
    with torch.no_grad():
        seen = chain.encoded(given, others)
        all_inputs = {one: _repeated(seen.inputs[one], len(present)) for one in others}
        batch = Batch({one: all_inputs.get(one, inputs) for one in given.modalities}, present)
        return chain.plain(batch).log_probs


def _repeated(inputs: Inputs, times: int) -> Inputs:
    """One row as many; scalars, such as penalties, as they are."""
    return map_tensors(
        inputs, lambda tensor: tensor.repeat_interleave(times, dim=0) if tensor.ndim else tensor
    )


def without_columns(
    chain: Chain, given: Batch, name: str, placeholders: Placeholders
) -> tuple[WithoutColumn, ...]:
    """What is answered without each field of a record, exactly: the model is asked once for each.

    All columns that are made of a field are missing together, as the two of a date's month. The
    cell is missing as cells of training records are: its learned token or flag stands there,
    or what the encoder fills in. A case whose only cell it is has no record then.

    Args:
        chain: the model.
        given: the case, a batch of one row.
        name: of the modality.
        placeholders: of the model, which answer for a case of which nothing is left.

    Returns:
        One for each field that is known, in the order of the columns; none where the model does
        not read the modality as a record.

    Raises:
        ShapeError: the encoder does not name its columns.
    """
    encoder, records = chain.model.encoder(name), given.inputs[name]
    if not (isinstance(encoder, RecordEncoder) and isinstance(records, Records)):
        return ()
    if name not in chain.model.used:
        return ()
    names, known = encoder.entries.get("columns", ()), records.known[0]
    if len(names) != len(known):
        raise ShapeError(
            f"its encoder reads {len(known)} columns and names {len(names)} (entries['columns'])"
        )
    sources: Sequence[Sequence[str]] = encoder.sources or [(name,) for name in names]
    made = _made_of(sources, known)
    asked = _each_missing(records, list(made.values()))
    log_probs = asked_again(chain, given, name, asked)
    if not _others_there(chain, given, name):  # as everywhere, nothing is answered with the prior
        log_probs[~asked.present] = placeholders.without_any(1).to(log_probs.dtype)
    return _told(chain.task, list(made), log_probs)


def _made_of(sources: Sequence[Sequence[str]], known: Tensor) -> dict[str, Tensor]:
    """Field -> [K], bool: the columns made of it; of fields of which any column is known."""
    fields = dict.fromkeys(field for one in sources for field in one)
    made = {field: torch.tensor([field in one for one in sources]) for field in fields}
    return {field: columns for field, columns in made.items() if bool(known.cpu()[columns].any())}


def _told(task: Task, columns: Sequence[str], log_probs: Tensor) -> tuple[WithoutColumn, ...]:
    """The answers without each column, beside the first one, with all of them."""
    values = task.values(log_probs).double()
    changes = (values[1:] - values[0]).tolist()
    answers = task.answers(log_probs)["predicted"].tolist()[1:]
    return tuple(
        WithoutColumn(column, str(answer), dict(zip(task.names, change, strict=True)))
        for column, answer, change in zip(columns, answers, changes, strict=True)
    )


def _each_missing(records: Records, made: Sequence[Tensor]) -> Records:
    """The one row as it is, and once without each set of columns [K]."""
    hidden = records.known.repeat(1 + len(made), 1)
    for place, columns in enumerate(made, start=1):
        hidden[place] &= ~columns.to(hidden.device)
    many = len(hidden)
    return Records(records.values.repeat(many, 1), records.codes.repeat(many, 1), hidden)


def _others_there(chain: Chain, given: Batch, name: str) -> bool:
    """Whether the case has another modality that the model reads."""
    there = zip(given.modalities, given.present[0].tolist(), strict=True)
    return any(known for one, known in there if one != name and one in chain.model.used)
