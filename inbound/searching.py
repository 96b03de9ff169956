"""Search in mail: words in sender, subject and text, in the way of `websearch_to_tsquery`.

Words stand for themselves, all of them wanted; "quotes" hold words together, `-word` is not wanted, `or` stands between
two ways. A word is found by itself or, the last one, by its beginning. PostgreSQL answers from the index of migration
0004; SQLite has no such index and looks into each message, as PostgreSQL does for what the index may not have. The
language of a mail is not known, so no word is reduced to its stem and none is too common to be looked for.
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
from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat, Left
from django.db.models.lookups import Regex
from django.db.models.sql.compiler import SQLCompiler

from accounts.models import Organization
from inbound.models import InboundMessage
from inbound.search_words import UNSPACED_IN_INDEX, Token, pattern_of, spellings, tokens_of

MAX_CHARACTERS = 500
MAX_TERMS = 20
# field -> as many of its characters as are searched: a mail may hold more words than PostgreSQL can index.
SEARCHED = {"from_name": 1000, "from_email": 1000, "subject": 1000, "text": 65536}
# A beginning shorter than this would be that of too many words.
SHORTEST_BEGINNING = 2

# Within words of Persian and of Indian scripts, and within pictures such as that of a family.
_JOINERS = "\u200c\u200d"
_SPACES = str.maketrans(dict.fromkeys(string.punctuation, " "))
_UNSPACED_CHARACTER = re.compile(f"([{UNSPACED_IN_INDEX}])")
_TERM = re.compile(r'(?P<minus>(?<!\S)-+(?=[^\s-]))?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))')

# The expression of the index in migration 0004, character for character but for the columns: only then is it used.
VECTOR = (
    "(to_tsvector('simple'::regconfig, regexp_replace(regexp_replace("
    "left({from_name}, 1000) || ' ' || left({from_email}, 1000) || ' ' || left({subject}, 1000) || ' ' || "
    "left({text}, 65536), '[!-/:-@[-`{{-~]', ' ', 'g'), "
    f"'([{UNSPACED_IN_INDEX}])', ' \\1 ', 'g')) || "
    "array_to_tsvector(ARRAY['@' || coalesce({organization_id}::text, '0')]))"
)


@dataclass(frozen=True)
class Term:
    """Something to be found as it stands, or (`is_excluded`) not to be found; a beginning may be enough."""

    text: str
    is_excluded: bool = False
    is_beginning: bool = False

    @property
    def tokens(self) -> list[Token]:
        """Its words and signs; none where it is of punctuation only."""
        return tokens_of(self.text)

    @property
    def may_go_on(self) -> bool:
        return self.is_beginning and bool(self.tokens) and len(self.tokens[-1].text) >= SHORTEST_BEGINNING

    @property
    def is_sure(self) -> bool:
        """Whether the index finds it just as looking does."""
        return bool(self.tokens) and all(token.is_sure for token in self.tokens)


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
    return reduce(and_, (~_stands_in(term) if term.is_excluded else _stands_in(term) for term in way))


def _stands_in(term: Term) -> Q:
    fields: list[Left | Value] = []
    for field, length in SEARCHED.items():
        fields += [Value(" "), Left(field, length)]
    return Q(Regex(Concat(*fields, output_field=TextField()), pattern_of(term.text, is_beginning=term.may_go_on)))


def _by_index(way: list[Term], organization: Organization | None) -> Q:
    """The terms at once from the index; those that it may not have by looking, at what it leaves where it can help."""
    unsure = [term for term in way if not term.is_sure]
    wanted = [_tsquery(term) for term in way if term.is_sure]
    wanted += [hint for term in unsure if not term.is_excluded and (hint := _hint(term))]
    condition = _by_looking(unsure) if unsure else Q()
    if wanted:
        organization_id = organization.pk if organization else None
        condition &= Q(Matches(" & ".join(wanted), organization_id=organization_id))
    return condition


def _tsquery(term: Term) -> str:
    """The term in the language of `to_tsquery`: its words hold no quote and no backslash."""
    words = [[f"'{spelling}'" for spelling in spellings(token.text)] for token in term.tokens]
    if term.may_go_on:
        words[-1] = [f"{spelling}:*" for spelling in words[-1]]
    phrase = " <-> ".join(each[0] if len(each) == 1 else f"({' | '.join(each)})" for each in words)
    return f"!({phrase})" if term.is_excluded else f"({phrase})"


def _hint(term: Term) -> str:
    """What the index has of every mail that holds the term, whatever its parser drops; may be nothing."""
    words = _UNSPACED_CHARACTER.sub(r" \1 ", term.text.translate(_SPACES)).split()
    hints = [f"'{word}'" for word in words if _is_kept(word)]
    if hints and term.may_go_on and _is_kept(words[-1]):
        hints[-1] += ":*"
    return " & ".join(hints)


def _is_kept(word: str) -> bool:
    tokens = tokens_of(word)
    # The index has a rare Chinese character, or either sigma, in more ways than the one that was typed.
    has_other_ways = any(
        (token.is_unspaced and not token.is_sure) or len(spellings(token.text)) > 1 for token in tokens
    )
    return not has_other_ways and any(token.is_sure for token in tokens)


class Matches(Func):
    """Whether PostgreSQL's index holds the message under this tsquery.

    The organization is a word of the index too, `@12`, which no mail contains and no query begins, as punctuation is
    taken out of both: so the index itself leaves out the mail of all others, however common the words are.
    """

    output_field = BooleanField()

    def __init__(self, wanted: str, *, organization_id: int | None) -> None:
        super().__init__(*(F(field) for field in (*SEARCHED, "organization_id")))
        self.wanted, self.organization_id = wanted, organization_id

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[str, ...]]:
        columns = (compiler.compile(each)[0] for each in self.get_source_expressions())
        names = (*SEARCHED, "organization_id")
        vector = VECTOR.replace("%", "%%").format(**dict(zip(names, columns, strict=True)))
        if self.organization_id is None:
            return f"({vector} @@ to_tsquery('simple', %s))", (self.wanted,)
        own = f"'@{self.organization_id}'"
        return f"({vector} @@ (%s::tsquery && to_tsquery('simple', %s)))", (own, self.wanted)
