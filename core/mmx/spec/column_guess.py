"""The guess of one table: each role takes its columns, and what is taken is not guessed again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmx.blocks import check_spelling, several_labels
from mmx.errors import DataError
from mmx.spec import column_cells as cells_of
from mmx.spec import column_names as names_of
from mmx.spec.column_facts import unfit
from mmx.spec.column_found import Columns
from mmx.spec.image_kinds import ask_of_kinds, differ_in_kind
from mmx.spec.image_root import find_root, find_without_ending
from mmx.spec.split import part_named

Values = Mapping[str, Sequence[str]]


class Guess:
    """Takes the columns one role after the other; what is taken is not guessed again."""

    def __init__(
        self, values: Values, folder: Path, given: Mapping[str, str], held: Sequence[str] = ()
    ) -> None:
        """Guess all roles.

        Args:
            values: the cells of each column as texts.
            folder: of the table.
            given: role -> column, as the user says it.
            held: columns whose cells are images themselves.
        """
        self.values = values
        self.given = given
        self.held = held
        self.free = dict(values)
        self.reasons: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self.questions: list[str] = []
        self.suffix = ""
        self.images = self._images(folder)
        self.roots = self._find_files(folder)
        self.label_columns: tuple[str, ...] = ()
        self.label = self._label()
        self.labels = self._cells_of_labels()
        self.text = self._text()
        if not self.images and self.text is None:
            raise DataError(
                "the table names no image files and holds no sentences, and a run needs one of "
                "the two; say --image COLUMN or --text COLUMN. There are: " + ", ".join(values)
            )
        self.split = self._split()
        self.group = self._group()
        self._leave_out()
        self.record = tuple(self.free)
        self.roles = self._roles()

    def columns(self) -> Columns:
        """All that was guessed."""
        self.reasons["record"] = "facts with few values or numbers"
        if self.roles:
            self.reasons["roles"] = "by their names"
        self._ask_of_labels()
        self._ask_of_images()
        self._check_split()
        rows = len(self.labels)
        return Columns(
            self.label, self.images, self.text, self.group, self.record, self.roles, self.roots[0],
            self.split, self._lacking(rows), rows, self.reasons, self.left_out,
            tuple(self.questions), self.label_columns, self.roots[1:], self.suffix,
            differ_in_kind(self.images),
        )  # fmt: skip

    def _find_files(self, folder: Path) -> tuple[str, ...]:
        """Folders of the image files; links that a run would refuse are a question."""
        files = [
            f"{cell}{self.suffix}" for name in self.images for cell in self.values[name] if cell
        ]
        found = find_root(files, folder)
        self.reasons["root"] = found.why
        if len(found.roots) > 1:
            self.reasons["roots"] = "files that are not in the first folder are there"
        if found.linked:
            self.questions.append(
                f"{found.linked!r} is a link that leads out of its folder, and such files are "
                "refused; if you trust where it leads: data.dataset.follow_links: true"
            )
        return found.roots

    def _cells_of_labels(self) -> list[str]:
        """The label of each row."""
        if self.label is not None:
            return list(self.values[self.label])
        rows = zip(*(self.values[name] for name in self.label_columns), strict=True)
        return [self.label_columns[[*map(_one, row)].index(True)] for row in rows]

    def _one_hot(self) -> tuple[str, ...]:
        """Columns of 0 and 1 of which each row has exactly one 1; empty when there are none."""
        binary = [
            name
            for name, cells in self.free.items()
            if name not in self.given.values()
            and {*cells} <= {"0", "1", "0.0", "1.0"} and any(map(_one, cells))
        ]  # fmt: skip
        rows = zip(*(self.free[name] for name in binary), strict=True)
        fits = len(binary) > 1 and all(sum(map(_one, row)) == 1 for row in rows)
        return tuple(binary) if fits else ()

    def _images(self, folder: Path) -> tuple[str, ...]:
        if "image" in self.given:
            found, self.reasons["images"] = [self.given["image"]], "you said so"
        elif self.held:
            found, self.reasons["images"] = [*self.held], "its cells hold image files"
        else:
            found = [name for name, cells in self.free.items() if cells_of.are_images(cells)]
            bare = None if found else find_without_ending(self.free, folder)
            if bare is not None:
                found, self.suffix = [bare[0]], bare[1]
                self.reasons["suffix"] = f"files such as {self.free[bare[0]][0]}{bare[1]} are there"
            self.reasons["images"] = (
                "its values are names of image files without their ending" if bare
                else "its values end like image files" if found
                else "no column holds names such as a.jpg; say --image COLUMN"
            )  # fmt: skip
        for name in found:
            self.free.pop(name)
        return tuple(found)

    def _label(self) -> str | None:
        if "label" in self.given:
            self.reasons["label"] = "you said so"
            self.free.pop(self.given["label"])
            return self.given["label"]
        fit = [
            (names_of.LABELS.index(word), name)
            for name, cells in self.free.items()
            if name not in self.given.values()
            and (word := names_of.ends_with(name, names_of.LABELS))
            and 1 < len({*cells} - {""}) <= max(len(cells) / 3, 2)
        ]
        if not fit:
            self.label_columns = self._one_hot()
            if self.label_columns:
                self.reasons["label"] = "one column a class: in each row exactly one of them is 1"
                for name in self.label_columns:
                    self.free.pop(name)
                return None
            raise DataError(
                f"no column is named like a label ({', '.join(names_of.LABELS[:9])}, ...); say "
                f"which one it is with --label COLUMN. There are: {', '.join(self.values)}"
            )
        name = min(fit)[1]
        self.reasons["label"] = f"by its name, {len({*self.free[name]} - {''})} classes"
        self.free.pop(name)
        return name

    def _text(self) -> str | None:
        name, why = self._guessed_text()
        self.reasons["text"] = why
        if name is not None:
            self.free.pop(name, None)
        return name

    def _guessed_text(self) -> tuple[str | None, str]:
        if "text" in self.given:
            return self.given["text"], "you said so"
        lengths = {name: cells_of.mean_words(cells) for name, cells in self.free.items()}
        for wanted in names_of.TEXTS:
            for name, length in lengths.items():
                if length >= 2 and names_of.says(name, [wanted]):
                    return name, f"by its name, {length:.0f} words on average"
        longest = max(lengths, key=lambda name: lengths[name], default=None)
        if longest is not None and lengths[longest] >= 4:
            return longest, f"its values are sentences, {lengths[longest]:.0f} words on average"
        return None, "no column holds sentences; they are written from the record"

    def _split(self) -> dict[str, Any]:
        """A published split, else folds; further ones are left out and named."""
        found: dict[str, Any] = {}
        for name, cells in list(self.free.items()):
            values = {*cells_of.known(cells)}
            parts = {part_named(value) for value in values}
            if None not in parts and {"train", "test"} <= parts:
                why = f"a published split, {', '.join(sorted(values))}"
                setting: dict[str, Any] = {"column": name}
            elif names_of.says(name, names_of.FOLDS) and 2 <= len(values) <= 20:
                why = f"folds of a cross-validation, {len(values)} of them"
                setting = {"column": name, "folds": len(values), "fold": 0}
            elif names_of.ends_with(name, names_of.SPLITS) and 2 <= len(values) <= 5:
                why = "it is named like a split, and its values name no parts"
                setting = {}
                self.questions.append(
                    f"{name!r} may be a published split ({', '.join(sorted(values))}); if so: "
                    f"data.split: {{column: {name}, train: [...], test: [...]}}"
                )
            else:
                continue
            self.free.pop(name)
            if setting and not found:
                found, self.reasons["split"] = setting, why
            else:
                self.left_out[name] = f"{why}; no fact of the patient"
        return found

    def _group(self) -> str | None:
        name, why = self._guessed_group()
        self.reasons["group"] = why
        if name is not None:
            self.free.pop(name, None)
        return name

    def _guessed_group(self) -> tuple[str | None, str]:
        if "group" in self.given:
            return self.given["group"], "you said so"
        lonely = []
        for wanted in names_of.GROUPS:
            for name, cells in self.free.items():
                if not names_of.says(name, [wanted]) or name in lonely or _is_shared(name, cells):
                    continue
                filled = cells_of.known(cells)
                distinct, weak = len({*filled}), _may_be_kinds(name, wanted)
                if distinct == len(filled) > 1:
                    lonely.append(name)
                elif distinct > max(len(filled) / (10 if weak else 50), 2):
                    return name, f"by its name, {distinct} in {len(filled)} rows"
        ids = [name for name, cells in self.free.items() if _repeated_ids(name, cells)]
        if ids:
            name = min(ids, key=lambda one: len({*self.free[one]}))
            self.questions.append(
                f"is {name!r} the number of a patient, lesion or study? Its values look like ids "
                "and repeat, so it is taken as the group; --group COLUMN names another one"
            )
            return name, "its values look like ids and repeat"
        return None, _ungrouped(lonely)

    def _leave_out(self) -> None:
        labels = self.labels
        for name, cells in list(self.free.items()):
            why = unfit(name, cells, labels)
            if why:
                self.left_out[name] = why
                self.free.pop(name)

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
        return found

    def _ask_of_labels(self) -> None:
        labels = self.labels
        several = several_labels(labels)
        if several:
            self.questions.append(
                f"cells of {self.label!r} such as {several[1][0]!r} look like several labels per "
                f'case; say what is meant, labels: {{several: first, separator: "{several[0]}"}} '
                "or labels: {several: own}; task: multi_label learns several labels, each from a "
                "column of its own: labels: [COLUMN, COLUMN]"
            )
        try:
            check_spelling(labels)
        except DataError as error:
            self.questions.append(str(error))

    def _ask_of_images(self) -> None:
        if differ_in_kind(self.images):
            self.reasons["images"] += "; each is of another kind, by its name"
        elif len(self.images) > 1:
            self.questions.append(ask_of_kinds(self.images))

    def _check_split(self) -> None:
        """A published split that tears a group is no split that a run would take."""
        if not self.split or not self.group:
            return
        name, parts = self.split["column"], dict[str, set[str]]()
        pairs = zip(self.values[self.group], self.values[name], strict=True)
        for group, part in pairs:
            if group and part:
                parts.setdefault(group, set()).add(part)
        torn = sum(len(one) > 1 for one in parts.values())
        if torn:
            self.left_out[name] = f"{self.reasons.pop('split')}; it tears {torn} groups"
            self.questions.append(
                f"the split in {name!r} puts {torn} of {len(parts)} groups ({self.group}) into "
                "several parts, so that the test would be too easy; groups are dealt anew instead. "
                "If the split was made by something else, name that: --group COLUMN, and "
                f"data.split: {{column: {name}}}"
            )
            self.split = {}

    def _lacking(self, rows: int) -> int:
        needed = [self.labels, *([self.values[self.group]] if self.group is not None else [])]
        return sum(any(not cells[row] for cells in needed) for row in range(rows))


def _one(cell: str) -> bool:
    return cell in ("1", "1.0")


def _is_shared(name: str, cells: Sequence[str]) -> bool:
    """Whether it is an age, sex, site or date, which cases share that have nothing in common."""
    role = any(names_of.ends_with(name, words) for words in names_of.ROLES.values())
    return role or cells_of.are_dates(cells)


def _may_be_kinds(name: str, word: str) -> bool:
    """Whether its values may be arms or kinds, as those of ``study`` and not of ``study_id``."""
    return word in names_of.WEAK_GROUPS and not names_of.says(name, names_of.IDS)


def _repeated_ids(name: str, cells: Sequence[str]) -> bool:
    """Whether a column holds ids that repeat, as those of persons do and dates do too."""
    if cells_of.are_dates(cells):
        return False
    filled = cells_of.known(cells)
    distinct = len({*filled})
    named = bool(names_of.says(name, names_of.IDS)) and distinct > max(len(filled) / 10, 3)
    return distinct < len(filled) and (named or cells_of.look_like_ids(cells))


def _ungrouped(lonely: Sequence[str]) -> str:
    told = ", ".join(map(repr, lonely))
    same = f"{told} is another in every row, so it groups nothing; " if lonely else ""
    none = "" if lonely else "no column is named like a patient; "
    return (
        f"no group: {same}{none}each row stands alone. If one person has several rows, say --group "
        "COLUMN, or the test part will not be honest"
    )
