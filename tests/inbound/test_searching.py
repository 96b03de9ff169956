"""Search in mail finds the same on PostgreSQL, by its index, as on SQLite: one table for both."""

from __future__ import annotations

import json
import random
import re
import string
import time
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from accounts.models import Organization
from inbound.models import InboundMessage
from inbound.searching import MAX_CHARACTERS, MAX_TERMS, Term, read_query, search

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ON_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL only")


def make(organization: Organization | None, number: int = 0, **fields: object) -> InboundMessage:
    values: dict[str, object] = {
        "organization": organization,
        "ses_message_id": f"ses-{InboundMessage.objects.count()}",
        "received_at": NOW - timedelta(minutes=number),
        "from_email": "ann@else.example",
    }
    return InboundMessage.objects.create(**(values | fields))


# name -> one mail that no other query of the table finds by accident.
MAILS: dict[str, dict[str, str]] = {
    "parcel": {
        "from_name": "Sam O'Hara",
        "from_email": "sam.ohara+shop@elsewhere.example",
        "subject": "Where is my parcel?",
        "text": "It has not arrived.\nOrder 4711-A, paid on 3/11 with voucher_code_77.",
    },
    "invoice": {"from_email": "billing@supplier.test", "subject": "Invoice 2026/11", "text": "50% off, total: 100€"},
    "greeting": {"from_name": "Jürgen Groß", "subject": "Schöne Grüße aus Köln", "text": "ÜBERMORGEN um Éric"},
    "japanese": {"subject": "小包はどこですか", "text": "まだ届いていません。"},
    "thai": {"subject": "พัสดุของฉันอยู่ที่ไหน"},
    "korean": {"subject": "소포가 어디에 있나요"},
    "russian": {"from_name": "Иван Петров", "subject": "Где моя посылка?"},
    "greek": {"subject": "Πού είναι το δέμα μου"},
    "hindi": {"subject": "मेरा पार्सल कहाँ है"},
    "arabic": {"subject": "أين طردي؟"},
    "party": {"subject": "🎉 Party", "text": "see https://tickets.test/a_b?x=1&y=2 <b>soon</b>"},
    "family": {"subject": "👩\u200d👩\u200d👧 picture"},
    "persian": {"text": "این را می\u200cخواهم"},
    "empty": {"from_email": ""},
}

# query -> the mails that it finds
FOUND: list[tuple[str, set[str]]] = [
    ("parcel", {"parcel"}),
    ("PARCEL", {"parcel"}),
    ("parc", {"parcel"}),
    ("parcel arrived", {"parcel"}),
    ("arrived parcel", {"parcel"}),
    ("parcel invoice", set()),
    ("parcel or invoice", {"parcel", "invoice"}),
    ("parcel OR invoice or party", {"parcel", "invoice", "party"}),
    ("sam parcel or billing invoice", {"parcel", "invoice"}),
    ('"my parcel"', {"parcel"}),
    ('"parcel my"', set()),
    ('"my parcel', {"parcel"}),
    ('where "is my" parc', {"parcel"}),
    ("parcel -arrived", set()),
    ("where -invoice", {"parcel"}),
    ('where -"my parcel"', set()),
    ("parcel -", {"parcel"}),
    ("sam", {"parcel"}),
    ("Sam O'Hara", {"parcel"}),
    ("o'hara", {"parcel"}),
    ("sam.ohara", {"parcel"}),
    ("ohara+shop@elsewhere", {"parcel"}),
    ("shop@elsewhere", {"parcel"}),
    ("elsewhere.example", {"parcel"}),
    ("@elsewhere.example", {"parcel"}),
    ("elsewhere.exa", {"parcel"}),
    ("<sam.ohara+shop@elsewhere.example>", {"parcel"}),
    ("Sam <sam.ohara+shop@elsewhere.example>", {"parcel"}),
    ("elsewhere.test", set()),
    ("billing@supplier.test", {"invoice"}),
    ("4711-A", {"parcel"}),
    ("4711", {"parcel"}),
    ("3/11", {"parcel"}),
    ("voucher_code_77", {"parcel"}),
    ("voucherXcode", set()),
    ("2026/11", {"invoice"}),
    ("50%", {"invoice"}),
    ("%", {"invoice"}),
    ("100€", {"invoice"}),
    ("€", {"invoice"}),
    ("_", {"parcel", "party"}),
    ("\\", set()),
    ("'", {"parcel"}),
    ("''; drop table x; --", set()),
    ("a:* & !b | (c)", set()),
    ("& | ! ( ) < > :", set()),
    ("Grüße", {"greeting"}),
    ("GRÜSSE", set()),
    ("schöne KÖLN", {"greeting"}),
    ("übermorgen", {"greeting"}),
    ("éric", {"greeting"}),
    ("jürgen groß", {"greeting"}),
    ("小包", {"japanese"}),
    ("どこ", {"japanese"}),
    ("届いて", {"japanese"}),
    ("包小", set()),
    ("พัสดุ", {"thai"}),
    ("ของฉัน", {"thai"}),
    ("소포", {"korean"}),
    ("어디", {"korean"}),
    ("посылка", {"russian"}),
    ("ИВАН петр", {"russian"}),
    ("δέμα", {"greek"}),
    ("पार्सल", {"hindi"}),
    ("طردي", {"arabic"}),
    ("🎉", {"party"}),
    ("🎉 party", {"party"}),
    ("tickets.test/a_b", {"party"}),
    ("https://tickets.test", {"party"}),
    ("👩\u200d👩\u200d👧", {"family"}),
    ("👩\u200d👧", {"family"}),
    ("👧\u200d👩", set()),
    ("می\u200cخواهم", {"persian"}),
    ("小包\u3000どこ", {"japanese"}),
    ("where\u00a0parcel", {"parcel"}),
    ("\u200emy\u00ad par\u2060cel\ufeff\u202c", {"parcel"}),
    ("the", set()),
    ("is", {"parcel"}),
    ("soon", {"party"}),
    ("<b>soon</b>", {"party"}),
    ("or invoice", set()),
    ("invoice or", set()),
    ("organization", set()),
    ("nothing of the kind", set()),
    ("pärcel", set()),
    ("x" * 10_000, set()),
    ("parcel" + " " * 10_000 + "invoice", {"parcel"}),
    ("parcel\x00arrived", {"parcel"}),
    ("parcel\r\n\tarrived", {"parcel"}),
    ("parcel\ud800", {"parcel"}),
]
EVERYTHING = ["", " ", "\x00", '"', '""', '" "', "\n", "\ud800"]


@pytest.fixture
def mails(acme: Organization) -> dict[int, str]:
    return {make(acme, number, **fields).pk: name for number, (name, fields) in enumerate(MAILS.items())}


@pytest.mark.django_db
def test_each_query_finds_its_mails(acme: Organization, mails: dict[int, str]) -> None:
    wrong = {}
    for query, expected in FOUND:
        found = {mails[pk] for pk in search(_all(), query, organization=acme).values_list("pk", flat=True)}
        if found != expected:
            wrong[query[:60]] = (found, expected)
    assert wrong == {}


@pytest.mark.django_db
@pytest.mark.parametrize("query", EVERYTHING, ids=range(len(EVERYTHING)))
def test_a_query_of_nothing_finds_everything(acme: Organization, mails: dict[int, str], query: str) -> None:
    assert search(_all(), query, organization=acme).count() == len(MAILS)


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["-parcel", "-nothing", '-"my parcel" -soon', "-%"])
def test_what_is_not_wanted_is_left_out(acme: Organization, mails: dict[int, str], query: str) -> None:
    left_out = {"-parcel": {"parcel"}, '-"my parcel" -soon': {"parcel", "party"}, "-%": {"invoice"}}
    found = {mails[pk] for pk in search(_all(), query, organization=acme).values_list("pk", flat=True)}
    assert found == set(MAILS) - left_out.get(query, set())


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["parcel", "", "-nothing", "%", "@", "@1", "o or parcel", "0"])
def test_anothers_mail_is_never_found(acme: Organization, globex: Organization, query: str) -> None:
    own = make(acme, text="parcel % o")
    spied = make(globex, text=f"parcel % o @{acme.pk} '@{acme.pk}' @ {acme.pk}")
    make(None, text="parcel % o @0 0")
    found = set(search(_all(), query, organization=acme).values_list("pk", flat=True))
    assert spied.pk not in found
    assert found <= {own.pk}


@pytest.mark.django_db
def test_staff_find_everybodys(acme: Organization, globex: Organization) -> None:
    wanted = {make(acme, subject="parcel").pk, make(globex, text="parcel").pk, make(None, from_name="Parcel Ltd").pk}
    make(acme, subject="invoice")
    assert set(search(_all(), "parc", organization=None).values_list("pk", flat=True)) == wanted


@pytest.mark.django_db
def test_a_search_narrows_what_it_is_given_and_keeps_its_order(acme: Organization) -> None:
    messages = [make(acme, number, subject="parcel") for number in range(3)]
    given = InboundMessage.objects.exclude(pk=messages[1].pk).order_by("-received_at")
    assert list(search(given, "parcel", organization=acme)) == [messages[0], messages[2]]


# What a word is, once more and as plainly as can be said: both databases must agree with it.

SPARSE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)


def kind(character: str) -> str:
    category = unicodedata.category(character)
    if "LATIN" in unicodedata.name(character, "") and category == "So" and "LETTER" in unicodedata.name(character):
        category = "Lo" if character.isupper() or character.islower() or character > "\U0001f12f" else category
    if category[0] == "L" or category in ("Nd", "Nl"):
        return "word"
    if category[0] in "SN" and not character.isascii():
        return "sign"
    return "mark" if category[0] == "M" else "gap"


def plain_tokens(text: str) -> list[tuple[str, str]]:
    """("word" | "sign", in small letters)"""
    tokens: list[tuple[str, str]] = []
    is_in_word = False
    for character in text:
        sort, small = kind(character), character.lower()[0]
        is_alone = bool(SPARSE.match(character))
        if is_alone and sort in ("word", "mark"):
            tokens.append(("word", small))
        elif is_in_word and sort in ("word", "mark"):
            tokens[-1] = ("word", tokens[-1][1] + small)
        elif sort in ("word", "sign"):
            tokens.append((sort, small if sort == "word" else character))
        is_in_word = not is_alone and (sort == "word" or (sort == "mark" and is_in_word))
    return tokens


def plainly_holds(text: str, wanted: str, *, is_beginning: bool = False) -> bool:
    had, sought = plain_tokens(text), plain_tokens(wanted)
    if not sought:
        return wanted in text

    def stands_at(place: int) -> bool:
        for number, (sort, word) in enumerate(sought):
            if number and sort == sought[number - 1][0] == "word":
                while had[place : place + 1] and had[place][0] == "sign":
                    place += 1
            if place >= len(had) or had[place][0] != sort:
                return False
            is_last = number == len(sought) - 1
            may_go_on = is_last and is_beginning and len(word) > 1
            spellings = (word[:-1] + "σ", word[:-1] + "ς") if word[-1] in "σς" else (word,)
            if had[place][1] not in spellings and not (may_go_on and had[place][1].startswith(spellings)):
                return False
            place += 1
        return True

    return any(map(stands_at, range(len(had))))


def some_of_every_category(each: int = 3) -> list[str]:
    """Characters that can be typed, from all over Unicode; the rare Chinese ones have a test of their own."""
    by_category: dict[str, list[str]] = {}
    for character in map(chr, (*range(0x21, 0x20000), *range(0xE0100, 0xE01F0))):
        if character.isprintable():
            by_category.setdefault(unicodedata.category(character), []).append(character)
    spread = [found[place * len(found) // each] for found in by_category.values() for place in range(each)]
    return sorted({*spread, *"²½①Ⅷ€°™Ⓐ🎉́〇", "\ufe0f", "\u20e3", "\u0e31"} - {'"'})


@pytest.mark.django_db
def test_every_kind_of_character_is_found_where_it_stands_and_nowhere_else(acme: Organization) -> None:
    characters = some_of_every_category()
    texts = ["plain", "plain x", "q z"]
    texts += [text for each in characters for text in (each, f"plain {each}.", f"q{each}z", f"x{each}")]
    texts_of = {make(acme, from_email="", text=text).pk: f"   {text}" for text in texts}
    wrong = {}
    for each in characters:
        for query, wanted in {
            f'"{each}"': [each],
            f'plain "{each}"': ["plain", each],
            f'"q{each}z"': [f"q{each}z"],
        }.items():
            expected = {pk for pk, text in texts_of.items() if all(plainly_holds(text, term) for term in wanted)}
            found = set(search(_all(), query, organization=acme).values_list("pk", flat=True))
            if found != expected:
                missing, too_many = expected - found, found - expected
                wrong[ascii(query)] = [[ascii(texts_of[pk]) for pk in pks][:5] for pks in (missing, too_many)]
        excluding = {pk for pk, text in texts_of.items() if not plainly_holds(text, each)}
        if set(search(_all(), f'-"{each}"', organization=acme).values_list("pk", flat=True)) != excluding:
            wrong[ascii(f"-{each}")] = [[], []]
    assert wrong == {}


PIECES = [*"x1²½€Ⓐⓐ🎉👧漢字พ-./'—’ſkKıİiµμßẞ   ", "plain", "PLAINLY", "12", "é", "ΣΊΣΥΦΟΣ", "σίσυφος", "σίσυφοσ"]
PIECES += ["e\u0301", "อยู่", "❤\ufe0f", "👩\u200d👧", " 𠀀𠀁 ", " 漢𠀁 ", "می\u200cخواهم", "1\ufe0f\u20e3"]


@pytest.mark.django_db
def test_what_is_put_together_anyhow_is_found_as_defined(acme: Organization) -> None:
    draw = random.Random(15)
    texts = ["".join(draw.choices(PIECES, k=draw.randint(1, 7))) for _ in range(200)]
    texts_of = {make(acme, from_email="", text=text).pk: f"   {text}" for text in texts}
    wrong = {}
    for _ in range(400):
        term = "".join(draw.choices(PIECES, k=draw.randint(1, 3)))
        # The one that is quoted is whole; the other may be a beginning.
        query = f'"{term}"' if (is_quoted := draw.random() < 0.5) else term.strip(string.punctuation + " ")
        wanted = query.strip('"').strip()
        if not wanted or (" " in wanted and not is_quoted):
            continue
        expected = {pk for pk, text in texts_of.items() if plainly_holds(text, wanted, is_beginning=not is_quoted)}
        found = set(search(_all(), query, organization=acme).values_list("pk", flat=True))
        if found != expected:
            missing, too_many = expected - found, found - expected
            wrong[ascii(query)] = [[ascii(texts_of[pk]) for pk in pks][:5] for pks in (missing, too_many)]
    assert wrong == {}


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["σίσυφος", "ΣΊΣΥΦΟΣ", '"σίσυφοσ"', "Σίσυφ", "-nothing σίσυφος"])
def test_the_final_sigma_is_a_sigma(acme: Organization, query: str) -> None:
    mails = {make(acme, subject=f"ο {word} εδώ") for word in ("ΣΊΣΥΦΟΣ", "Σίσυφος", "σίσυφοσ")}
    assert set(search(_all(), query, organization=acme)) == mails


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["\U00020001", '"\U00020001"', "-other \U00020001\U00020002", "字\U00020001"])
def test_a_rare_chinese_character_is_found_within_others(acme: Organization, query: str) -> None:
    wanted = make(acme, subject="字\U00020001\U00020002\U00020003。")
    make(acme, subject="other 字 \U00020003\U00020002")
    assert search(_all(), query, organization=acme).get() == wanted


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["findme", "²", "%"])
def test_the_end_of_a_very_long_text_is_not_searched_whatever_the_database(acme: Organization, query: str) -> None:
    wanted = make(acme, text="a " * 32_000 + "findme ² %")
    make(acme, text="a " * 33_000 + "findme ² %")
    assert search(_all(), query, organization=acme).get() == wanted


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["²" * 200 + "³", "² " * 200 + "x", "x" * 499, '"' + "x " * 50 + '²"'])
@pytest.mark.parametrize("text", ["²" * 65_000, "² x " * 16_000, "x" * 65_000, "x " * 32_000, "." * 65_000])
def test_no_text_makes_looking_slow(acme: Organization, text: str, query: str) -> None:
    make(acme, text=text)
    started = time.monotonic()
    list(search(_all(), query, organization=acme))
    assert time.monotonic() - started < 5


def hostile_texts() -> dict[str, str]:
    """Texts with as many words, and as long ones, as 65,536 characters can hold."""
    draw = random.Random(45)
    letters = string.ascii_lowercase + string.digits
    words = ["".join(draw.choices(letters, k=3)) for _ in range(30_000)]
    astral = "".join(chr(0x20000 + number) for number in range(42_000))
    return {
        "words": " ".join(words),
        "hyphens": "-".join(words),
        "paths": "/".join(words),
        "addresses": " ".join(f"{word}@{word}.{word}" for word in words),
        "characters of their own": " ".join(astral),
        "one word": "x" * 200_000,
        "a word of four-byte characters": astral,
        "unspaced": "".join(chr(0x4E00 + number % 20_000) for number in range(70_000)),
        "astral words": " ".join(astral[number : number + 2] for number in range(0, 42_000, 2)),
        "quotes and marks": string.punctuation * 3000,
        "accents": "e\u0301\u0302 " * 30_000,
        "tags": "<a href='x'>" * 6000,
        "numbers": " ".join(str(number) for number in range(20_000)),
        "dates": "1e5-1.5E+7.8/9:0 " * 5000,
    }


@pytest.mark.django_db
@pytest.mark.parametrize("text", hostile_texts().values(), ids=hostile_texts())
def test_no_text_is_too_much_for_the_index(acme: Organization, text: str) -> None:
    message = make(acme, text=text, subject="s" * 200_000, from_name="n " * 100_000, from_email="e" * 998)
    message.text = f"findme {text}"
    message.save(update_fields=["text"])
    assert search(_all(), "findme", organization=acme).get() == message


HOSTILE_QUERIES = {
    "stars": "*" * 10_000,
    "quotes": '"' * 10_000,
    "quoted nothing": '"" ' * 3000,
    "minus": "-" * 10_000,
    "minus words": "-a " * 3000,
    "ors": "or " * 3000,
    "ways": "a or " * 3000,
    "backslashes": "\\" * 10_000,
    "percent": "%" * 10_000,
    "patterns": "(a+)+$ [[:alpha:]] .* ^ü(ü+)+$",
    "astral": "\U00020000" * 10_000,
    "marks": "e" + "\u0301" * 10_000,
    "controls": "".join(map(chr, range(32))) * 100,
    "braces": "{0} {} %s %(x)s {|}",
}


@pytest.mark.django_db
@pytest.mark.parametrize("query", HOSTILE_QUERIES.values(), ids=HOSTILE_QUERIES)
def test_any_query_is_answered_soon(acme: Organization, mails: dict[int, str], query: str) -> None:
    started = time.monotonic()
    list(search(_all(), query, organization=acme)[:50])
    assert time.monotonic() - started < 5


def test_a_query_is_cut_to_what_is_looked_for() -> None:
    assert read_query("x" * (MAX_CHARACTERS + 9)) == [[Term("x" * MAX_CHARACTERS, is_beginning=True)]]
    assert sum(map(len, read_query("a " * 100))) == MAX_TERMS


def test_only_the_last_bare_word_may_be_a_beginning() -> None:
    assert read_query('one "two three" -four fiv') == [
        [Term("one"), Term("two three"), Term("four", is_excluded=True), Term("fiv", is_beginning=True)]
    ]
    assert read_query('one "two"') == [[Term("one"), Term("two")]]


@pytest.fixture
def crowd(acme: Organization, globex: Organization) -> None:
    """Many mails of others with the same words, and statistics, so that the planner has a choice."""
    if connection.vendor != "postgresql":
        return
    InboundMessage.objects.bulk_create(
        InboundMessage(
            organization=globex if number % 20 else acme,
            ses_message_id=f"crowd-{number}",
            received_at=NOW - timedelta(seconds=number),
            from_email=f"person{number}@elsewhere.example",
            subject="Where is my parcel?" if number % 7 else "Hello",
            text=f"Order {number}. " + "It has not arrived. " * 40,
        )
        for number in range(4000)
    )
    with connection.cursor() as cursor:
        # As the autovacuum does it.
        cursor.execute("SELECT gin_clean_pending_list('message_words')")
        cursor.execute("ANALYZE inbound_inboundmessage")


@ON_POSTGRESQL
@pytest.mark.django_db
def test_postgresql_answers_from_the_index_which_leaves_out_the_mail_of_others(acme: Organization, crowd: None) -> None:
    newest_first = InboundMessage.objects.order_by("-received_at", "-id")
    for query in (
        "order 1240",
        "person1240@elsewhere",
        '"order 1240" -invoice',
        "1240 or 2480",
        "1240 -²",
        '"order 1240" or "1240 ²"',
    ):
        rows = search(newest_first, query, organization=acme)[:51]
        plan = rows.explain()
        assert rows, query
        assert "Bitmap Index Scan on message_words" in plan, plan
        assert "Seq Scan" not in plan, plan

    # 3,428 mails hold both words; not more than acme's 171 of them come out of the index.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
    rows = search(InboundMessage.objects.all(), "arrived parcel", organization=acme)
    (plan,) = json.loads(rows.explain(format="json", analyze=True))
    (from_index,) = [each["Actual Rows"] for each in nodes(plan["Plan"]) if each.get("Index Name") == "message_words"]
    assert (from_index, rows.count()) == (171, 171)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", []):
        yield from nodes(each)


def _all() -> QuerySet[InboundMessage]:
    return InboundMessage.objects.all()
