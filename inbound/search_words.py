"""What a word of a mail is, for the search: one definition for both databases (pure, imports no Django).

A word is a run of letters and digits with the marks on them; in scripts that set no space between words each character
is one. A sign, such as `²`, `€` or a picture, is found as it stands. All else parts words, and counts only in what is
made of nothing else, such as `%`.

PostgreSQL's parser has its own idea of this, from the tables of its C library. What it surely keeps are the categories
L, Nd and Nl; No, most of S and some marks it drops without a word, so that a query of these alone would find all mail.
"""

from __future__ import annotations

import re
import string
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache

# Scripts that set no space between words. The index of migration 0004 holds the first part, character for character:
# one of the second part is found in it only where others stand around it, so that it has to be looked for.
UNSPACED_IN_INDEX = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_UNSPACED_BEYOND = r"\U00020000-\U0003ffff"
_UNSPACED = re.compile(f"[{UNSPACED_IN_INDEX}{_UNSPACED_BEYOND}]")
_BEYOND = re.compile(f"[{_UNSPACED_BEYOND}]")
# Letters in circles and squares: category So, but alphabetic, and so letters for most of PostgreSQL's parsers.
_ENCLOSED_LETTER = re.compile("[\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189]")
# They follow pictures as often as letters, and do not tie a picture to the word behind it.
_VARIATION_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_FINAL_SIGMAS = "σς"


@dataclass(frozen=True)
class Token:
    """A word, a character of an unspaced script (`is_unspaced`), or a sign (`is_sign`)."""

    text: str
    is_unspaced: bool = False
    is_sign: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether every parser of PostgreSQL finds it in a text as we do."""
        if self.is_sign or _BEYOND.match(self.text) or _ENCLOSED_LETTER.search(self.text):
            return False
        return not self.is_unspaced or not _is_mark(self.text)


def tokens_of(text: str) -> list[Token]:
    """The words and signs of a text in their order."""
    tokens: list[Token] = []
    run = ""
    for character in text:
        is_unspaced = bool(_UNSPACED.match(character))
        if not is_unspaced and (_is_letter(character) or (run and _is_mark(character))):
            run += character
            continue
        if run:
            tokens.append(Token(run))
            run = ""
        if is_unspaced and (_is_letter(character) or _is_mark(character)):
            tokens.append(Token(character, is_unspaced=True))
        elif _is_sign(character):
            tokens.append(Token(character, is_sign=True))
    return [*tokens, Token(run)] if run else tokens


def spellings(word: str) -> list[str]:
    """The word in small letters, and with the other sigma at its end: `Σ` at the end of a word is `ς` or `σ`."""
    small = "".join(map(_small, word))
    return [small[:-1] + sigma for sigma in _FINAL_SIGMAS] if small[-1] in _FINAL_SIGMAS else [small]


def pattern_of(text: str, *, is_beginning: bool) -> str:
    """A regular expression that Python and PostgreSQL read alike: the words and signs of the text, one after the other.

    Where it has none, the text itself.
    """
    tokens = tokens_of(text)
    if not tokens:
        return re.escape(text)
    pattern = ""
    for number, token in enumerate(tokens):
        if number:
            # The index does not know of signs between words. Next to a sign nothing but blanks and punctuation may
            # stand: so what lies between is looked at once only, however many signs a text has.
            is_by_sign = token.is_sign or tokens[number - 1].is_sign
            pattern += f"[^{_classes().any_word}{_classes().signs if is_by_sign else ''}]*"
        pattern += _token_pattern(token, is_beginning and number == len(tokens) - 1)
    return pattern


def _token_pattern(token: Token, is_beginning: bool) -> str:
    if token.is_sign or token.is_unspaced:
        return token.text
    # Each place of the word with what may stand there: the spellings differ in the last one only.
    letters = "".join(map(_any_case, map(set, zip(*spellings(token.text), strict=True))))
    end = "" if is_beginning else f"(?![{_classes().inside}])"
    return f"(?<![{_classes().before}]){letters}{end}"


def _any_case(small: set[str]) -> str:
    # Not the `i` of either language: each has its own idea of what is alike, such as `s` and `ſ`.
    alike = sorted({character for each in small for character in _cases().get(each, each)})
    return alike[0] if len(alike) == 1 else f"[{''.join(alike)}]"


def _small(character: str) -> str:
    # One for one, as PostgreSQL has it: `İ` would become two.
    return character.lower()[0]


@cache
def _cases() -> dict[str, str]:
    """Small letter -> all that become it."""
    cases: dict[str, str] = {}
    for character in map(chr, range(sys.maxunicode + 1)):
        if (small := character.lower()[0]) != character:
            cases[small] = cases.get(small, small) + character
    return cases


def _is_letter(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "L" or category in ("Nd", "Nl") or bool(_ENCLOSED_LETTER.match(character))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def _is_sign(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "SN" and character not in string.punctuation and not _is_letter(character)


@dataclass(frozen=True)
class _Classes:
    """Insides of bracket expressions: what a word may hold, what not stand before one, all of words, and signs."""

    inside: str
    before: str
    any_word: str
    signs: str


@cache
def _classes() -> _Classes:
    everything = [chr(number) for number in range(sys.maxunicode + 1) if not 0xD800 <= number <= 0xDFFF]
    assigned = [character for character in everything if unicodedata.category(character) != "Cn"]
    any_word = {each for each in assigned if _is_letter(each) or _is_mark(each)}
    inside = {each for each in any_word if not _UNSPACED.match(each)}
    selectors = {each for each in inside if _VARIATION_SELECTOR.match(each)}
    signs = set(filter(_is_sign, assigned))
    chosen = (inside, inside - selectors, any_word - selectors, signs)
    return _Classes(*(_ranges(assigned, each) for each in chosen))


def _ranges(assigned: list[str], chosen: set[str]) -> str:
    """What is chosen as ranges, over what no character has been assigned to."""
    ranges: list[list[str]] = []
    is_open = False
    for character in assigned:
        if character not in chosen:
            is_open = False
        elif is_open:
            ranges[-1][1] = character
        else:
            ranges.append([character, character])
            is_open = True
    return "".join(first if first == last else f"{first}-{last}" for first, last in ranges)
