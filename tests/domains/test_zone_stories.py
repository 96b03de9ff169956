"""Each story of a zone gets exactly its code, over real DNS packets; what is valid is ok."""

from __future__ import annotations

import pytest

from domains.dns.evaluation import Expected, IssuedTokens, Judgement, extra_questions, judge
from domains.dns.resolver import observe
from tests.domains.dns_zoo import Server, zoo
from tests.domains.zone_stories import BROKEN, ELSEWHERE, GOOD, SOA, TOKEN, VALID, Story

HEAD = SOA + "@ 300 IN NS ns1.nic.example.\n@ 300 IN NS ns2.nic.example.\n"
NIC = SOA + "@ 60 IN NS ns1\nns1 60 IN A 127.0.0.11\nns2 60 IN A 127.0.0.12\n"
EU_TOKEN = "Eu+token/9012345678901234567890123456789012a="
ISSUED = IssuedTokens(
    ownership=(TOKEN, "Old+token/9012345678901234567890123456789012="),
    dkim=("tok0", "old0"),
    claim=("abcdef0123456789", "0000111122223333"),
    other_regions=(EU_TOKEN,),
)
# Right at the DNS host, with something to know: the record does its work.
ADVICE = {"not_propagated", "dmarc_rua_unauthorised"}


def expected(record: str, domain: str) -> Expected:
    return {
        "mx": Expected("inbound", "MX", domain, "inbound-smtp.us-east-1.amazonaws.com", 10),
        "owner": Expected("ownership", "TXT", f"_amazonses.{domain}", TOKEN),
        "spf": Expected("spf", "TXT", domain, "v=spf1 include:amazonses.com ~all"),
        "dmarc": Expected("dmarc", "TXT", f"_dmarc.{domain}", "v=DMARC1; p=none;"),
        "dkim": Expected("dkim", "CNAME", f"tok0._domainkey.{domain}", "tok0.dkim.amazonses.com"),
        "claim": Expected("claim", "TXT", f"_postern.{domain}", "postern-verify=abcdef0123456789"),
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
    servers = [Server(address, held, story.behaviour.get(address, "good")) for address, held in zones.items()]
    with zoo(*servers) as park:
        seen = observe(
            [(record.name, record.type)],
            resolvers=[("127.0.0.10", park.port)],
            authoritative_port=park.port,
            more=lambda seen: extra_questions(record, seen, domain=story.domain),
        )
    judgement = judge(record, seen, domain=story.domain, region="us-east-1", issued=ISSUED)
    return judgement, seen.questions_asked


@pytest.mark.parametrize("story", BROKEN, ids=lambda story: story.story)
def test_a_broken_zone_gets_its_code(story: Story) -> None:
    judgement, _ = tell(story)
    assert judgement.code == story.code, judgement
    assert (judgement.verdict == "ok") == (story.code in ADVICE)
    assert judgement.message
    assert judgement.fix


@pytest.mark.parametrize("story", VALID, ids=lambda story: story.story)
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


def test_the_tables_are_long_enough() -> None:
    assert len(BROKEN) >= 80
    assert len(VALID) >= 40
    assert len({story.code for story in BROKEN}) >= 30
