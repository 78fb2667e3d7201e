"""Which encoding the letters of a text speak for, where the file does not say it.

Strict decoding alone decides little: nearly any bytes are valid cp1252, and most Chinese ones too.
So the decoded letters must also look like what they would be. Where they do not, nothing is
guessed.
"""

import re
from collections.abc import Sequence

_RUN = re.compile(rb"[\x80-\xff]+")
_LOOKED_AT = 1 << 20  # bytes
_INSIDE = re.compile("[A-Za-z]([^\x00-\x7f])[A-Za-z]")
_BESIDE = re.compile("[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
_WESTERN = set("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿŒœŠšŽžŸ’‘–-·")
_COMMON = set(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说"
    "产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点"
    "从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原"
    "又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革"
    "位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强"
    "男女左右岁诊断患者病疾症状疼痛检查部位良恶性肿瘤皮肤姓名年龄性别血压治疗颜色红肿痒斑痣黑素纳米直径"
)


def guess_encoding(content: bytes) -> str | None:
    """``cp1252`` or ``gbk``, whichever its letters speak for; None when that is not certain.

    Western text has single letters with accents inside words of ASCII letters. Chinese text comes
    in pairs of bytes, and a fifth of its characters or more are among the 500 most common ones.

    Args:
        content: of a file that is not UTF-8.
    """
    runs = _RUN.findall(content[:_LOOKED_AT])
    western = _decoded(content, "cp1252")
    if western is not None and _looks_western(western[:_LOOKED_AT], runs):
        return "cp1252"
    chinese = _decoded(content, "gbk")
    if chinese is not None and _looks_chinese(chinese[:_LOOKED_AT], runs):
        return "gbk"
    return None


def foreign_word(text: str) -> str:
    """The first word with a letter beyond ASCII, by which a reader sees whether it is right."""
    found = re.search(r"[^\s,;|\t\"]*[^\x00-\x7f][^\s,;|\t\"]*", text)
    return found[0][:40] if found else ""


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _looks_western(text: str, runs: Sequence[bytes]) -> bool:
    """Most high bytes stand alone and beside ASCII letters, and those inside words are letters."""
    single = sum(len(run) == 1 for run in runs)
    letters = all(sign in _WESTERN for sign in _INSIDE.findall(text))
    beside = len(_BESIDE.findall(text))
    return min(single, beside) >= 0.5 * len(runs) and letters and _CONTROL.search(text) is None


def _looks_chinese(text: str, runs: Sequence[bytes]) -> bool:
    """High bytes stand in pairs, and enough of the characters are common ones."""
    characters = [sign for sign in text if "\u4e00" <= sign <= "\u9fff"]
    common = sum(sign in _COMMON for sign in characters)
    single = sum(len(run) == 1 for run in runs)
    return bool(characters) and single <= 0.1 * len(runs) and common >= 0.2 * len(characters)
