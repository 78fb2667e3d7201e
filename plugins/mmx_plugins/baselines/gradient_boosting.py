"""Gradient-boosted trees on the record, the strongest simple method for clinical tables.

F_0 = the one answer that fits all training rows best; in each round K trees, one for each output of
the task's link, are fitted to the gradient of the task's own negative log likelihood, with the
diagonal of its Hessian. So classes, levels, several labels with blanks and any other task are
learned alike. The number of rounds is the one of the least loss on validation.

Sources: Friedman 2001, doi:10.1214/aos/1013203451; Ke et al. 2017, LightGBM, NeurIPS.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, PositiveFloat, PositiveInt

from mmx import Params, hookimpl
from mmx.errors import MissingExtraError
from mmx.interfaces import Baseline, BaselineAnswers, BaselineParams, Record, TargetRows, Task
from mmx_plugins.baselines._gradient_boosting import TaskObjective
from mmx_plugins.encoders._records.cells import as_stated
from mmx_plugins.encoders._records.columns import Category, FittedTable
from mmx_plugins.encoders._records.fit import fit_table
from mmx_plugins.encoders._records.settings import ColumnSettings
from mmx_plugins.encoders._records.tabulate import tabulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Table = NDArray[np.float64]


class GradientBoostingParams(ColumnSettings, BaselineParams):
    """Which fields of a record are read, and how trees are grown."""

    source: ClassVar[str] = "Ke et al. 2017, LightGBM; Friedman 2001, doi:10.1214/aos/1013203451"

    type: Literal["gradient_boosting"] = "gradient_boosting"
    rounds: PositiveInt = Field(default=500, description="rounds at most")
    patience: PositiveInt = Field(
        default=30, description="rounds without a lower loss on validation that end the growing"
    )
    rate: PositiveFloat = Field(default=0.05, description="share of each tree that is added")
    leaves: int = Field(default=15, ge=2, description="of a tree, at most")
    smallest_leaf: PositiveInt = Field(default=20, description="training rows in a leaf, at least")
    seed: int = Field(default=0, ge=0, description="of the trees; the same seed gives the same")

    def build(self) -> "GradientBoosting":
        try:
            import_module("lightgbm")  # half a second, and an extra
        except ImportError as error:
            raise MissingExtraError("lightgbm", "mmx[tabular]") from error
        return GradientBoosting(self)


class GradientBoosting(Baseline):
    """Trees over the columns of a record, which read a missing cell as missing."""

    def __init__(self, params: GradientBoostingParams) -> None:
        self.params = params

    def answers(
        self,
        task: Task,
        train: TargetRows,
        validation: TargetRows,
        asked: Sequence[Record],
        excluded: Mapping[str, str],
    ) -> BaselineAnswers:
        table = fit_table(train.records, self.params.rules, excluded)
        link = task.link()
        learned = TaskObjective(task, link, task.for_training(train.target), train.weights)
        held_out = TaskObjective(task, link, validation.target, validation.weights)
        start = learned.constant()
        seen, unseen = (self._table(one.records, table) for one in (train, validation))
        booster = self._grown((seen, unseen), (learned, held_out), start, _categories(table))
        scores = booster.predict(self._table(asked, table), raw_score=True)
        raw = start + torch.from_numpy(np.asarray(scores)).reshape(len(asked), -1)
        with torch.no_grad():
            log_probs = link.double().log_probs(link(raw))
        return BaselineAnswers(log_probs, _note(table, booster.best_iteration))

    def _grown(
        self,
        tables: "tuple[Table, Table]",
        objectives: tuple[TaskObjective, TaskObjective],
        start: torch.Tensor,
        categories: list[int],
    ) -> Any:
        """The trees, cut back to the round of the least loss on validation.

        Args:
            tables: of the training and of the validation part.
            objectives: of both.
            start: [K], outputs before the first tree.
            categories: columns that hold codes.
        """
        lightgbm = import_module("lightgbm")
        learned, held_out = objectives
        sets = [
            lightgbm.Dataset(
                rows, np.zeros(len(rows)), init_score=_repeated(start, len(rows)),
                categorical_feature=categories, params={"verbosity": -1},
            )
            for rows in tables
        ]  # fmt: skip
        sets[1].reference = sets[0]
        return lightgbm.train(
            {"objective": lambda raw, _: learned.derivatives(raw), **self._settings(len(start))},
            sets[0],
            self.params.rounds,
            valid_sets=[sets[1]],
            feval=lambda raw, _: ("loss", held_out.loss(raw), False),
            callbacks=[lightgbm.early_stopping(self.params.patience, verbose=False)],
        )

    def _settings(self, outputs: int) -> dict[str, object]:
        """How LightGBM grows trees: on one thread, so that all machines grow the same."""
        return {
            "num_class": outputs,
            "metric": "None",
            "learning_rate": self.params.rate,
            "num_leaves": self.params.leaves,
            "min_data_in_leaf": self.params.smallest_leaf,
            "min_data_per_group": self.params.smallest_leaf,
            "seed": self.params.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }

    def _table(self, records: Sequence[Record], table: FittedTable) -> "Table":
        """[n, K], numbers and codes of categories; NaN where a cell is missing."""
        given = tabulate(as_stated(records, self.params.missing_codes, self.params.dates), table)
        codes = torch.zeros(len(table.columns), dtype=torch.bool)
        codes[_categories(table)] = True
        values = torch.where(codes, given.codes.double(), given.values.double())
        return values.masked_fill(~given.known, torch.nan).numpy()


def _repeated(start: torch.Tensor, rows: int) -> "Table":
    """[n, K], the start of each row; [n] of one output, which LightGBM has no second axis for."""
    found = np.tile(start.numpy(), (rows, 1))
    return found if found.shape[1] > 1 else found[:, 0]


def _categories(table: FittedTable) -> list[int]:
    return [place for place, one in enumerate(table.columns) if isinstance(one, Category)]


def _note(table: FittedTable, rounds: int) -> str:
    out = f"; not read: {', '.join(table.left_out)}" if table.left_out else ""
    grown = "1 round" if rounds == 1 else f"{rounds} rounds"
    return f"{grown}, chosen on validation; it reads {', '.join(table.names)}{out}"


@hookimpl
def mmx_components() -> Sequence[type[Params]]:
    return [GradientBoostingParams]
