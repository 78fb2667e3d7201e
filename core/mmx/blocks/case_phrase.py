"""A record in half a sentence: who, and where the finding lies."""

from collections.abc import Mapping

from mmx.interfaces import Value

_ON_SKIN = {"acral", "genital", "oral"}  # adjectives: "on acral skin", not "on the acral"
_ABSENT = {"", "unknown", "none", "nan", "n/a", "na", "null", "not available", "not stated"}
_SEXES = {
    "m": "man", "male": "man", "man": "man", "f": "woman", "female": "woman", "woman": "woman",
}  # fmt: skip


def case_phrase(record: Mapping[str, Value]) -> str:
    """'a 45-year-old man with a lesion on the back', or as much of it as the record knows.

    Args:
        record: read are age, sex, site, structure and level; 'unknown' and the like are absent.

    Returns:
        Half a sentence without capital and full stop; empty when nothing is known.
    """
    return " with ".join(filter(None, (_patient(record), _place(record))))


def _patient(record: Mapping[str, Value]) -> str:
    """'a 45-year-old man', 'a woman', 'a 45-year-old patient', or nothing."""
    age = _age(record.get("age"))
    given = _word(record.get("sex"))
    sex = _SEXES.get(given.lower(), given)
    if not age and not sex:
        return ""
    words = " ".join(filter(None, (age, sex or "patient")))
    vowel = words.startswith(("8", "11-", "18-", "a", "e", "i", "o"))  # an eight-year-old
    return f"{'an' if vowel else 'a'} {words}"


def _age(value: Value) -> str:
    """'45-year-old'; nothing for 0, which tables use for an age that nobody noted."""
    try:
        years = float(value) if value not in (None, "") else 0.0
    except ValueError:  # words such as 'unknown'
        return ""
    return f"{years:g}-year-old" if 0 < years < 130 else ""


def _place(record: Mapping[str, Value]) -> str:
    """'a lesion on the back', 'the disc at L4-L5', or nothing."""
    site, structure, level = (_word(record.get(name)) for name in ("site", "structure", "level"))
    if site:
        return f"a lesion on {site} skin" if site.lower() in _ON_SKIN else f"a lesion on the {site}"
    if structure:
        return f"the {structure} at {level}" if level else f"the {structure}"
    return f"the level {level}" if level else ""


def _word(value: Value) -> str:
    word = " ".join(str(value).split()) if value is not None else ""
    return "" if word.lower() in _ABSENT else word
