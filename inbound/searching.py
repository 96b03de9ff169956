"""Search in mail: words in sender, subject and text, in the way of `websearch_to_tsquery`.

Words stand for themselves, all of them wanted; "quotes" hold words together, `-word` is not wanted, `or` stands between
two ways. PostgreSQL answers from the index of migration 0004, where a word is found by itself or, the last one, by its
beginning; SQLite has no such index and looks into each message. The language of a mail is not known, so no word is
reduced to its stem and none is too common to be looked for.
"""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from accounts.models import Organization
from inbound.models import InboundMessage

MAX_CHARACTERS = 500
MAX_TERMS = 20
FIELDS = ("from_name", "from_email", "subject", "text")
# A beginning shorter than this would be that of too many words.
SHORTEST_BEGINNING = 2

# Within words of Persian and of Indian scripts, and within pictures such as that of a family.
_JOINERS = "\u200c\u200d"
_SPACES = str.maketrans(dict.fromkeys(string.punctuation, " "))
# Scripts that set no space between words: each character is a word, and several in a row are a phrase.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_UNSPACED_CHARACTER = re.compile(f"([{_UNSPACED}])")
_TERM = re.compile(r'(?P<minus>(?<!\S)-+(?=[^\s-]))?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))')

# The expression of the index in migration 0004, character for character but for the columns: only then is it used.
VECTOR = (
    "(to_tsvector('simple'::regconfig, regexp_replace(regexp_replace("
    "left({from_name}, 1000) || ' ' || left({from_email}, 1000) || ' ' || left({subject}, 1000) || ' ' || "
    "left({text}, 65536), '[!-/:-@[-`{{-~]', ' ', 'g'), "
    f"'([{_UNSPACED}])', ' \\1 ', 'g')) || "
    "array_to_tsvector(ARRAY['@' || coalesce({organization_id}::text, '0')]))"
)


@dataclass(frozen=True)
class Term:
    """Something to be found as it stands, or (`is_excluded`) not to be found; a beginning may be enough."""

    text: str
    is_excluded: bool = False
    is_beginning: bool = False

    @property
    def words(self) -> list[str]:
        """The words as the index has them; none where the term is of punctuation or pictures only."""
        words = _UNSPACED_CHARACTER.sub(r" \1 ", self.text.translate(_SPACES)).split()
        return words if any(character.isalnum() for word in words for character in word) else []


def read_query(query: str) -> list[list[Term]]:
    """The ways that a query offers, of which one is enough; each is a list of terms that must all hold (pure).

    Whatever is typed is a query. What comes after MAX_CHARACTERS or MAX_TERMS is not looked for.
    """
    visible = "".join(map(_typed, query.encode(errors="ignore").decode()))
    found = list(_TERM.finditer(visible[:MAX_CHARACTERS].rstrip()))[:MAX_TERMS]
    ways: list[list[Term]] = [[]]
    for number, each in enumerate(found):
        is_last = number == len(found) - 1
        bare = each["bare"] or ""
        if bare.lower() == "or" and ways[-1] and not is_last:
            ways.append([])
            continue
        text = (each["quoted"] or bare.strip(string.punctuation) or bare).strip()
        if text:
            ways[-1].append(Term(text, bool(each["minus"]), is_last and bool(bare) and not each["minus"]))
    return [way for way in ways if way]


def _typed(character: str) -> str:
    """The character, a blank for what parts words, nothing for marks that came along when the query was copied."""
    if character.isprintable() or character in _JOINERS:
        return character
    return "" if unicodedata.category(character) == "Cf" else " "


def is_text(query: str) -> bool:
    """Whether somebody can have typed it: blanks and marks of every script, no control characters."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in query)


def search(
    messages: QuerySet[InboundMessage], query: str, *, organization: Organization | None
) -> QuerySet[InboundMessage]:
    """Those of `messages` that the query finds, all of them for an empty one, in the order that they had.

    Only the organization's own are looked at; None is for staff, who look at everybody's.
    """
    if organization is not None:
        messages = messages.filter(organization=organization)
    ways = read_query(query)
    if not ways:
        return messages
    is_indexed = connections[messages.db].vendor == "postgresql"
    conditions = [_by_index(way, organization) if is_indexed else _by_looking(way) for way in ways]
    return messages.filter(reduce(or_, conditions))


def _by_looking(way: list[Term]) -> Q:
    return reduce(and_, (~_stands_in(term.text) if term.is_excluded else _stands_in(term.text) for term in way))


def _stands_in(text: str) -> Q:
    # SQLite's LIKE knows upper and lower case of ASCII only.
    lookup, wanted = ("icontains", text) if text.isascii() else ("iregex", re.escape(text))
    return reduce(or_, (Q(**{f"{field}__{lookup}": wanted}) for field in FIELDS))


def _by_index(way: list[Term], organization: Organization | None) -> Q:
    """The terms with words at once from the index; what the index does not know, such as `%`, by looking."""
    in_index = [term for term in way if term.words]
    condition = _by_looking(rest) if (rest := [term for term in way if not term.words]) else Q()
    if in_index:
        wanted = " & ".join(_tsquery(term) for term in in_index)
        condition &= Q(Matches(wanted, organization_id=organization.pk if organization else None))
    return condition


def _tsquery(term: Term) -> str:
    """The term in the language of `to_tsquery`: its words hold no quote and no backslash."""
    *first, last = term.words
    phrase = f"'{last}'" + (":*" if term.is_beginning and len(last) >= SHORTEST_BEGINNING else "")
    if first:
        phrase = f"'{' '.join(first)}' <-> {phrase}"
    return f"!({phrase})" if term.is_excluded else f"({phrase})"


class Matches(Func):
    """Whether PostgreSQL's index holds the message under this tsquery.

    The organization is a word of the index too, `@12`, which no mail contains and no query begins, as punctuation is
    taken out of both: so the index itself leaves out the mail of all others, however common the words are.
    """

    output_field = BooleanField()

    def __init__(self, wanted: str, *, organization_id: int | None) -> None:
        super().__init__(*(F(field) for field in (*FIELDS, "organization_id")))
        self.wanted, self.organization_id = wanted, organization_id

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[str, ...]]:
        columns = (compiler.compile(each)[0] for each in self.get_source_expressions())
        names = (*FIELDS, "organization_id")
        vector = VECTOR.replace("%", "%%").format(**dict(zip(names, columns, strict=True)))
        if self.organization_id is None:
            return f"({vector} @@ to_tsquery('simple', %s))", (self.wanted,)
        own = f"'@{self.organization_id}'"
        return f"({vector} @@ (%s::tsquery && to_tsquery('simple', %s)))", (own, self.wanted)
