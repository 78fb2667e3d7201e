"""Sections of reports: what is named is read, and no word of the rest."""

import pytest

from mmx.blocks import read_sections

MIMIC = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F with new onset
   ascites  // eval for infection

 COMPARISON:  None.

 FINDINGS:  There is no focal consolidation.

 IMPRESSION:
 No acute process. """


@pytest.mark.parametrize(
    ("text", "wanted", "read"),
    [
        (MIMIC, ("INDICATION",), "___F with new onset ascites // eval for infection"),
        (MIMIC, ("history", "Comparison"), "None."),
        (MIMIC, ("HISTORY",), ""),
        ("Indication: pain. Findings: a fracture.", ("INDICATION",), "pain."),
        ("INDICATION: pain FINDINGS: a fracture", ("INDICATION",), "pain"),
        ("Findings: a fracture\nHistory: fell", ("history",), "fell"),
        ("**Anamnese:** Sturz.\n**Befund:** Fraktur", ("Anamnese",), "Sturz."),
        ("Klinische Angaben: Sturz. Beurteilung: Fraktur.", ("klinische angaben",), "Sturz."),
        ("病史：跌倒。检查所见：骨折。", ("病史",), "跌倒。"),
        ("no headings at all, a fracture", ("INDICATION",), ""),
        ("", ("INDICATION",), ""),
    ],
)  # fmt: skip
def test_sections_are_found_by_headings(text: str, wanted: tuple[str, ...], read: str) -> None:
    assert read_sections(text, wanted) == read


def test_a_long_text_without_headings_costs_little() -> None:
    assert read_sections("word " * 200_000, ("INDICATION",)) == ""
    assert read_sections("A" * 200_000, ("INDICATION",)) == ""
