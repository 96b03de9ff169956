"""Domain names: what is taken, what is refused and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.names import (
    SENTENCES,
    InvalidDomainName,
    ancestors,
    is_below,
    normalise_name,
    parse_domain_name,
    relative_name,
)

SPECIAL = frozenset({"test", "example"})

TAKEN = {
    "example.com": "example.com",
    " Example.COM. ": "example.com",
    "mail.example.co.uk": "mail.example.co.uk",
    "company.co.uk": "company.co.uk",
    "bücher.de": "xn--bcher-kva.de",
    "BÜCHER.DE": "xn--bcher-kva.de",
    "xn--bcher-kva.de": "xn--bcher-kva.de",
    "faß.de": "xn--fa-hia.de",
    "пример.рф": "xn--e1afmkfd.xn--p1ai",
    "例え。jp": "xn--r8jz45g.jp",
    "ｅｘａｍｐｌｅ．ｃｏｍ": "example.com",
    "github.io": "github.io",
    "someone.github.io": "someone.github.io",
    "acme.example": "acme.example",
    "acme.test": "acme.test",
    "1and1.com": "1and1.com",
    "3.example.com": "3.example.com",
    "a--b.com": "a--b.com",
    "city.kawasaki.jp": "city.kawasaki.jp",
    "www.ck": "www.ck",
    "x" * 63 + ".com": "x" * 63 + ".com",
    "a.b.c.d.e.f.example.com": "a.b.c.d.e.f.example.com",
    "example.com.": "example.com",
    "EXAMPLE.COM": "example.com",
    "\texample.com\n": "example.com",
    "example.org": "example.org",
    "example.net": "example.net",
    "test.com": "test.com",
    "local.com": "local.com",
    "amazonses.com.example.com": "amazonses.com.example.com",
    "myamazonaws.com": "myamazonaws.com",
    "notamazonses.com": "notamazonses.com",
    "our-host.com": "our-host.com",
    "a.co": "a.co",
    "x.com": "x.com",
    "1.com": "1.com",
    "123.example.com": "123.example.com",
    "9gag.com": "9gag.com",
    "a-b-c.com": "a-b-c.com",
    "r3---sn-x.example.com": "r3---sn-x.example.com",
    "company.com.au": "company.com.au",
    "mail.company.com.au": "mail.company.com.au",
    "x.parliament.uk": "x.parliament.uk",
    "parliament.uk": "parliament.uk",
    "x.b.kawasaki.jp": "x.b.kawasaki.jp",
    "blogspot.com": "blogspot.com",
    "s3.dualstack.us-east-1.example.com": "s3.dualstack.us-east-1.example.com",
    "herokuapp.com": "herokuapp.com",
    "foo.herokuapp.com": "foo.herokuapp.com",
    "nic.museum": "nic.museum",
    "company.photography": "company.photography",
    "company.中国": "company.xn--fiqs8s",
    "日本語.jp": "xn--wgv71a119e.jp",
    "日本語。ＪＰ": "xn--wgv71a119e.jp",
    "한국.kr": "xn--3e0b707e.kr",
    "straße.de": "xn--strae-oqa.de",
    "STRASSE.de": "strasse.de",
    "münchen.example.com": "xn--mnchen-3ya.example.com",
    "xn--mnchen-3ya.de": "xn--mnchen-3ya.de",
    "XN--MNCHEN-3YA.DE": "xn--mnchen-3ya.de",
    "mu\u0308nchen.de": "xn--mnchen-3ya.de",
    "аррӏе.com": "xn--80ak6aa92e.com",
    "παράδειγμα.δοκιμή.com": "xn--hxajbheg2az3al.xn--jxalpdlp.com",
    "①②③.com": "123.com",
    "ℌ.com": "h.com",
    "ﬁne.com": "fine.com",
    "sub.acme.test": "sub.acme.test",
    "x" * 63 + "." + "y" * 63 + ".com": "x" * 63 + "." + "y" * 63 + ".com",
    ".".join(["a"] * 104) + ".b": ".".join(["a"] * 104) + ".b",
}

REFUSED = {
    "": "empty",
    "   ": "empty",
    "https://example.com": "scheme",
    "http://example.com/": "scheme",
    "ftp://x": "scheme",
    "example.com/path": "path",
    "example.com?x=1": "path",
    "example.com#top": "path",
    "example.com\\x": "path",
    "example.com:443": "port",
    "example.com:": "port",
    "user@example.com": "at_sign",
    "@example.com": "at_sign",
    "*.example.com": "wildcard",
    "*": "wildcard",
    "192.0.2.1": "ip_address",
    "192.0.2.1.": "ip_address",
    "[192.0.2.1]": "ip_address",
    "::1": "ip_address",
    "[::1]": "ip_address",
    "2001:db8::1": "ip_address",
    "127。0。0。1": "ip_address",
    "1.2.3.0x7f": "ip_address",
    "com": "single_label",
    "localhost": "single_label",
    "example": "single_label",
    "a..b.com": "empty_label",
    ".example.com": "empty_label",
    "example.com..": "empty_label",
    ".": "empty_label",
    "x" * 64 + ".com": "label_too_long",
    "ü" * 64 + ".com": "label_too_long",
    ".".join(["a" * 60] * 4) + ".com": "name_too_long",
    ".".join(["abcdefghi"] * 25) + ".com": "name_too_long",
    "a" * 2000: "name_too_long",
    "exa mple.com": "bad_character",
    "example.com\n.evil.com": "bad_character",
    "exa\0mple.com": "bad_character",
    "ex\u200dample.com": "bad_character",
    "under_score.com": "bad_character",
    "under_score-.com": "bad_character",
    "exa!mple.com": "bad_character",
    "example.c'om": "bad_character",
    "-example.com": "hyphen",
    "example-.com": "hyphen",
    "example.123": "numeric_tld",
    "1.2.3": "numeric_tld",
    "co.uk": "public_suffix",
    "kawasaki.jp": "public_suffix",
    "com.au": "public_suffix",
    "printer.local": "special_use",
    "host.localhost": "special_use",
    "db.internal": "special_use",
    "abc.onion": "special_use",
    "1.168.192.in-addr.arpa": "special_use",
    "x.invalid": "special_use",
    "amazonaws.com": "reserved",
    "s3.amazonaws.com": "reserved",
    "amazonses.com": "reserved",
    "mail.amazonses.com": "reserved",
    "postern.our-host.com": "reserved",
    "xn--a.com": "idna",
    "xn--.com": "idna",
    "xn--ls8h.la": "idna",
    "\u3000": "empty",
    "//example.com": "path",
    "HTTPS://EXAMPLE.COM": "scheme",
    "mailto:user@example.com": "at_sign",
    "javascript:alert(1)": "bad_character",
    "example.com/": "path",
    "example.com:443/x": "path",
    "localhost:8000": "port",
    "user@": "at_sign",
    "user:pass@example.com": "at_sign",
    "foo.*.example.com": "wildcard",
    "*example.com": "wildcard",
    "0.0.0.0": "ip_address",
    "255.255.255.255": "ip_address",
    "::ffff:192.0.2.1": "ip_address",
    "fe80::1%eth0": "ip_address",
    "①②⑦.⓪.⓪.①": "ip_address",
    "１２７.0.0.1": "ip_address",
    "127.1": "numeric_tld",
    "2130706433": "single_label",
    "0x7f.1": "numeric_tld",
    "0x7f.0x1": "ip_address",
    "example.com..com": "empty_label",
    "..": "empty_label",
    "。": "empty_label",
    "a。。com": "empty_label",
    "net": "single_label",
    "net.": "single_label",
    "xn--p1ai": "single_label",
    "рф": "single_label",
    "co.jp": "public_suffix",
    "org.uk": "public_suffix",
    "com.br": "public_suffix",
    "CO.UK.": "public_suffix",
    "foo.ck": "public_suffix",
    "公司.cn.": "public_suffix",
    "mail.server.lan": "special_use",
    "router.home": "special_use",
    "x.home.arpa": "special_use",
    "mail.corp": "special_use",
    "wallet.alt": "special_use",
    "EXAMPLE.ONION": "special_use",
    "email-smtp.us-east-1.amazonaws.com": "reserved",
    "AMAZONAWS.COM.": "reserved",
    "x.amazonaws.com.cn": "reserved",
    "dkim.amazonses.com": "reserved",
    "Postern.Our-Host.com.": "reserved",
    "_dmarc.example.com": "bad_character",
    "example_.com": "bad_character",
    "exam%70le.com": "bad_character",
    "example.com;x": "bad_character",
    "example,com": "bad_character",
    "<example.com>": "bad_character",
    '"example.com"': "bad_character",
    "example.com\x7f": "bad_character",
    "example\u202e.com": "bad_character",
    "\ud800.com": "bad_character",
    "\ufeffexample.com": "bad_character",
    "--.com": "hyphen",
    "-.com": "hyphen",
    "a.-b.com": "hyphen",
    "a.b-.com": "hyphen",
    "xn--a-.com": "idna",
    "exam\u00adple.com": "bad_character",
    "xn--zzzzzzzzzzzzzz.com": "idna",
    "xn--example-.com": "idna",
    "☃.com": "idna",
    "💩.la": "idna",
    "ü" * 60 + ".com": "label_too_long",
    "a" * 209 + ".com": "label_too_long",
}


@pytest.mark.parametrize(("text", "expected"), TAKEN.items())
def test_it_takes(text: str, expected: str) -> None:
    assert parse_domain_name(text, allowed_special_tlds=SPECIAL).ascii == expected


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_it_refuses(text: str, reason: str) -> None:
    with pytest.raises(InvalidDomainName) as refusal:
        parse_domain_name(text, allowed_special_tlds=SPECIAL, own_hosts=frozenset({"postern.our-host.com"}))
    assert refusal.value.reason == reason


@pytest.mark.parametrize("text", [None, 1, 1.5, True, [], ["example.com"], {}, b"example.com", object()])
def test_what_is_not_text_is_refused(text: object) -> None:
    with pytest.raises(InvalidDomainName, match="text"):
        parse_domain_name(text)


@pytest.mark.parametrize(("length", "is_taken"), [(209, True), (210, False)])
def test_a_name_leaves_room_for_its_dkim_names(length: int, is_taken: bool) -> None:
    name = ("abcdefghi." * 21)[: length - 4].strip(".").ljust(length - 4, "x") + ".com"
    assert len(name) == length
    if is_taken:
        assert parse_domain_name(name).ascii == name
    else:
        with pytest.raises(InvalidDomainName) as refusal:
            parse_domain_name(name)
        assert refusal.value.reason == "name_too_long"


def test_every_reason_has_its_row() -> None:
    assert {*REFUSED.values(), "not_text"} == set(SENTENCES)
    assert len(TAKEN) + len(REFUSED) >= 150


@pytest.mark.parametrize("name", ["acme.test", "acme.example"])
def test_special_use_names_need_the_setting(name: str) -> None:
    with pytest.raises(InvalidDomainName):
        parse_domain_name(name)


def test_example_com_is_an_ordinary_name() -> None:
    assert parse_domain_name("example.com").ascii == "example.com"


ANY_CHARACTER = st.characters(exclude_categories=())


@given(st.one_of(st.text(ANY_CHARACTER, max_size=80), st.from_regex(r"[a-zA-Z0-9.\-äß。]{1,60}", fullmatch=True)))
def test_it_says_no_in_one_way_and_yes_to_what_it_made(text: str) -> None:
    try:
        once = parse_domain_name(text).ascii
    except InvalidDomainName as refusal:
        message = refusal.message
        once = ""
    if not once:
        assert message
        return
    assert parse_domain_name(once).ascii == once
    assert normalise_name(once) == once
    assert parse_domain_name(parse_domain_name(text).unicode).ascii == once


@given(st.text(ANY_CHARACTER, max_size=80))
def test_owner_names_are_normalised_once(text: str) -> None:
    assert normalise_name(normalise_name(text)) == normalise_name(text)


def test_the_registrable_name_is_below_the_icann_suffix() -> None:
    assert parse_domain_name("a.b.company.co.uk").registrable == "company.co.uk"
    assert parse_domain_name("someone.github.io").registrable == "github.io"
    assert parse_domain_name("github.io").is_private_suffix


@pytest.mark.parametrize(
    ("name", "zone", "relative"),
    [
        ("example.com", "example.com", "@"),
        ("_dmarc.example.com", "example.com", "_dmarc"),
        ("_dmarc.mail.example.com", "example.com", "_dmarc.mail"),
        ("notexample.com", "example.com", "notexample.com"),
    ],
)
def test_owner_names_are_shown_relative_to_the_zone(name: str, zone: str, relative: str) -> None:
    assert relative_name(name, zone) == relative


def test_below_means_below_a_dot() -> None:
    assert is_below("mail.example.com", "example.com")
    assert not is_below("notexample.com", "example.com")
    assert ancestors("a.b.example.com") == ("b.example.com", "example.com", "com")
