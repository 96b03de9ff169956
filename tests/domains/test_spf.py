"""SPF records: taken apart as RFC 7208 says, asked what they authorise, and merged without harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.dns.answers import Lookup, Observation, Outcome, ServerAnswer
from domains.dns.judgement import Expected
from domains.dns.matching import spf_cost
from domains.dns.spf import SeveralSpfRecords, authorises, is_spf, merge_include, parse_spf, propose
from domains.dns.spf_cost import cost_of

SES = "amazonses.com"
TERMS = (
    "a",
    "mx",
    "-a:bad.example",
    "ip4:192.0.2.0/24",
    "ip6:2001:db8::/32",
    "include:_spf.example",
    "exists:%{i}.x.example",
)
ENDS = ("~all", "-all", "?all", "+all", "all", "redirect=_spf.example", "exp=why.example")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=spf1", True),
        ("v=spf1 -all", True),
        ("V=SPF1 a", True),
        ("v=spf10 a", False),
        (" v=spf1 a", False),
        ("v=spf2 a", False),
        ("spf1", False),
    ],
)
def test_the_version_tells_an_spf_record(text: str, expected: bool) -> None:
    assert is_spf(text) is expected


def test_terms_have_names_values_qualifiers_and_places() -> None:
    record = parse_spf("v=spf1 a/24//64 -include:X.example ~all exp=why.example")
    assert not record.errors
    assert [(term.position, term.qualifier, term.name, term.value) for term in record.terms] == [
        (7, "+", "a", "/24//64"),
        (16, "-", "include", "X.example"),
        (35, "~", "all", ""),
        (40, "+", "exp", "why.example"),
    ]


@pytest.mark.parametrize(
    "term",
    [
        "include:",
        "include",
        "include: x.example",
        "ip4:1.2.3.444",
        "ip4:2001:db8::1",
        "ip6:192.0.2.1",
        "ip4:192.0.2.0/33",
        "a/33",
        "mx//129",
        "all:x",
        "foo",
        "foo:bar",
        "++a",
        "redirect=",
        "redirect=a.example redirect=b.example",
        "a;",
        "inclüde:x",
        "include:ü.example",
    ],
)
def test_a_mistake_is_an_error(term: str) -> None:
    assert parse_spf(f"v=spf1 {term} ~all").errors


@pytest.mark.parametrize(
    "term",
    [
        "a",
        "a:x.example/24",
        "mx//64",
        "ptr",
        "exists:%{ir}.x.example",
        "unknown=modifier",
        "ip6:::1",
        "?mx",
        "A",
        "INCLUDE:x.example",
    ],
)
def test_what_the_rfc_allows_is_no_error(term: str) -> None:
    assert not parse_spf(f"v=spf1 {term} -all").errors


@given(st.text(max_size=200))
def test_parsing_never_fails(text: str) -> None:
    record = parse_spf("v=spf1 " + text)
    assert all(record.text.startswith(term.text, term.position) for term in record.terms)


WORLD = {
    "_spf.acme.example": ["other", "v=spf1 include:amazonses.com -all"],
    "deep.example": ["v=spf1 include:_spf.acme.example ?all"],
    "loop.example": ["v=spf1 include:loop.example include:pool.example"],
    "pool.example": ["v=spf1 include:loop.example"],
    "two.example": ["v=spf1 include:amazonses.com", "v=spf1 a"],
    "broken.example": ["v=spf1 foo include:amazonses.com"],
    "none.example": [],
    "amazonses.com.evil.example": ["v=spf1 +all"],
}


@pytest.mark.parametrize(
    ("text", "is_given"),
    [
        ("v=spf1 include:amazonses.com ~all", True),
        ("v=spf1 INCLUDE:AmazonSES.com. -all", True),
        ("v=spf1 include:_spf.acme.example ~all", True),
        ("v=spf1 include:deep.example ~all", True),
        ("v=spf1 redirect=_spf.acme.example", True),
        ("v=spf1 redirect=_spf.acme.example ~all", False),
        ("v=spf1 -all include:amazonses.com", False),
        ("v=spf1 ?include:amazonses.com ~all", False),
        ("v=spf1 -include:amazonses.com include:amazonses.com ~all", False),
        ("v=spf1 -include:_spf.acme.example ~all", False),
        ("v=spf1 include:loop.example ~all", False),
        ("v=spf1 include:two.example ~all", False),
        ("v=spf1 include:broken.example ~all", False),
        ("v=spf1 include:none.example ~all", False),
        ("v=spf1 include:%{d}.example ~all", False),
        ("v=spf1 foo include:amazonses.com ~all", False),
        ("v=spf1 include:amazonses.com.evil.example ~all", False),
        ("v=spf1 +all", False),
    ],
)
def test_who_is_authorised(text: str, is_given: bool) -> None:
    authority = authorises(text, SES, WORLD.get)
    assert (authority.is_given, authority.unseen) == (is_given, ())


def test_what_could_not_be_looked_at_is_named() -> None:
    authority = authorises("v=spf1 include:far.example redirect=further.example", SES, WORLD.get)
    assert authority.unseen == ("far.example", "further.example")


def test_no_more_than_ten_records_are_looked_into() -> None:
    asked: list[str] = []

    def endless(name: str) -> list[str]:
        asked.append(name)
        return [f"v=spf1 include:x.{name}"]

    assert not authorises("v=spf1 include:a.example ~all", SES, endless).is_given
    assert len(asked) == 10


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        (None, "v=spf1 include:amazonses.com ~all"),
        ("v=spf1 -all", "v=spf1 include:amazonses.com -all"),
        ("v=spf1 a mx ?all", "v=spf1 a mx include:amazonses.com ?all"),
        ("v=spf1", "v=spf1 include:amazonses.com"),
        ("v=spf1 redirect=x.example", "v=spf1 include:amazonses.com redirect=x.example"),
        ("v=spf1 a include:amazonses.com mx ~all", "v=spf1 a include:amazonses.com mx ~all"),
        ("v=spf1 ?include:amazonses.com ~all", "v=spf1 include:amazonses.com ~all"),
        ("v=spf1 -all include:amazonses.com", "v=spf1 include:amazonses.com -all"),
        ("v=spf1 not-a-term ~all", "v=spf1 not-a-term include:amazonses.com ~all"),
    ],
)
def test_the_include_is_merged_once_before_the_all(text: str | None, merged: str) -> None:
    assert merge_include(text, SES) == merged


@given(st.lists(st.sampled_from([*TERMS, *ENDS, "include:amazonses.com", "~include:AMAZONSES.com"]), max_size=8))
def test_a_plan_of_a_plan_is_itself_and_nothing_else_is_moved(terms: list[str]) -> None:
    merged = merge_include(" ".join(["v=spf1", *terms]), SES)
    kept = [term for term in terms if SES not in term.lower()]
    assert merge_include(merged, SES) == merged
    assert [word for word in merged.split()[1:] if SES not in word.lower()] == kept
    assert parse_spf(merged).includes(SES)


def test_a_second_record_is_refused() -> None:
    with pytest.raises(SeveralSpfRecords):
        propose(["v=spf1 a -all", "v=spf1 mx -all"], SES)


def test_other_texts_do_not_matter_to_a_proposal() -> None:
    assert propose(["google-site-verification=x", "v=spf1 mx -all"], SES) == "v=spf1 mx include:amazonses.com -all"
    assert propose(["something"], SES) == "v=spf1 include:amazonses.com ~all"


def test_a_host_behind_a_cname_is_no_void_look_up() -> None:
    record = "v=spf1 a:www.cn.example a:ftp.cn.example a:shop.cn.example include:amazonses.com ~all"
    led = ServerAnswer("ns", Outcome.NODATA, cname="edge.cdn.example")
    names = [f"{host}.cn.example" for host in ("www", "ftp", "shop")]
    lookups = {(name, "A"): Lookup(name, "A", "cn.example", (led,)) for name in names}
    expected = Expected("spf", "TXT", "cn.example", "v=spf1 include:amazonses.com ~all")
    assert spf_cost(expected, record, Observation(lookups)).void_lookups == 0


def test_terms_without_number_are_counted_no_further_than_it_matters() -> None:
    asked: list[str] = []

    def known(name: str, type_: str) -> None:
        asked.append(name)

    cost = cost_of("v=spf1 " + "a " * 20_000 + "-all", known, at="acme.example")
    assert cost.is_too_much
    assert len(asked) < 10
