"""The sections of a task as a template takes them: tables as cells, plots as drawings."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from mmx.interfaces import Content, Grid, Matrix, Plot, ScoreSection
from mmx.report.figures import plot
from mmx.report.page_tables import Table, confusion_cells


@dataclass(frozen=True, slots=True)
class Block:
    """Content of one form.

    Attributes:
        form: ``scores``, ``matrix``, ``plots`` or ``table``.
        what: as the template of that form takes it.
    """

    form: str
    what: object


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section, ready for the template."""

    anchor: str
    label: str
    title: str
    lead: str
    blocks: tuple[Block, ...]


def shown_sections(sections: Sequence[ScoreSection]) -> list[ShownSection]:
    """Every section with its figures drawn; plots that follow each other in one row."""
    return [
        ShownSection(one.anchor, one.label, one.title, one.lead, tuple(_blocks(one)))
        for one in sections
    ]


def _blocks(section: ScoreSection) -> list[Block]:
    numbered = list(enumerate(section.content))
    found: list[Block] = []
    for drawn, run in groupby(numbered, key=lambda pair: isinstance(pair[1], Plot)):
        pairs = list(run)
        if drawn:
            plots = [(n, one) for n, one in pairs if isinstance(one, Plot)]
            found.append(Block("plots", [_figure(section.anchor, n, one) for n, one in plots]))
        else:
            found += [_block(one) for _, one in pairs]
    return found


def _figure(anchor: str, number: int, one: Plot) -> dict[str, object]:
    # ids of a drawing hold letters and dashes only
    name = one.form if one.form != "free" else f"{anchor}-{chr(ord('a') + number)}"
    return {"drawn": plot(one, name), "caption": one.caption}


def _block(one: Content) -> Block:
    if isinstance(one, Matrix):
        rows = [sum(row) for row in one.counts]
        return Block(
            "matrix", {"names": one.names, "rows": rows, "cells": confusion_cells(one.counts)}
        )
    if isinstance(one, Grid):
        return Block("table", Table(one.title, one.head, one.rows))
    return Block("scores", one)
