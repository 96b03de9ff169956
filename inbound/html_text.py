"""What a mail's HTML says, as plain text: for the list, the search and readers of text, where there is no text part.

nh3 reads the HTML as browsers do and writes a few tags back, well-formed and with every quote and bracket of a value
or a text escaped; what is left to do here is to turn those tags into line ends (pure; runs in the killable child).
"""

from __future__ import annotations

import re
from html import unescape

import nh3

from inbound.charsets import clean_text
from inbound.display import DROPPED_WITH_CONTENT, MAX_HTML_CHARACTERS, is_nested_too_deeply

MAX_TEXT_CHARACTERS = 256 * 1024

_PARAGRAPHS = frozenset("blockquote h1 h2 h3 h4 h5 h6 ol p pre table ul".split())  # noqa: SIM905
_LINES = frozenset("br div hr li tr address article aside dd dl dt footer header section".split())  # noqa: SIM905
_CELLS = frozenset({"td", "th"})
_PIECE = re.compile(r'<(/?)([a-z][a-z0-9]*)(?: (?:href|alt)="([^"]*)")?[^<>]*>|([^<]+)')
# What preview lines are padded with, and what else has no width: a word of nothing else is none.
_NO_WIDTH = "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


def text_of_html(html: str) -> str:
    """Return the words of `html` without scripts and styles: a line a block, a link as `its text (its address)`.

    Total: HTML past MAX_HTML_CHARACTERS is cut, what is nested beyond reason says nothing, and the text is cut too.
    """
    html = html[:MAX_HTML_CHARACTERS]
    if is_nested_too_deeply(html):
        return ""
    plain = nh3.clean(
        html,
        tags={"a", "img", *_PARAGRAPHS, *_LINES, *_CELLS},
        clean_content_tags=set(DROPPED_WITH_CONTENT),
        attributes={"*": set(), "a": {"href"}, "img": {"alt"}},
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
        strip_comments=True,
    )
    return clean_text(_tidy("".join(_pieces(plain))))[:MAX_TEXT_CHARACTERS]


def _pieces(plain: str) -> list[str]:
    pieces: list[str] = []
    address, begun = "", 0
    for end, tag, value, text in _PIECE.findall(plain):
        at_line_start = not pieces or pieces[-1].endswith("\n")
        if text:
            if text.strip() or not at_line_start:
                pieces.append(unescape(text).replace("\n", " "))
        elif tag == "img":
            pieces.append(f" {unescape(value)} ")
        elif tag == "a" and not end:
            address, begun = unescape(value), len(pieces)
        elif tag == "a":
            shown = "".join(pieces[begun:]).strip()
            if address and not _says(shown, address):
                pieces.append(f" ({address})" if shown else address)
            address = ""
        else:
            pieces.append(_break(tag, at_line_start=at_line_start))
        if tag == "li" and not end:
            pieces.append("- ")
    return pieces


def _break(tag: str, *, at_line_start: bool) -> str:
    """What parts the text before the tag from the text behind it."""
    if tag in _CELLS:
        return " "
    if tag in _PARAGRAPHS:
        return "\n\n"
    return "" if at_line_start and tag != "br" else "\n"


def _says(shown: str, address: str) -> bool:
    """The text of the link is its address already, with or without `https://`."""
    return shown.rstrip("/") in (address.rstrip("/"), re.sub(r"^(https?://|mailto:)", "", address).rstrip("/"))


def _tidy(text: str) -> str:
    """No blanks at the ends of lines or in rows, no two empty lines in a row, none at either end."""
    lines: list[str] = []
    for line in text.split("\n"):
        words = " ".join(word for word in line.split() if word.strip(_NO_WIDTH))
        if words or (lines and lines[-1]):
            lines.append(words)
    return "\n".join(lines).strip()
