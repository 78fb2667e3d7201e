"""docs/methods.md has a heading for each method that mmx brings, and for no other."""

import re
from pathlib import Path

import pytest

import mmx
from mmx import commands

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"
OURS = [method.key for method in mmx.Plugins().installed() if method.package == "mmx"]


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def section(key: str) -> str:
    below = text().partition(f"\n### {key}\n")[2]
    return re.split(r"\n##+ ", below)[0].strip()


def test_each_method_has_a_heading_and_no_other_has_one() -> None:
    headings = re.findall(r"^### (.+)$", text(), re.MULTILINE)
    assert sorted(headings) == sorted(OURS)


@pytest.mark.parametrize("key", OURS)
def test_a_method_is_told_in_one_to_four_lines(key: str) -> None:
    lines = section(key).splitlines()
    assert 1 <= len(lines) <= 4
    assert all(lines)


@pytest.mark.parametrize("key", OURS)
def test_every_paper_of_a_method_stands_on_the_page(key: str) -> None:
    papers = re.findall(r"arXiv:[\d.]+\d|doi:[^\s,;)]+", commands.describe(key).source)
    assert {paper for paper in papers if paper not in section(key)} == set()
