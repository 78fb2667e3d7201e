"""Sections of reports: what is named is read, and no word of the rest."""

import pytest

from mmx.blocks import read_sections
from mmx.blocks.report_sections import headings_of

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


@pytest.mark.parametrize(
    "text",
    [
        "indication: cough\nfindings: pneumonia",
        "INDICATION: cough\n\nFINDINGS\nThere is pneumonia.\nIMPRESSION\nPneumonia.",
        "Indication\ncough\n\nFindings\nPneumonia.",
        "Indication\n----------\ncough\nTECHNIQUE\n=========\nPA view",
        "INDICATION: cough\r\nFINDINGS\r\nPneumonia",
        "Indication: cough\rFindings: pneumonia",
        "Indication: cough\\nFindings: pneumonia",
        "Indication: cough_x000D_\nResult\npneumonia",
        "1. Indication: cough\n2. Comparison: none",
        "1) Indication: cough\n2) Findings: pneumonia",
        "INDICATION - cough\nFINDINGS - pneumonia",
        "## Indication\ncough\n## What was seen\npneumonia",
        "**Indication** cough\n**What was seen** pneumonia",
        "_INDICATION_: cough\n_FINDINGS_: pneumonia",
        "[Indication] cough\n[Findings] pneumonia",
        "【Indication】cough【检查所见】肺炎【诊断意见】肺炎",
        "Indication：cough【检查所见】肺炎",
        "Indication：cough 检查所见：肺炎",
        "INDICATION: cough Befund: Pneumonie",
    ],
)
def test_whatever_the_form_of_headings_no_word_of_another_section_is_read(text: str) -> None:
    assert read_sections(text, ("INDICATION",)) == "cough"
    assert headings_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "INDICATION:\n* cough\n* fever\n- Rash",
        "INDICATION: cough, since\nMonday\nat 10:30",
        "INDICATION: seen at [**Hospital**] for\nCT",
    ],
)
def test_lines_of_few_words_are_no_headings_by_that_alone(text: str) -> None:
    body = " ".join(text.removeprefix("INDICATION:").split()).strip("* ")
    assert read_sections(text, ("INDICATION",)) == body


@pytest.mark.parametrize("text", ["word ", "A", "Ab\n", "A - ", "检", "【", "\n-", "[a", "**a"])
def test_a_long_text_without_headings_costs_little(text: str) -> None:
    assert read_sections(text * 50_000, ("INDICATION",)) == ""
