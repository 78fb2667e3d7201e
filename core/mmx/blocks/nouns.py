"""Nouns in sentences, such as what a data set calls its groups."""


def plural_of(noun: str) -> str:
    """Several of them: "samples", "studies"; a noun in another script, such as 患者, stays."""
    if not noun.isascii():
        return noun
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}s"
