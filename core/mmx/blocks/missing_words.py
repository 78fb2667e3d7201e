"""Words that stand in a cell where nothing is known, in the languages that ``mmx init`` reads."""

from collections.abc import Collection

MISSING_WORDS = (
    "nan", "-nan", "na", "n/a", "n.a.", "<na>", "#n/a", "#na", "none", "null", "(null)", "nat",
    "missing", "empty", "blank", "unknown", "unk", "not known", "not available", "not stated",
    "not recorded", "not specified", "unspecified", "-", "--", "?", ".",
    "unbekannt", "nicht bekannt", "keine angabe", "k. a.", "k.a.", "fehlt", "fehlend", "leer",
    "未知", "不详", "不明", "缺失", "未记录", "未提供",
    "inconnu", "inconnue", "non renseigné", "non précisé", "manquant", "vide",
    "desconocido", "desconocida", "no consta", "sin datos", "s/d", "no especificado", "vacío",
)  # fmt: skip
"""In lower case; the empty cell is missing without being named."""


def is_missing(text: str, words: Collection[str] = MISSING_WORDS) -> bool:
    """Whether a cell says nothing: it is empty, or one of these words in any case.

    Args:
        text: of the cell; spaces around it do not count.
        words: in lower case.
    """
    said = text.strip()
    return not said or said.casefold() in words
