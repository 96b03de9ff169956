"""Show a stranger's words on one line: nothing of them turns, hides or fills what stands around them (pure)."""

from __future__ import annotations

import unicodedata

# Joiners shape Persian words and emoji; every other mark of the category is invisible or turns the text (UAX #9).
JOINERS = frozenset("\u200c\u200d")
# Letters by category, and yet nothing to see: the Hangul fillers and the empty Braille pattern.
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
ELLIPSIS = "…"


def one_line(text: str, most: int | None = None) -> str:
    """`text` without control and direction marks, its spaces made one, cut to `most` characters with an ellipsis.

    Empty where nothing of it could be seen.
    """
    line = " ".join("".join(map(_shown, text)).split())
    if not any(_is_seen(character) for character in line):
        return ""
    if most is not None and len(line) > most:
        return line[: most - 1].rstrip() + ELLIPSIS
    return line


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character)[0] == "C" and character not in JOINERS else character


def _is_seen(character: str) -> bool:
    return character not in BLANKS and unicodedata.category(character)[0] not in "CZM"
