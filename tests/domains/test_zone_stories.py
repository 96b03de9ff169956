"""Each story of a zone gets exactly its code, over real DNS packets; what is valid is ok."""

from __future__ import annotations

import pytest

from domains.dns.evaluation import Expected, IssuedTokens, Judgement, extra_questions, judge
from domains.dns.resolver import observe
from tests.domains.dns_zoo import Server, zoo
from tests.domains.zone_stories import BROKEN, ELSEWHERE, GOOD, SOA, TOKEN, VALID, Story
from tests.domains.zone_stories_places import BROKEN_PLACES, VALID_PLACES
from tests.domains.zone_stories_policies import BROKEN_POLICIES, PASSED_OVER, VALID_POLICIES
from tests.domains.zone_stories_two_mistakes import TWO_MISTAKES

HEAD = SOA + "@ 300 IN NS ns1.nic.example.\n@ 300 IN NS ns2.nic.example.\n"
NIC = SOA + "@ 60 IN NS ns1\nns1 60 IN A 127.0.0.11\nns2 60 IN A 127.0.0.12\n"
EU_TOKEN = "Eu+token/9012345678901234567890123456789012a="
ISSUED = IssuedTokens(
    ownership=(TOKEN, "Old+token/9012345678901234567890123456789012="),
    dkim=("tok0", "old0"),
    claim=("abcdef0123456789", "0000111122223333"),
    other_regions=(EU_TOKEN, "eu0"),
    former_dkim=("old0", "old1", "eu0"),
)
# Right at the DNS host, with something to know: the record does its work.
ADVICE = {"not_propagated", "dmarc_rua_unauthorised", "ses_not_confirmed"}
ADVICE_STORIES = {
    *PASSED_OVER,
    "An include without an SPF record before ours",
    "An include with a broken SPF record before ours",
    "Another account's token beside ours",
}
ALL_BROKEN = (*BROKEN, *BROKEN_POLICIES, *BROKEN_PLACES, *TWO_MISTAKES)
ALL_VALID = (*VALID, *VALID_POLICIES, *VALID_PLACES)


def expected(record: str, domain: str) -> Expected:
    return {
        "mx": Expected("inbound", "MX", domain, "inbound-smtp.us-east-1.amazonaws.com", 10),
        "owner": Expected("ownership", "TXT", f"_amazonses.{domain}", TOKEN),
        "spf": Expected("spf", "TXT", domain, "v=spf1 include:amazonses.com ~all"),
        "dmarc": Expected("dmarc", "TXT", f"_dmarc.{domain}", "v=DMARC1; p=none;"),
        "dkim": Expected("dkim", "CNAME", f"tok0._domainkey.{domain}", "tok0.dkim.amazonses.com"),
        "claim": Expected("claim", "TXT", f"_postern.{domain}", "postern-verify=abcdef0123456789"),
        "return_mx": Expected("mail_from_mx", "MX", f"bounce.{domain}", "feedback-smtp.us-east-1.amazonses.com", 10),
        "return_spf": Expected("mail_from_spf", "TXT", f"bounce.{domain}", "v=spf1 include:amazonses.com ~all"),
    }[record]


def tell(story: Story) -> tuple[Judgement, int]:
    """The judgement on the story's record, and the questions that it took."""
    record = expected(story.record, story.domain)
    own = {"acme.example.": HEAD + story.zone, **story.beside}
    other = own if story.second is None else {**own, "acme.example.": HEAD + story.second}
    cached = own if story.public is None else {**own, "acme.example.": HEAD + story.public}
    zones = {
        "127.0.0.10": {".": SOA, "nic.example.": NIC, **ELSEWHERE, **story.world, **cached},
        "127.0.0.11": own,
        "127.0.0.12": other,
    }
    if story.registry is not None:
        zones = _with_registry(zones, story)
    servers = [Server(address, held, story.behaviour.get(address, "good")) for address, held in zones.items()]
    with zoo(*servers) as park:
        seen = observe(
            [(record.name, record.type)],
            resolvers=[("127.0.0.10", park.port)],
            authoritative_port=park.port,
            more=lambda seen: extra_questions(record, seen, domain=story.domain, issued=ISSUED),
        )
    judgement = judge(record, seen, domain=story.domain, region="us-east-1", issued=ISSUED)
    return judgement.awaiting_ses() if story.awaits_ses else judgement, seen.questions_asked


def _with_registry(zones: dict[str, dict[str, str]], story: Story) -> dict[str, dict[str, str]]:
    """The same world with a zone of .example at ns3, whose word alone counts, and ns4 beside."""
    head = SOA + "@ 60 IN NS ns3.nic.example.\n"
    resolver = {
        **zones["127.0.0.10"],
        "nic.example.": NIC + "ns3 60 IN A 127.0.0.13\nns4 60 IN A 127.0.0.14\n",
        "example.": head,
    }
    if not story.registry:
        del resolver["acme.example."]
    return {
        **zones,
        "127.0.0.10": resolver,
        "127.0.0.13": {"example.": head + str(story.registry)},
        "127.0.0.14": {"acme.example.": HEAD + story.counts},
    }


@pytest.mark.parametrize("story", ALL_BROKEN, ids=lambda story: story.story)
def test_a_broken_zone_gets_its_code(story: Story) -> None:
    judgement, asked = tell(story)
    assert judgement.code == story.code, judgement
    assert (judgement.verdict == "ok") == (story.code in ADVICE or story.story in ADVICE_STORIES)
    assert story.others is None or judgement.other_codes == story.others, judgement
    assert judgement.message
    assert judgement.fix
    assert asked <= 60


@pytest.mark.parametrize("story", ALL_VALID, ids=lambda story: story.story)
def test_a_valid_zone_is_ok(story: Story) -> None:
    judgement, _ = tell(story)
    assert (judgement.verdict, judgement.code) == ("ok", ""), judgement


@pytest.mark.parametrize(
    ("at_delegated", "at_listed", "code"),
    [("", GOOD, "wrong_nameservers"), (GOOD, "", ""), (GOOD, GOOD, ""), ("", "", "not_published")],
    ids=["edited at a host that is left", "the old host is empty", "both", "neither"],
)
def test_servers_that_nothing_delegates_to_do_not_count(at_delegated: str, at_listed: str, code: str) -> None:
    registry = SOA + "@ 60 IN NS ns3.nic.example.\nacme 60 IN NS ns4.nic.example.\n"
    nic = NIC + "ns3 60 IN A 127.0.0.13\nns4 60 IN A 127.0.0.14\n"
    cached = {".": SOA, "nic.example.": nic, "example.": registry, "acme.example.": HEAD + at_listed}
    record = expected("owner", "acme.example")
    servers = [
        Server("127.0.0.10", {**cached, "example.": SOA + "@ 60 IN NS ns3.nic.example.\n"}),
        Server("127.0.0.11", {"acme.example.": HEAD + at_listed}),
        Server("127.0.0.12", {"acme.example.": HEAD + at_listed}),
        Server("127.0.0.13", {"example.": registry}),
        Server("127.0.0.14", {"acme.example.": HEAD + at_delegated}),
    ]
    with zoo(*servers) as park:
        seen = observe(
            [(record.name, record.type)],
            resolvers=[("127.0.0.10", park.port)],
            authoritative_port=park.port,
            more=lambda seen: extra_questions(record, seen, domain="acme.example"),
        )
    judgement = judge(record, seen, domain="acme.example", region="us-east-1", issued=ISSUED)
    assert judgement.code in (code, "not_propagated" if at_delegated else code), judgement


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("The MX of a subdomain at the zone itself", "leave the one at acme.example if that name needs it too"),
        ("SPF of a subdomain at the zone", "leave the one at acme.example if that name needs it too"),
        ("No space behind the version", "to: v=spf1 include:amazonses.com ~all"),
        ("Commas between the terms", "to: v=spf1 include:amazonses.com include:ip.mailer.test ~all"),
        ("An en dash before the all", "to: v=spf1 include:amazonses.com -all"),
        ("No semicolon behind the version", "to: v=DMARC1; p=none;"),
        ("The version without its v=", "to: v=DMARC1; p=reject;"),
        ("No semicolon behind the policy", "to: v=DMARC1; p=none; rua=mailto:a@acme.example"),
        (
            "Two report addresses with a semicolon",
            "to: v=DMARC1; p=none; rua=mailto:a@acme.example,mailto:b@acme.example",
        ),
        ("Our host misspelt", "to: 10 inbound-smtp.us-east-1.amazonaws.com"),
        (
            "A misspelt host beside ours",
            'Delete the MX record at acme.example that reads "5 inbound-smpt.us-east-1.amazonaws.com".',
        ),
        (
            "Google's five hosts",
            'that read "1 aspmx.l.google.com" and "5 alt1.google.com", and have in their place: 10 inbound-smtp',
        ),
        ("A wrong value, and no token", f"Set the TXT record at _amazonses.acme.example to: {TOKEN}"),
        ("A wrong value, too short for a token", f"Set the TXT record at _amazonses.acme.example to: {TOKEN}"),
        ("A policy without a semicolon at all", "to: v=DMARC1; p=none;"),
        ("A policy without quotation marks in the zone file", "to: v=DMARC1; p=reject; rua=mailto:a@acme.example"),
        ("SPF without quotation marks in the zone file", "to: v=spf1 include:amazonses.com ~all"),
        (
            "Two SPF records",
            '~all" and "v=spf1 mx -all", and add one in their place: v=spf1 include:amazonses.com mx ~all',
        ),
        (
            "The same SPF record twice, but for a space",
            'that reads "v=spf1  include:amazonses.com ~all", and keep only: v=spf1 include:amazonses.com ~all',
        ),
        ("Two SPF records, one of them broken", "correct it and make one of all: v=spf1 ip4:1.2.3.444 -all"),
        (
            "Two DMARC records",
            '"v=DMARC1; p=none;" and "v=DMARC1; p=reject", and add one in their place: v=DMARC1; p=reject;',
        ),
        (
            "The token was put at the apex",
            "Edit the TXT record at acme.example, or remove it and add it anew: in the name",
        ),
        ("The subdomain has a zone of its own, and the parent was edited", "and add it in the zone mail.acme.example"),
        ("An include without an SPF record before ours", "Remove include:gone.mailer.test from the SPF record"),
    ],
)
def test_the_fix_says_just_what_to_write(name: str, fix: str) -> None:
    stories = [story for story in ALL_BROKEN if story.story == name]
    assert any(fix in tell(story)[0].fix for story in stories)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Our host misspelt", "did you mean inbound-smtp.us-east-1.amazonaws.com?"),
        ("A mail server of one's own at Amazon", "goes to ec2-192-0-2-1.compute-1.amazonaws.com today"),
        ("A wildcard CNAME answers for DKIM", "; a wildcard record of the zone answers in its place."),
        ("A wildcard TXT answers", "; the wildcard *.acme.example answers in its place."),
        ("A wrong value, and no token", 'stands "abcdefgh", which is not the value of this domain'),
    ],
)
def test_the_message_says_no_more_than_is_known(name: str, message: str) -> None:
    assert message in tell(next(story for story in ALL_BROKEN if story.story == name))[0].message


def test_a_null_mx_is_shown_as_it_is_written() -> None:
    assert tell(Story("", "mx", "null_mx", "@ 60 IN MX 0 .\n"))[0].observed == ("0 .",)


def test_the_tables_are_long_enough() -> None:
    assert len(ALL_BROKEN) >= 180
    assert len(ALL_VALID) >= 80
    assert len({story.code for story in ALL_BROKEN}) >= 34
