"""A record in plain words: who, where the finding lies, and every other field by its name."""

import math
import re
from collections.abc import Collection, Iterator, Mapping

from mmx.blocks.missing_words import is_missing
from mmx.interfaces import Value

_ON_SKIN = {"acral", "genital", "oral"}  # adjectives: "on acral skin", not "on the acral"
_MAN = "m male man boy männlich mann 男 男性 homme masculin hombre masculino varón"
_WOMAN = "f w female woman girl weiblich frau 女 女性 femme féminin mujer femenino"
_SEXES = {**dict.fromkeys(_MAN.split(), "man"), **dict.fromkeys(_WOMAN.split(), "woman")}
_YES_NO = {"true": "yes", "false": "no"}
_UNIT = re.compile(r"^(.+?)\s*[(\[（［]\s*([^)\]）］]+?)\s*[)\]）］]\s*$")  # Size (mm), Größe [cm]
_SUFFIX = re.compile(r"^(.+?)(?:_|\s+in\s+|\s+)(mm|cm|m|kg|g|years|months|weeks|days|%)$", re.I)


def case_phrase(
    record: Mapping[str, Value],
    roles: Mapping[str, str] | None = None,
    texts: Collection[str] = (),
) -> str:
    """'a 45-year-old man with a lesion on the back; itching: yes', or what the record knows of it.

    Every field reaches the words but texts (the field ``text``, or what has that role) and what is
    missing. What a field says depends on nothing but its name and its own value.

    Args:
        record: name of a field -> value; 'unknown' and the like are missing.
        roles: age, sex, site, structure, level or text -> name of the field, where it differs.
        texts: further fields that are texts.

    Returns:
        Half a sentence without capital and full stop; empty when nothing is known.
    """
    roles = roles or {}
    told: set[str] = {roles.get("text", "text"), *texts}
    patient, index = _patient(record, roles, told), _place(record, roles, told)
    who = " with ".join(filter(None, (patient, index)))
    rest = "; ".join(_rest(record, told))
    if rest and not who:
        return f"a case; {rest}"
    return "; ".join(filter(None, (who, rest)))


def _patient(record: Mapping[str, Value], roles: Mapping[str, str], told: set[str]) -> str:
    """'a 45-year-old man', 'a woman', 'a 45-year-old patient', or nothing."""
    name = roles.get("age", "age")
    age = _age(name, record.get(name))
    told |= {name} if age or _number(record.get(name)) == 0 else set()
    name = roles.get("sex", "sex")
    sex = _SEXES.get(_word(record.get(name)).casefold(), "")
    told |= {name} if sex else set()
    if not age and not sex:
        return ""
    words = " ".join(filter(None, (age, sex or "patient")))
    vowel = words.startswith(("8", "11-", "18-", "a", "e", "i", "o"))  # an eight-year-old
    return f"{'an' if vowel else 'a'} {words}"


def _age(name: str, value: Value) -> str:
    """'45-year-old'; nothing for 0, which tables use for an age that nobody noted."""
    age, months = _number(value), in_months(name)
    if age is None or not 0 < age < (1560 if months else 130):
        return ""
    return f"{_plain(age)}-{'month' if months else 'year'}-old"


def in_months(name: str) -> bool:
    """Whether the name of a field says that its numbers are months."""
    return bool(re.search(r"month|monat|mois|meses|月龄", name, re.IGNORECASE))


def _place(record: Mapping[str, Value], roles: Mapping[str, str], told: set[str]) -> str:
    """'a lesion on the back', 'the disc at L4-L5', or nothing."""
    names = {role: roles.get(role, role) for role in ("site", "structure", "level")}
    site, structure, level = (_word(record.get(name)) for name in names.values())
    if site:
        told.add(names["site"])
        return f"a lesion on {site} skin" if site.lower() in _ON_SKIN else f"a lesion on the {site}"
    told |= {names["structure"], names["level"]}
    if structure:
        return f"the {structure} at {level}" if level else f"the {structure}"
    return f"the level {level}" if level else ""


def _rest(record: Mapping[str, Value], told: set[str]) -> Iterator[str]:
    """'itching: yes', 'diameter: 4 mm', one for each field that is known and not told yet."""
    for name in record:  # a field is looked up only where it is told: who reads is noted
        if name in told:
            continue
        word = _word(record[name])
        if word:
            label, unit = _label(name)
            yield f"{label}: {word}{f' {unit}' if unit and _number(word) is not None else ''}"


def _label(name: str) -> tuple[str, str]:
    """The name of a field in words, and the unit that it states."""
    found = _UNIT.match(name) or _SUFFIX.match(name)
    label, unit = found.groups() if found else (name, "")
    return " ".join(label.replace("_", " ").split()), unit


def _word(value: Value) -> str:
    """A value as it is written; empty where it is missing."""
    number = _number(value)
    if number is not None:
        return _plain(number)
    word = " ".join(str(value).split()) if value is not None else ""
    return "" if is_missing(word) else _YES_NO.get(word.lower(), word)


def _number(value: Value) -> float | None:
    """A finite number, also one that is written as a word."""
    try:
        number = float(value) if value not in (None, "") else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _plain(number: float) -> str:
    """Whole numbers without a point, others with all their digits."""
    return str(int(number)) if number == int(number) else repr(number)
