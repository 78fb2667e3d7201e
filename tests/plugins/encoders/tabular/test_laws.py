"""What encoder.tabular promises, for each of its networks, and encoder.mlp with it."""

from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from mmx.interfaces import Features, Record, Records, Value
from mmx_plugins.encoders._records.encoder import ColumnsEncoder
from mmx_plugins.encoders.mlp import MlpParams
from mmx_plugins.encoders.tabular.params import TabularParams
from mmx_plugins.encoders.tabular.tokens import ColumnTokens
from mmx_plugins.encoders.tabular.transformer import Transformer

Fitted = Callable[..., ColumnsEncoder]
NETWORKS: tuple[dict[str, object], ...] = (
    {"dim": 16},
    {"dim": 16, "numbers": "linear"},
    {"dim": 16, "numbers": "periodic", "sigma": 0.5},
    {"dim": 16, "missing": "mask"},
    {"dim": 16, "missing": "impute"},
    {"dim": 16, "scaling": "quantile"},
    {"model": "mlp"},
    {"model": "mlp", "missing": "impute"},
    {"model": "resnet"},
    {"model": "linear"},
    {"type": "mlp", "dim": 16},
    {"type": "mlp", "dim": 16, "missing": "impute"},
)
networks = pytest.mark.parametrize(
    "settings", NETWORKS, ids=lambda one: "-".join(map(str, one.values()))
)


def column_tokens(encoder: ColumnsEncoder) -> ColumnTokens:
    assert isinstance(encoder.network, Transformer)
    return encoder.network.tokens


def with_cells(record: Record, **cells: Value) -> Record:
    return {**record, **cells}


def with_cell(records: list[Record], row: int, name: str, value: Value) -> list[Record]:
    """The records with another value in one cell."""
    return [{**one, name: value} if place == row else one for place, one in enumerate(records)]


def same(first: Features, second: Features, *, atol: float) -> None:
    for name in ("tokens", "mask", "pooled", "present"):
        here, there = getattr(first, name), getattr(second, name)
        torch.testing.assert_close(here, there, atol=atol, rtol=0)


@networks
def test_the_order_of_columns_cannot_matter(
    fitted: Fitted, records: list[Record], settings: dict[str, object]
) -> None:
    turned = [dict(reversed(list(row.items()))) for row in records]
    first, second = fitted(records, **settings), fitted(turned, **settings)
    same(first(first.tabulate(records)), second(second.tabulate(turned)), atol=0)


@networks
def test_a_column_constant_in_training_changes_nothing(
    fitted: Fitted, records: list[Record], settings: dict[str, object]
) -> None:
    """Neither while columns are fitted nor by another value, or none, in a new case."""
    with_it = [with_cells(one, device=1.0, ward="B") for one in records]
    first, second = fitted(records, **settings), fitted(with_it, **settings)
    new: list[Record] = [{**records[0], "device": 7.0, "ward": "C"}, {**records[1], "ward": None}]
    same(first(first.tabulate(records[:2])), second(second.tabulate(new)), atol=0)
    assert first.fields == second.fields


@networks
@pytest.mark.parametrize("content", [float("nan"), float("inf"), 1e30])
def test_what_stands_under_a_missing_cell_never_matters(
    fitted: Fitted, records: list[Record], settings: dict[str, object], content: float
) -> None:
    encoder = fitted(records, **settings)
    given = encoder.tabulate(records)
    other = Records(
        torch.where(given.known, given.values, content),
        torch.where(given.known, given.codes, 3),
        given.known,
    )
    results = []
    for one in (given, other):
        encoder.zero_grad()
        found = encoder(one)
        head = torch.linspace(-1, 1, found.pooled.shape[1])
        if found.pooled.requires_grad:
            (found.pooled * head).sum().backward()
        grads = [p.grad for p in encoder.parameters() if p.grad is not None]
        assert all(bool(grad.isfinite().all()) for grad in grads)
        results.append((found, [grad.clone() for grad in grads]))
    same(results[0][0], results[1][0], atol=0)
    for first, second in zip(results[0][1], results[1][1], strict=True):
        assert torch.equal(first, second)


@networks
def test_beyond_the_training_range_is_its_edge(
    fitted: Fitted, records: list[Record], settings: dict[str, object]
) -> None:
    encoder = fitted(records, **settings)
    ages = [row["age"] for row in records if isinstance(row["age"], float)]
    far = encoder(encoder.tabulate([with_cells(records[0], age=710.0)]))
    same(far, encoder(encoder.tabulate([with_cells(records[0], age=max(ages))])), atol=0)


@networks
def test_a_sample_is_the_same_alone_as_beside_others(
    fitted: Fitted, records: list[Record], settings: dict[str, object]
) -> None:
    encoder = fitted(records, **settings)
    together = encoder(encoder.tabulate(records))
    for row in (0, 1, 3, 11):
        alone = encoder(encoder.tabulate([records[row]]))
        torch.testing.assert_close(alone.pooled[0], together.pooled[row], atol=1e-5, rtol=1e-4)


def test_in_training_too_no_other_sample_matters(fitted: Fitted, records: list[Record]) -> None:
    """The residual network of the source has BatchNorm, which would break it."""
    encoder = fitted(records, model="resnet", dropout=0, cell_dropout=0)
    encoder.train()
    together = encoder(encoder.tabulate(records)).pooled
    alone = encoder(encoder.tabulate(records[:1])).pooled
    torch.testing.assert_close(alone[0], together[0], atol=1e-5, rtol=1e-4)


@networks
def test_a_record_without_any_cell_is_missing(
    fitted: Fitted, records: list[Record], settings: dict[str, object]
) -> None:
    encoder = fitted(records, **settings)
    found = encoder(encoder.tabulate([records[0], {}, {"age": None, "sex": ""}]))
    assert found.present.tolist() == [True, False, False]
    assert bool(found.pooled.isfinite().all())


@networks
def test_an_unseen_category_is_other(
    fitted: Fitted, records: list[Record], settings: dict[str, object]
) -> None:
    """Site has a rare value in training, sex has none: its other is no random vector."""
    encoder = fitted(records, **settings)
    scalp, knee = (
        encoder(encoder.tabulate([with_cells(records[0], site=site)])) for site in ("scalp", "knee")
    )
    same(scalp, knee, atol=0)


def test_other_is_the_bias_alone_where_training_had_no_rare_value(
    fitted: Fitted, records: list[Record]
) -> None:
    encoder = fitted(records, dim=16)
    tokens = column_tokens(encoder)
    given = encoder.tabulate([with_cells(records[0], sex="unheard of")])
    torch.testing.assert_close(tokens(given)[0, 1], tokens.bias[1], atol=0, rtol=0)
    vector = fitted(records, model="linear")
    of_male, of_female, strange = vector(
        vector.tabulate([{"sex": "male"}, {"sex": "female"}, {"sex": "unheard of"}])
    ).pooled
    assert int((of_male != strange).sum()) == int((of_female != strange).sum()) == 1


def test_a_masked_column_that_is_missing_everywhere_changes_nothing(
    fitted: Fitted, records: list[Record]
) -> None:
    """The same weights by column, with and without the column ``sex``."""
    wide = fitted(records, dim=16, missing="mask")
    narrow = fitted(records, dim=16, missing="mask", columns=["age", "site", "thickness"])
    state = wide.state_dict()
    kept = torch.tensor([0, 2, 3])
    state["network.tokens.bias"] = state["network.tokens.bias"][kept]
    vectors = state["network.tokens.categories.weight"]  # of sex 3, of site 4
    state["network.tokens.categories.weight"] = vectors[3:]
    narrow.load_state_dict(state)
    without = [{name: value for name, value in row.items() if name != "sex"} for row in records]
    first, second = wide(wide.tabulate(without)), narrow(narrow.tabulate(without))
    torch.testing.assert_close(first.pooled, second.pooled)
    torch.testing.assert_close(first.tokens[:, kept], second.tokens)
    assert not first.mask[:, 1].any()


def test_impute_is_the_mean_and_the_mode_and_tells_nothing(
    fitted: Fitted, records: list[Record]
) -> None:
    for settings in ({"dim": 16}, {"model": "mlp"}, {"model": "linear"}):
        encoder = fitted(records, missing="impute", **settings)
        ages = [row["age"] for row in records if isinstance(row["age"], float)]
        sexes = [row["sex"] for row in records if row["sex"]]
        filled = {
            **records[0],
            "age": sum(ages) / len(ages),
            "sex": max(set(sexes), key=sexes.count),
        }
        blank = with_cells(records[0], age=None, sex=None)
        same(
            encoder(encoder.tabulate([blank])),
            encoder(encoder.tabulate([filled])),
            atol=1e-6,
        )


def test_a_missing_cell_is_told_from_any_value(fitted: Fitted, records: list[Record]) -> None:
    """Zero is a value: u = 0 is the mean, which is what pytorch-frame makes of a missing cell."""
    for settings in NETWORKS[:2] + NETWORKS[6:7] + NETWORKS[8:11]:
        encoder = fitted(records, **settings)
        ages = [row["age"] for row in records if isinstance(row["age"], float)]
        mean = encoder(encoder.tabulate([with_cells(records[0], age=sum(ages) / len(ages))]))
        blank = encoder(encoder.tabulate([with_cells(records[0], age=None)]))
        assert float((mean.pooled - blank.pooled).detach().abs().max()) > 1e-3


def test_cells_fall_in_training_alone_and_never_all_of_a_row(
    fitted: Fitted, records: list[Record]
) -> None:
    encoder = fitted(records, dim=16, cell_dropout=0.5, attention_dropout=0, dropout=0)
    given = encoder.tabulate(records)
    same(encoder(given), encoder(given), atol=0)
    encoder.train()
    known: Tensor = torch.stack([encoder.cell_dropout(given.known) for _ in range(200)])
    assert bool((known <= given.known).all())
    assert bool(known.any(dim=2).all())
    share = 1 - known[:, given.known].float().mean()
    assert 0.4 < float(share) < 0.5  # a row that lost all keeps all
    encoder(given).pooled.square().sum().backward()
    missing = column_tokens(encoder).missing
    assert missing is not None
    assert missing.grad is not None
    assert bool((missing.grad.abs().sum(1) > 0).all())  # also of columns that are complete


def test_each_network_learns_all_that_it_has(fitted: Fitted, records: list[Record]) -> None:
    for settings in NETWORKS:
        encoder = fitted(records, **settings)
        encoder.train()
        found = encoder(encoder.tabulate(records))
        if not any(p.requires_grad for p in encoder.parameters()):
            assert settings == {"model": "linear"}
            continue
        weight = torch.randn(found.pooled.shape, generator=torch.Generator().manual_seed(1))
        loss = (found.pooled * weight).sum()
        loss.backward()
        dead = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
        # version B of piecewise linear starts at zero, and has a gradient all the same
        assert not dead, (settings, dead)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"blocks": 0}, "greater than 0"),
        ({"model": "mlp", "bins": 8}, "bins means nothing for model: mlp"),
        ({"model": "linear", "dim": 8}, "dim means nothing for model: linear"),
        ({"numbers": "linear", "bins": 8}, "bins means nothing for numbers: linear"),
        ({"sigma": 0.1}, "sigma means nothing for numbers: ple"),
        ({"model": "mlp", "missing": "mask"}, "missing: mask leaves out tokens"),
        ({"model": "linear", "cell_dropout": 0.1}, "linear learns nothing itself"),
        ({"train": "frozen"}, "there are no pretrained ones for a table"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TabularParams.model_validate(settings)


@networks
def test_settings_survive_being_written_out(settings: dict[str, object]) -> None:
    kind = MlpParams if settings.get("type") == "mlp" else TabularParams
    params = kind.model_validate(settings)
    assert kind.model_validate(params.model_dump()) == params


def test_other_statistics_are_another_key_of_the_cache(
    fitted: Fitted, records: list[Record]
) -> None:
    first, again = fitted(records), fitted(records)
    other = fitted(with_cell(records, 0, "thickness", 99.0))
    assert first.weights == again.weights != other.weights


def test_it_says_which_fields_it_reads_and_which_its_settings_name(
    fitted: Fitted, records: list[Record]
) -> None:
    encoder = fitted(records, since={"exam": "birth"}, kinds={"age": "number"})
    assert encoder.fields == ("age", "birth", "exam", "sex", "site", "thickness")
    assert encoder.params.rules.named == {"exam", "birth", "age"}
