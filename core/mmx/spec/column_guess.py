"""The guess of one table: each role takes its columns, and what is taken is not guessed again."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmx.errors import DataError
from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of
from mmx.spec.column_cases import CaseColumns, guess_cases
from mmx.spec.column_facts import (
    ask_of_codes,
    ask_of_commas,
    ask_of_spelling,
    ask_of_telling,
    ask_of_words,
    facts,
)
from mmx.spec.column_found import Columns
from mmx.spec.column_groups import groups_of, guess_group
from mmx.spec.column_labels import LabelColumns, guess_labels
from mmx.spec.column_splits import SplitColumn, guess_split, torn_by
from mmx.spec.column_sums import ask_of_names, ask_of_sums
from mmx.spec.column_texts import TextColumns, guess_texts
from mmx.spec.image_columns import ImageColumns, guess_images
from mmx.spec.image_kinds import ask_of_kinds, differ_in_kind

Values = Mapping[str, Sequence[str]]


class Guess:
    """Takes the columns one role after the other; what is taken is not guessed again."""

    def __init__(
        self,
        values: Values,
        folder: Path,
        given: Mapping[str, str],
        held: Sequence[str] = (),
        task: str | None = None,
    ) -> None:
        """Guess all roles.

        Args:
            values: the cells of each column as texts.
            folder: of the table.
            given: role -> column, as the user says it.
            held: columns whose cells are images themselves.
            task: as the user says it.
        """
        self.values = values
        self.free = dict(values)
        self.reasons: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self.questions: list[str] = []
        self.images = self._images(folder, given, held)
        self.learned = self._labels(given, task)
        self.labels = self.learned.of_rows(values)
        self.texts = self._texts(given, folder)
        if not self.images.columns and self.texts.column is None:
            raise DataError(
                "the table names no image files and holds no sentences, and mmx init writes models "
                "that read one of the two; say --image COLUMN or --text COLUMN. To read facts "
                "alone, write a spec with model: {record: tabular, fusion: {type: only, modality: "
                "record}}. There are: " + ", ".join(values)
            )
        self.split = self._split()
        self.group = guess_group(self.free, self._files(), given, self.labels)
        self._take(self.group.column)
        self.cases = self._cases(given.get("case"))
        self.record = self._facts()

    def columns(self) -> Columns:
        """All that was guessed."""
        images, learned = self.images, self.learned
        roles, roots = self._roles(), self._roots()
        self._tell_of_group()
        self._check_split()
        self.reasons |= {"label": learned.why, "record": "facts with few values or numbers"}
        if learned.task:
            self.reasons["task"] = learned.task_why
        if roles:
            by_name = names_of.says(roles.get("sex", "sex"), names_of.ROLES["sex"])
            self.reasons["roles"] = "by their names" + ("" if by_name else "; sex by its cells")
        self._ask()
        return Columns(
            images=images.columns,
            kinds=differ_in_kind(images.columns),
            suffix=images.suffix,
            root=roots[0],
            roots=roots[1:],
            label=learned.label,
            label_columns=learned.one_hot,
            labels=learned.each,
            cells=learned.cells,
            task=learned.task,
            text=self.texts.column,
            texts=self.texts.further,
            text_files=self.texts.in_files,
            group=self.group.column,
            group_pattern=self.group.pattern,
            alone=self._alone() > 0,
            cases=self.cases,
            record=self.record,
            roles=roles,
            split=self.split.settings,
            lacking=self._lacking(),
            rows=len(self._all()),
            reasons=self.reasons,
            left_out=self.left_out,
            questions=tuple(self.questions),
        )

    def _take(self, *names: str | None) -> None:
        for name in names:
            if name is not None:
                self.free.pop(name, None)

    def _images(self, folder: Path, given: Mapping[str, str], held: Sequence[str]) -> ImageColumns:
        found = guess_images(self.free, folder, given.get("image"), held)
        self._take(*found.columns, *found.left_out)
        self.reasons |= found.reasons
        self.left_out |= found.left_out
        self.questions += found.questions
        return found

    def _files(self) -> Values:
        """Names of image files, by column."""
        return {name: self.values[name] for name in self.images.columns}

    def _roots(self) -> tuple[str, ...]:
        """Folders of images, and those of texts behind them."""
        shown = self.images.roots if self.images.columns else ()
        behind = self.texts.roots
        roots = tuple(dict.fromkeys((*shown, *behind))) or self.images.roots
        if behind and len(roots) > 1:
            self.reasons.setdefault("roots", "files of texts are there")
        elif behind and not shown:
            self.reasons["root"] = "files of texts are there"
        return roots

    def _texts(self, given: Mapping[str, str], folder: Path) -> TextColumns:
        found = guess_texts(self.free, given, folder)
        self.reasons["text"] = found.why
        self.questions += found.questions
        self.left_out |= found.left_out
        self._take(found.column, *found.further, *found.left_out)
        if found.further:
            self.reasons["text"] += "; the further ones hold sentences too"
        return found

    def _split(self) -> SplitColumn:
        found = guess_split(self.free)
        self._take(found.settings.get("column"), *found.left_out)
        self.left_out |= found.left_out
        self.questions += found.questions
        if found.settings:
            self.reasons["split"] = found.why
        return found

    def _cases(self, said: str | None) -> CaseColumns:
        """Rows that are the pictures of one case."""
        texts = self.texts
        fixed = (*self.learned.columns, self.split.settings.get("column"), texts.column,
                 *texts.further)  # fmt: skip
        cells = {name: self.values[name] for name in fixed if name is not None}
        group = self.group.column
        if group is not None:
            cells[group] = groups_of(self.values[group], self.group.pattern)
        found = guess_cases(
            self.values, self.images.columns, cells, self.group.pattern, said, group
        )
        self._take(*found.taken)
        if found.case:
            self.reasons["case"] = found.why
        return found

    def _groups(self) -> list[str]:
        """Of the rows; none where each row stands alone."""
        column = self.group.column
        return [] if column is None else groups_of(self.values[column], self.group.pattern)

    def _facts(self) -> tuple[str, ...]:
        """Columns of facts; those of a picture are none of its case."""
        each = [self.values[name] for name in self.learned.each]
        record, left_out = facts(self.free, self.labels, each, self._groups())
        self.left_out |= left_out
        if not self.cases.case:
            return record
        differing = self.cases.differing({name: self.values[name] for name in record})
        self.left_out |= dict.fromkeys(differing, "it differs between the pictures of one case")
        return tuple(name for name in record if name not in differing)

    def _roles(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for role, words in names_of.ROLES.items():
            for name in self.record:
                if names_of.says(name, words) and name not in found.values():
                    numbers = cells_of.are_numbers(self.values[name])
                    hospital = role == "site" and names_of.says(name, names_of.NOT_SITES)
                    if numbers == (role == "age") and not hospital:
                        found[role] = name
                        break
        by_cells = [name for name in self.record if cells_of.are_sexes(self.values[name])]
        if len(by_cells) == 1:
            found.setdefault("sex", by_cells[0])
        return {role: found[role] for role in names_of.ROLES if role in found}

    def _ask(self) -> None:
        """What is asked when all columns have their roles."""
        columns = self.images.columns
        if differ_in_kind(columns):
            self.reasons["images"] += "; each is of another kind, by its name"
        elif names_of.are_sides(columns):
            self.reasons["images"] += "; by their names one for each side"
        elif len(columns) > 1:
            self.questions.append(ask_of_kinds(columns))
        self.questions += [self.cases.question] if self.cases.question else []
        self.questions += ask_of_codes(self.record, self.values)
        self.questions += ask_of_commas(self.record, self.values)
        self.questions += ask_of_spelling(self.record, self.values)
        self.questions += ask_of_words(self.record, self.values)
        self.questions += ask_of_telling(self.record, self.values, self.labels, self._groups())
        asked = columns if self.images.strange else ()
        others = {name: cells for name, cells in self.values.items() if name not in asked}
        self.questions += ask_of_sums(others, self.labels)
        self.questions += ask_of_names(self.learned.label, self.labels)

    def _labels(self, given: Mapping[str, str], task: str | None) -> LabelColumns:
        found = guess_labels(self.free, given, task)
        self._take(*found.columns)
        self.questions += found.questions
        return found

    def _tell_of_group(self) -> None:
        group = self.group
        self.reasons["group"] = group.why
        if group.pattern:
            self.reasons["group_pattern"] = "the part of the name that is the group"
        if self._alone():
            self.reasons["group_missing"] = f"{self._alone()} rows have no group: each is its own"
        self.questions += [group.question] if group.question else []

    def _alone(self) -> int:
        """Cases whose group is blank."""
        column = self.group.column
        return 0 if column is None else len(self._unstated(self.values[column]))

    def _check_split(self) -> None:
        """A published split that tears a group is no split that a run would take."""
        group, name = self.group.column, self.split.settings.get("column")
        if name is None or group is None:
            return
        torn, groups = torn_by(self.values[name], self.values[group], self.group.pattern)
        if torn:
            self.left_out[name] = f"{self.reasons.pop('split')}; it tears {torn} groups"
            self.questions.append(
                f"the split in {name!r} puts {torn} of {groups} groups ({group}) into "
                "several parts, so that the test would be too easy; groups are dealt anew instead. "
                "If the split was made by something else, name that: --group COLUMN, and "
                f"data.split: {{column: {name}}}"
            )
            self.split = SplitColumn()

    def _lacking(self) -> int:
        """Cases without a label, or without anything to see."""
        told = self.texts.column is not None or bool(self.record)
        unseen = set[str]() if told else self.cases.blind
        return len(self._unstated(self.labels) | unseen)

    def _unstated(self, cells: Sequence[str]) -> set[str]:
        """Cases, none of whose rows fills a cell."""
        return self._all() - self.cases.stated(cells)

    def _all(self) -> set[str]:
        return self.cases.stated(["row"] * len(self.labels))
