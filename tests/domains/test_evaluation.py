"""Verdicts: valid variants are ok, mistakes are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.dns.answers import Lookup, Observation, Outcome, ServerAnswer
from domains.dns.codes import PRECEDENCE
from domains.dns.evaluation import Expected, IssuedTokens, Judgement, extra_questions, judge

DOMAIN = "acme.example"
MX = Expected("inbound", "MX", DOMAIN, "inbound-smtp.us-east-1.amazonaws.com", 10)
OWNER = Expected("ownership", "TXT", f"_amazonses.{DOMAIN}", "Abc+Def/123=")
SPF = Expected("spf", "TXT", DOMAIN, "v=spf1 include:amazonses.com ~all")
DMARC = Expected("dmarc", "TXT", f"_dmarc.{DOMAIN}", "v=DMARC1; p=none;")
DKIM = Expected("dkim", "CNAME", f"tok._domainkey.{DOMAIN}", "tok.dkim.amazonses.com")
CLAIM = Expected("claim", "TXT", f"_postern.{DOMAIN}", "postern-verify=abcdef0123456789")
BOUNCE = Expected("mail_from_mx", "MX", f"bounce.{DOMAIN}", "feedback-smtp.us-east-1.amazonses.com", 10)
SUB = f"mail.{DOMAIN}"


def look(
    expected: Expected, *servers: tuple[str, ...] | None, elsewhere: dict[tuple[str, str], str] | None = None
) -> Judgement:
    """Judge `expected` with one tuple of values a server; None is a server that can not be reached."""
    answers = tuple(
        ServerAnswer(f"ns{number}", Outcome.UNKNOWN, reason="timeout")
        if values is None
        else ServerAnswer(f"ns{number}", Outcome.FOUND if values else Outcome.NXDOMAIN, values)
        for number, values in enumerate(servers)
    )
    lookups = {(expected.name, expected.type): Lookup(expected.name, expected.type, DOMAIN, answers)}
    for (name, type_), value in (elsewhere or {}).items():
        found = (ServerAnswer("ns0", Outcome.FOUND, (value,)),)
        lookups[(name, type_)] = Lookup(name, type_, DOMAIN, found)
    return judge(
        expected, Observation(lookups), domain=DOMAIN, region="us-east-1", issued=IssuedTokens(ownership=("Old=",))
    )


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        (MX, ("10 inbound-smtp.us-east-1.amazonaws.com",)),
        (MX, ("5 INBOUND-SMTP.us-east-1.amazonaws.com.",)),
        (MX, ("10 inbound-smtp.us-east-1.amazonaws.com", "20 backup.elsewhere.example")),
        (OWNER, ("Abc+Def/123=",)),
        (OWNER, ("another=", "Abc+Def/123=")),
        (SPF, ("v=spf1 include:amazonses.com ~all",)),
        (SPF, ("v=spf1 a mx include:amazonses.com -all", "some other text")),
        (SPF, ("V=SPF1 include:AmazonSES.com ?all",)),
        (DMARC, ("v=DMARC1;p=reject; rua=mailto:x@acme.example",)),
        (DMARC, ("v=DMARC1; sp=none; p=quarantine",)),
        (DKIM, ("TOK.dkim.amazonses.com.",)),
        (CLAIM, ("postern-verify=abcdef0123456789", "postern-verify=another")),
        (BOUNCE, ("20 feedback-smtp.us-east-1.amazonses.com",)),
        (DMARC, ("v=DMARC1; p=none; rubbish",)),
    ],
)
def test_valid_variants_are_ok(expected: Expected, values: tuple[str, ...]) -> None:
    assert look(expected, values).verdict == "ok"


@pytest.mark.parametrize(
    ("expected", "values", "code"),
    [
        (MX, (), "not_published"),
        (MX, ("1 aspmx.l.google.com", "10 inbound-smtp.us-east-1.amazonaws.com"), "mx_not_preferred"),
        (MX, ("10 mx.elsewhere.example", "10 inbound-smtp.us-east-1.amazonaws.com"), "mx_equal_preference"),
        (MX, ("1 aspmx.l.google.com",), "mx_other_provider"),
        (MX, ("10 inbound-smtp.eu-west-1.amazonaws.com",), "other_region"),
        (MX, ("10 feedback-smtp.us-east-1.amazonses.com",), "mx_wrong_ses_host"),
        (MX, ("10 inbound-smtp.us-east-1.amazonaws.com.acme.example",), "target_doubled"),
        (MX, ("0",), "null_mx"),
        (OWNER, (), "not_published"),
        (OWNER, ("abc+def/123=",), "value_lowercased"),
        (OWNER, ('"Abc+Def/123="',), "quoted_value"),
        (OWNER, ("Abc+Def/",), "value_truncated"),
        (OWNER, ("Old=",), "stale_token"),
        (OWNER, ("Somebody+else=",), "other_ses_account"),
        (SPF, ("v=spf1 a ~all", "v=spf1 include:amazonses.com ~all"), "spf_duplicate"),
        (SPF, ("v=spf1 include:spf.amazonses.com.evil.example ~all",), "spf_missing_include"),
        (SPF, ("v=spf1 -include:amazonses.com ~all",), "spf_missing_include"),
        (SPF, ("v=spf1 -all include:amazonses.com",), "spf_missing_include"),
        (SPF, ("v=spf1 ip4:1.2.3.444 include:amazonses.com ~all",), "spf_syntax"),
        (DMARC, ("v=DMARC1; p=none", "v=DMARC1; p=reject"), "dmarc_duplicate"),
        (DMARC, ("v=DMARC1; p=rejectt",), "dmarc_syntax"),
        (DMARC, ("v=dmarc1; p=none",), "dmarc_syntax"),
        (DKIM, ("tok.dkim.amazonses.com.acme.example",), "target_doubled"),
        (DKIM, ("tok.dkim.amazonses",), "value_truncated"),
        (DKIM, (), "not_published"),
        (CLAIM, (), "claim_token_missing"),
        (CLAIM, ("postern-verify=abcdef01",), "value_truncated"),
        (CLAIM, ("POSTERN-VERIFY=ABCDEF0123456789",), "value_lowercased"),
        (BOUNCE, ("10 feedback-smtp.eu-west-1.amazonses.com",), "other_region"),
        (BOUNCE, ("10 inbound-smtp.us-east-1.amazonaws.com",), "mx_wrong_ses_host"),
        (BOUNCE, ("10 feedback-smtp.us-east-1.amazonses.com", "10 mx.acme.example"), "mx_other_provider"),
        (SPF, ('"v=spf1 include:amazonses.com ~all"',), "quoted_value"),
        (SPF, ("google-site-verification=x",), "not_published"),
        (DMARC, (), "not_published"),
    ],
)
def test_mistakes_are_named(expected: Expected, values: tuple[str, ...], code: str) -> None:
    judgement = look(expected, values)
    assert judgement.code == code
    assert judgement.verdict != "ok"
    assert judgement.message
    assert judgement.fix


def test_no_answer_is_unknown_and_never_missing() -> None:
    assert look(MX, None, None).verdict == "unknown"


def test_a_server_that_lags_behind_is_not_ok() -> None:
    assert look(OWNER, (OWNER.value,), ()).code == "servers_disagree"


def test_one_server_down_does_not_matter() -> None:
    assert look(OWNER, (OWNER.value,), None).verdict == "ok"


def test_a_doubled_name_is_told() -> None:
    judgement = look(OWNER, (), elsewhere={(f"{OWNER.name}.{DOMAIN}", "TXT"): OWNER.value})
    assert judgement.code == "name_doubled"
    assert judgement.fix == (
        "Edit the TXT record at _amazonses.acme.example.acme.example, or remove it and add it anew: "
        "in the name field type only: _amazonses"
    )


@pytest.mark.parametrize(
    ("expected", "values", "observed"),
    [
        (SPF, ("v=spf1 mx -all", "Abc+Def/123=", "site=x"), ("v=spf1 mx -all",)),
        (SPF, ("site=x", "v=spf1include:amazonses.com ~all"), ("v=spf1include:amazonses.com ~all",)),
        (SPF, ("Abc+Def/123=",), ()),
        (DMARC, ("site=x", "v=DMARC1 p=none"), ("v=DMARC1 p=none",)),
        (DMARC, ("site=x",), ("site=x",)),
        (OWNER, ("site=x",), ("site=x",)),
    ],
)
def test_what_stands_there_for_another_end_is_not_shown(
    expected: Expected, values: tuple[str, ...], observed: tuple[str, ...]
) -> None:
    assert look(expected, values).observed == observed


@pytest.mark.parametrize(
    ("expected", "name", "code"),
    [
        (OWNER, DOMAIN, "at_apex"),
        (OWNER, f"amazonses.{DOMAIN}", "label_missing"),
        (DKIM, f"tok.{DOMAIN}", "label_missing"),
        (DKIM, f"tok._domainkey.{DOMAIN}.{DOMAIN}", "name_doubled"),
        (DMARC, DOMAIN, "dmarc_at_apex"),
        (MX, f"{DOMAIN}.{DOMAIN}", "name_doubled"),
    ],
)
def test_a_record_at_another_name_is_told(expected: Expected, name: str, code: str) -> None:
    value = expected.value if expected.priority is None else f"{expected.priority} {expected.value}"
    judgement = look(expected, (), elsewhere={(name, expected.type): value})
    assert (judgement.code, judgement.verdict) == (code, "missing")
    assert name in judgement.message


@pytest.mark.parametrize(("zone", "code"), [(SUB, "in_parent_zone"), (DOMAIN, "label_missing")])
def test_a_subdomains_record_put_beside_it_is_told_by_its_zone(zone: str, code: str) -> None:
    expected = Expected("ownership", "TXT", f"_amazonses.{SUB}", "Abc=")
    nothing = (ServerAnswer("ns0", Outcome.NXDOMAIN),)
    there = (ServerAnswer("ns0", Outcome.FOUND, ("Abc=",)),)
    lookups = {
        (expected.name, "TXT"): Lookup(expected.name, "TXT", zone, nothing),
        (f"_amazonses.{DOMAIN}", "TXT"): Lookup(f"_amazonses.{DOMAIN}", "TXT", DOMAIN, there),
    }
    judgement = judge(expected, Observation(lookups), domain=SUB, region="us-east-1", issued=IssuedTokens())
    assert judgement.code == code
    assert (f"_amazonses.{DOMAIN}", "TXT") in extra_questions(
        expected, Observation(dict(list(lookups.items())[:1])), domain=SUB
    )


def test_an_mx_of_the_domain_above_is_not_taken_for_this_ones() -> None:
    expected = Expected("inbound", "MX", SUB, MX.value, 10)
    assert look(expected, (), elsewhere={(DOMAIN, "MX"): f"10 {MX.value}"}).code == "not_published"


def test_a_value_of_the_wrong_type_is_told() -> None:
    assert look(DKIM, (), elsewhere={(DKIM.name, "TXT"): DKIM.value}).code == "wrong_type"


@pytest.mark.parametrize(
    "text",
    ["v=spf1 include:_spf.acme.example ~all", "v=spf1 a redirect=_spf.acme.example", "v=spf1 include:x.example -all"],
)
def test_spf_through_another_record_is_ok(text: str) -> None:
    elsewhere = {
        ("_spf.acme.example", "TXT"): "v=spf1 include:amazonses.com ?all",
        ("x.example", "TXT"): "v=spf1 redirect=_spf.acme.example",
    }
    assert look(SPF, (text,), elsewhere=elsewhere).verdict == "ok"


def test_an_include_that_can_not_be_looked_up_leaves_it_unknown() -> None:
    unseen = Lookup("x.example", "TXT", "", (ServerAnswer("resolver", Outcome.UNKNOWN, reason="timeout"),))
    own = Lookup(DOMAIN, "TXT", DOMAIN, (ServerAnswer("ns0", Outcome.FOUND, ("v=spf1 include:x.example ~all",)),))
    seen = Observation({("x.example", "TXT"): unseen, (DOMAIN, "TXT"): own})
    judgement = judge(SPF, seen, domain=DOMAIN, region="us-east-1", issued=IssuedTokens())
    assert (judgement.verdict, judgement.code) == ("unknown", "server_unreachable")


@pytest.mark.parametrize(
    ("above", "verdict"),
    [("v=DMARC1; p=reject", "ok"), ("v=DMARC1; p=wrong", "missing"), ("something", "missing")],
)
def test_a_subdomain_inherits_a_valid_policy(above: str, verdict: str) -> None:
    expected = Expected("dmarc", "TXT", f"_dmarc.{SUB}", DMARC.value)
    judgement = look(expected, (), elsewhere={(f"_dmarc.{DOMAIN}", "TXT"): above})
    assert judgement.verdict == verdict
    assert judgement.observed == ((f"_dmarc.{DOMAIN}: {above}",) if verdict == "ok" else ())


def test_a_broken_policy_of_its_own_is_not_covered_by_the_inherited_one() -> None:
    expected = Expected("dmarc", "TXT", f"_dmarc.{SUB}", DMARC.value)
    elsewhere = {(f"_dmarc.{DOMAIN}", "TXT"): "v=DMARC1; p=reject"}
    assert look(expected, ("v=dmarc1; p=none",), elsewhere=elsewhere).code == "dmarc_syntax"


def seen_by(*, authority: tuple[str, ...], public: tuple[str, ...], zone: str = DOMAIN) -> Judgement:
    def answer(server: str, values: tuple[str, ...]) -> ServerAnswer:
        return ServerAnswer(server, Outcome.FOUND if values else Outcome.NXDOMAIN, values, ttl=600)

    lookup = Lookup(OWNER.name, "TXT", zone, (answer("ns0", authority),), answer("resolver", public))
    seen = Observation({(OWNER.name, "TXT"): lookup})
    return judge(OWNER, seen, domain=DOMAIN, region="us-east-1", issued=IssuedTokens())


def test_what_public_caches_do_not_have_yet_is_right_and_told_with_its_time() -> None:
    judgement = seen_by(authority=(OWNER.value,), public=())
    assert (judgement.verdict, judgement.code, judgement.public_verdict) == ("ok", "not_propagated", "missing")
    assert "10 minutes" in judgement.message


def test_what_only_public_caches_still_have_is_not_there() -> None:
    assert seen_by(authority=(), public=(OWNER.value,)).verdict == "missing"


def test_a_name_that_the_registry_does_not_know_is_not_delegated() -> None:
    assert seen_by(authority=(), public=(), zone="example").code == "not_delegated"


def test_a_cname_in_the_way_comes_before_all_else() -> None:
    answer = ServerAnswer("ns0", Outcome.NODATA, cname="x.example")
    seen = Observation({(DOMAIN, "MX"): Lookup(DOMAIN, "MX", DOMAIN, (answer,))})
    judgement = judge(MX, seen, domain=DOMAIN, region="us-east-1", issued=IssuedTokens())
    assert (judgement.code, judgement.verdict, judgement.observed) == (
        "cname_in_the_way",
        "conflict",
        ("CNAME x.example",),
    )


def test_a_record_that_is_right_asks_nothing_more() -> None:
    answer = ServerAnswer("ns0", Outcome.FOUND, (OWNER.value,))
    seen = Observation({(OWNER.name, "TXT"): Lookup(OWNER.name, "TXT", DOMAIN, (answer,))})
    assert extra_questions(OWNER, seen, domain=DOMAIN) == []


@pytest.mark.parametrize(
    ("standing", "today", "code"),
    [
        (("old",), (), "stale_token"),
        (("east",), (), "other_region"),
        (("old", "east"), (), "other_region"),
        ((), (), "not_published"),
        (("old",), ("tok.dkim.amazonses.com",), ""),
        (("old",), ("k1.mailer.example",), "not_published"),
    ],
)
def test_the_keys_of_an_earlier_set_up_stand_at_names_of_their_own(
    standing: tuple[str, ...], today: tuple[str, ...], code: str
) -> None:
    issued = IssuedTokens(dkim=("tok", "old"), other_regions=("EAST",), former_dkim=("old", "EAST"))
    lookups = {
        (f"{token}._domainkey.{DOMAIN}", "CNAME"): Lookup(
            f"{token}._domainkey.{DOMAIN}",
            "CNAME",
            DOMAIN,
            (ServerAnswer("ns0", Outcome.FOUND, (f"{token}.dkim.amazonses.com",)),),
        )
        for token in standing
    }
    answer = ServerAnswer("ns0", Outcome.FOUND if today else Outcome.NXDOMAIN, today)
    lookups[DKIM.name, "CNAME"] = Lookup(DKIM.name, "CNAME", DOMAIN, (answer,))
    judgement = judge(DKIM, Observation(lookups), domain=DOMAIN, region="us-east-1", issued=issued)
    assert judgement.code == code


def test_what_is_kept_of_a_huge_answer_is_bounded() -> None:
    judgement = look(OWNER, ("x" * 60_000, *(f"{number}" for number in range(900))))
    assert sum(map(len, judgement.observed)) <= 8192
    assert len(judgement.observed) <= 50


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        (SPF, [f"v=spf1 a:h{number}.{'x' * 60}.example -all" for number in range(600)]),
        (DMARC, [f"v=DMARC1; p=none; rua=mailto:m{number}@{'x' * 60}.example" for number in range(600)]),
        (MX, [f"10 h{number}.{'x' * 60}.example" for number in range(600)]),
        (OWNER, [f"{number:04}{'x' * 56}==" for number in range(600)]),
    ],
)
def test_what_is_told_of_many_values_is_bounded(expected: Expected, values: list[str]) -> None:
    judgement = look(expected, tuple(values))
    assert len(judgement.message) + len(judgement.fix) <= 6000


@given(st.lists(st.text(max_size=60), max_size=6))
def test_no_answer_is_too_strange_to_be_judged(values: list[str]) -> None:
    for expected in (MX, OWNER, SPF, DMARC, DKIM, CLAIM, BOUNCE):
        assert look(expected, tuple(values)).verdict in ("ok", "missing", "wrong", "conflict")


FRAGMENTS = (
    *("v=spf1", "v=spf1include:amazonses.com", "spf1", "include:", "include:amazonses.com", "a:%{i", "mx//129", "a/٣"),
    *("exists:%{d}.x", "redirect=", "~all", "v=DMARC1;", "p=none;", "p=", "rua=mailto:", "rua=@", ";", "=", "pct=²"),
    *(
        "Abc+Def/123=",
        "postern-verify=",
        "10",
        "0",
        ".",
        "tok.dkim.amazonses.com",
        "amazonses.com",
        '"',
        "\\",
        "\u200b",
    ),
    *("inbound-smtp.us-east-1.amazonaws.com", "feedback-smtp.eu-west-1.amazonses.com", ".acme.example", "http://"),
)
PIECES = st.lists(st.sampled_from(FRAGMENTS), max_size=6)


@given(st.lists(PIECES.map("".join) | PIECES.map(" ".join), max_size=4))
def test_pieces_of_records_in_any_order_are_judged_and_ranked(values: list[str]) -> None:
    for expected in (MX, OWNER, SPF, DMARC, DKIM, CLAIM, BOUNCE):
        judgement = look(expected, tuple(values))
        codes = [code for code in (judgement.code, *judgement.other_codes) if code]
        assert judgement.verdict in ("ok", "missing", "wrong", "conflict")
        assert codes == sorted(codes, key=PRECEDENCE.__getitem__)
        assert judgement.code or judgement.verdict == "ok"
