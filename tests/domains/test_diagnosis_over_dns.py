"""The whole way from packets to a verdict: what a check asks besides, and what it then says."""

from __future__ import annotations

import pytest

from domains.dns.answers import Observation
from domains.dns.evaluation import Expected, IssuedTokens, extra_questions, judge
from domains.dns.resolver import observe
from tests.domains.dns_zoo import Server, zoo

SOA = "@ 60 IN SOA a. b. 1 60 60 60 60\n"
HEAD = SOA + "@ 300 IN NS ns1.nic.example.\n@ 300 IN NS ns2.nic.example.\n"
NIC = SOA + "@ 60 IN NS ns1\nns1 60 IN A 127.0.0.11\nns2 60 IN A 127.0.0.12\n"
DOMAIN = "acme.example"
OWNER = Expected("ownership", "TXT", f"_amazonses.{DOMAIN}", "Abc+Def/123=")
SPF = Expected("spf", "TXT", DOMAIN, "v=spf1 include:amazonses.com ~all")
DMARC = Expected("dmarc", "TXT", f"_dmarc.{DOMAIN}", "v=DMARC1; p=none;")
MX = Expected("inbound", "MX", DOMAIN, "inbound-smtp.us-east-1.amazonaws.com", 10)
DKIM = [
    Expected("dkim", "CNAME", f"tok{number}._domainkey.{DOMAIN}", f"tok{number}.dkim.amazonses.com")
    for number in range(3)
]
CLAIM = Expected("claim", "TXT", f"_postern.{DOMAIN}", "postern-verify=abcdef0123456789")
ALL = [OWNER, SPF, DMARC, MX, *DKIM, CLAIM]


def check(records: str, *expected: Expected) -> tuple[dict[Expected, str], Observation]:
    """The verdict and code of each record in a zone with these records, with all the questions that it took."""
    questions = [(each.name, each.type) for each in expected]
    resolver = Server("127.0.0.10", {"nic.example.": NIC, f"{DOMAIN}.": HEAD + records, ".": SOA + FAR})
    with zoo(resolver, *(Server(f"127.0.0.{end}", {f"{DOMAIN}.": HEAD + records}) for end in (11, 12))) as park:
        seen = observe(
            questions,
            resolvers=[("127.0.0.10", park.port)],
            authoritative_port=park.port,
            more=lambda seen: [
                question for each in expected for question in extra_questions(each, seen, domain=DOMAIN)
            ],
        )
    judged = {each: judge(each, seen, domain=DOMAIN, region="us-east-1", issued=IssuedTokens()) for each in expected}
    return {each: f"{judgement.verdict} {judgement.code}".strip() for each, judgement in judged.items()}, seen


FAR = (
    'spf.mailer.test. 60 IN TXT "v=spf1 include:more.mailer.test -all"\n'
    'more.mailer.test. 60 IN TXT "v=spf1 include:amazonses.com -all"\n'
)
GOOD = (
    '_amazonses 60 IN TXT "Abc+Def/123="\n_postern 60 IN TXT postern-verify=abcdef0123456789\n'
    '@ 60 IN TXT "v=spf1 include:amazonses.com ~all"\n_dmarc 60 IN TXT "v=DMARC1; p=none;"\n'
    "@ 60 IN MX 10 inbound-smtp.us-east-1.amazonaws.com.\n"
    + "".join(f"tok{number}._domainkey 60 IN CNAME tok{number}.dkim.amazonses.com.\n" for number in range(3))
)


def test_a_domain_in_good_order_is_ok_within_forty_questions() -> None:
    verdicts, seen = check(GOOD, *ALL)
    assert set(verdicts.values()) == {"ok"}
    assert seen.questions_asked <= 40
    assert (seen.zone, seen.name_servers) == (DOMAIN, ("ns1.nic.example", "ns2.nic.example"))


def test_a_domain_where_nothing_is_published_is_diagnosed_within_120_questions() -> None:
    verdicts, seen = check("", *ALL)
    assert set(verdicts.values()) == {"missing not_published", "missing claim_token_missing"}
    assert seen.questions_asked < 120
    assert not [lookup for lookup in seen.lookups.values() if lookup.outcome == "unknown"]


@pytest.mark.parametrize(
    ("records", "expected", "verdict"),
    [
        (f'_amazonses.{DOMAIN} 60 IN TXT "Abc+Def/123="\n', OWNER, "missing name_doubled"),
        ('@ 60 IN TXT "Abc+Def/123="\n', OWNER, "missing at_apex"),
        ("tok0 60 IN CNAME tok0.dkim.amazonses.com.\n", DKIM[0], "missing label_missing"),
        ("tok0._domainkey 60 IN TXT tok0.dkim.amazonses.com\n", DKIM[0], "wrong wrong_type"),
        ("tok0._domainkey 60 IN CNAME tok0.dkim.amazonses.com\n", DKIM[0], "wrong target_doubled"),
        ('_dmarc 60 IN CNAME policy\npolicy 60 IN TXT "v=DMARC1; p=reject"\n', DMARC, "ok"),
        ("_dmarc 60 IN CNAME _dmarc\n", DMARC, "conflict cname_in_the_way"),
        ("@ 60 IN MX 0 .\n", MX, "conflict null_mx"),
        ('@ 60 IN TXT "v=spf1 include:spf.mailer.test ~all"\n', SPF, "ok"),
        ('@ 60 IN TXT "v=spf1 include:nobody.mailer.test ~all"\n', SPF, "wrong spf_missing_include"),
        ('@ 60 IN TXT "v=spf1 include:ama" "zonses.com ~all"\n', SPF, "ok"),
        ('@ 60 IN TXT "v=DMARC1; p=none"\n', DMARC, "missing dmarc_at_apex"),
    ],
)
def test_the_mistake_is_named(records: str, expected: Expected, verdict: str) -> None:
    assert check(records, expected)[0] == {expected: verdict}


def _fail(*_: object, **__: object) -> None:
    raise RecursionError("made to fail")


@pytest.mark.parametrize(
    ("function", "failing"),
    [
        ("domains.dns.matching.parse_spf", SPF),
        ("domains.dns.spf_cost.parse_spf", SPF),
        ("domains.dns.matching.parse_dmarc", DMARC),
        ("domains.dns.matching.mx_entries", MX),
    ],
)
@pytest.mark.parametrize("second", ["", '_amazonses 60 IN TXT "hello"\n@ 60 IN MX 5 other.test.\n'])
def test_a_fault_in_judging_one_record_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, function: str, failing: Expected, second: str
) -> None:
    whole, _ = check(GOOD + second, *ALL)
    monkeypatch.setattr(function, _fail)
    verdicts, _ = check(GOOD + second, *ALL)
    assert verdicts == {**whole, failing: "unknown server_unreachable"}
    assert "could not be judged" in caplog.text


def test_a_fault_in_looking_for_a_lost_record_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domains.dns.places._unmistakable", _fail)
    verdicts, _ = check(GOOD.replace("_postern", "other"), *ALL)
    assert {record for record, verdict in verdicts.items() if verdict != "ok"} == {CLAIM}
    assert verdicts[CLAIM] == "missing claim_token_missing"
