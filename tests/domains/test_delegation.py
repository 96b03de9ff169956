"""Servers that the registry names and servers that the zone lists, where they are not the same: all of them count."""

from __future__ import annotations

import pytest

from domains.challenge_looks import sight_of
from domains.dns.answers import Observation
from domains.dns.evaluation import Expected, IssuedTokens, Judgement, extra_questions, judge
from domains.dns.resolver import observe
from tests.domains.dns_zoo import Server, zoo

NAME = "acme.example"
SOA = "@ 60 IN SOA a. b. 1 60 60 60 60\n"
RECORD = Expected("ownership", "TXT", f"_amazonses.{NAME}", "Abc+Def/123=")
NEW, OLD = '_amazonses 60 IN TXT "Abc+Def/123="\n', ""


def ns(owner: str, numbers: str) -> str:
    return "".join(f"{owner} 300 IN NS ns{number}.nic.example.\n" for number in numbers)


def tell(delegated: str, listed: str, right: str, *, silent: str = "", expected: Expected = RECORD) -> Judgement:
    """The judgement where the registry names and the zone lists these servers, and those of `right` have the record.

    Servers are digits: "12" are ns1 and ns2; ns8 and ns9 are the registry's.
    """
    nic = SOA + ns("@", "9") + "".join(f"ns{number} 60 IN A 127.0.0.1{number}\n" for number in range(1, 10))
    held = {number: SOA + ns("@", listed) + (NEW if number in right else OLD) for number in delegated + listed}
    servers = [
        Server(f"127.0.0.1{number}", {f"{NAME}.": zone}, "silent" if number in silent else "good")
        for number, zone in held.items()
    ]
    cached = {".": SOA, "nic.example.": nic, "example.": SOA + ns("@", "89"), f"{NAME}.": held[listed[0]]}
    registry = [
        Server(
            f"127.0.0.1{number}", {"example.": SOA + ns("acme", delegated)}, "silent" if number in silent else "good"
        )
        for number in "89"
    ]
    with zoo(Server("127.0.0.10", cached), *registry, *servers) as park:
        seen = observe(
            [(expected.name, expected.type)],
            resolvers=[("127.0.0.10", park.port)],
            authoritative_port=park.port,
            more=lambda seen: extra_questions(expected, seen, domain=NAME),
        )
    return judge(expected, seen, domain=NAME, region="us-east-1", issued=IssuedTokens())


@pytest.mark.parametrize(
    ("story", "delegated", "listed", "right", "code"),
    [
        ("an old server that only the registry names", "12", "13", "13", "servers_disagree"),
        ("the same with many servers", "1234", "1235", "1235", "servers_disagree"),
        ("an old server that only the zone lists", "12", "123", "12", "servers_disagree"),
        ("edited at a host that only the zone lists", "12", "123", "3", "wrong_nameservers"),
        ("edited at a host of many that only the zone lists", "12345", "12346", "6", "wrong_nameservers"),
        ("edited at another host altogether, with many servers", "1234", "567", "567", "wrong_nameservers"),
        ("moved with many servers, and the old host is empty", "1234", "567", "1234", "not_propagated"),
        ("one more in the registry, and all have it", "123", "12", "123", ""),
        ("none has it", "12", "13", "", "not_published"),
        ("the registry has let go of the name, and its servers still answer", "", "12", "12", "not_delegated"),
    ],
)
def test_all_servers_that_are_named_count(story: str, delegated: str, listed: str, right: str, code: str) -> None:
    judgement = tell(delegated, listed, right)
    assert judgement.code == code, judgement


def test_a_dead_server_that_only_the_registry_names_hides_nothing() -> None:
    assert tell("12", "13", "13", silent="2").code == ""
    assert tell("12", "13", "3", silent="2").code == "wrong_nameservers"


def test_a_registry_with_a_dead_server_still_tells() -> None:
    assert tell("12", "13", "13", silent="8").code == "servers_disagree"


def test_a_dead_registry_tells_nothing_and_holds_nothing_up() -> None:
    assert tell("12", "13", "13", silent="89").code == ""


def test_where_all_that_the_registry_names_are_dead_what_others_say_does_not_count() -> None:
    assert tell("12", "34", "34", silent="12").code == "server_unreachable"
    assert tell("12", "23", "3", silent="12").code == "server_unreachable"


DKIM = Expected("dkim", "CNAME", f"tok0._domainkey.{NAME}", "tok0.dkim.amazonses.com")
DMARC = Expected("dmarc", "TXT", f"_dmarc.{NAME}", "v=DMARC1; p=none;")
TOKEN = "tok0 60 IN CNAME tok0.dkim.amazonses.com.\n"
POLICY = 'd 60 IN TXT "v=DMARC1; p=none;"\n'


def tell_of(expected: Expected, zones: dict[str, dict[str, str]], *cached: str) -> Judgement:
    seen = see([expected], zones, *cached)
    return judge(expected, seen, domain=NAME, region="us-east-1", issued=IssuedTokens())


def see(expected: list[Expected], zones: dict[str, dict[str, str]], *cached: str) -> Observation:
    """What is seen where each server, by its digit, holds zones given by origin, and the resolver knows some of them.

    `cached` are "origin digit": the zone that the resolver has as that server has it.
    """
    nic = SOA + ns("@", "9") + "".join(f"ns{number} 60 IN A 127.0.0.1{number}\n" for number in range(1, 10))
    known = {".": SOA, "nic.example.": nic}
    for each in cached:
        origin, _, number = each.partition(" ")
        known[origin] = zones[number][origin]
    servers = [Server(f"127.0.0.1{number}", held) for number, held in zones.items()]
    with zoo(Server("127.0.0.10", known), *servers) as park:
        return observe(
            [(each.name, each.type) for each in expected],
            resolvers=[("127.0.0.10", park.port)],
            authoritative_port=park.port,
            more=lambda seen: [more for each in expected for more in extra_questions(each, seen, domain=NAME)],
        )


@pytest.mark.parametrize(
    ("story", "listed", "right", "is_known", "code"),
    [
        ("both have it", "34", "34", True, ""),
        ("one lags behind", "34", "3", True, "servers_disagree"),
        ("one lags behind, and the child does not list it", "3", "3", True, "servers_disagree"),
        ("the resolver does not know the child", "34", "3", False, "servers_disagree"),
    ],
)
def test_a_delegated_domainkey_is_asked_at_all_its_servers(
    story: str, listed: str, right: str, is_known: bool, code: str
) -> None:
    parent = {f"{NAME}.": SOA + ns("@", "12") + ns("_domainkey", "34")}
    children = {
        number: {f"_domainkey.{NAME}.": SOA + ns("@", listed) + (TOKEN if number in right else "")} for number in "34"
    }
    cached = [f"{NAME}. 1", *([f"_domainkey.{NAME}. 3"] if is_known else [])]
    assert tell_of(DKIM, {"1": parent, "2": parent, **children}, *cached).code == code


@pytest.mark.parametrize(("right", "code"), [("34", ""), ("3", "servers_disagree"), ("4", "servers_disagree")])
@pytest.mark.parametrize("other", ["acme-dns.example", f"policies.{NAME}"])
def test_a_cname_into_another_zone_is_followed_to_all_its_servers(other: str, right: str, code: str) -> None:
    cut = ns("policies", "34") if other.endswith(NAME) else ""
    zone = {f"{NAME}.": SOA + ns("@", "12") + cut + f"_dmarc 60 IN CNAME d.{other}.\n"}
    others = {number: {f"{other}.": SOA + ns("@", "34") + (POLICY if number in right else "")} for number in "34"}
    judgement = tell_of(DMARC, {"1": zone, "2": zone, **others}, f"{NAME}. 1", f"{other}. {right[0]}")
    assert judgement.code == code, judgement


@pytest.mark.parametrize(
    ("record", "zone", "code"),
    [
        (Expected("claim", "TXT", f"_postern.{NAME}", "mine"), "_postern 60 IN TXT mine\n", "server_unreachable"),
        (Expected("claim", "TXT", f"_postern.{NAME}", "mine"), "", "claim_token_missing"),
        (RECORD, NEW, ""),
    ],
)
def test_a_cache_alone_proves_no_claim(record: Expected, zone: str, code: str) -> None:
    """The resolver has the zone, and nobody can say which servers do."""
    assert tell_of(record, {"1": {f"{NAME}.": SOA + zone}}, f"{NAME}. 1").code == code


def test_a_name_below_no_registry_is_not_delegated() -> None:
    """The root says so itself, whatever a cache still has."""
    root = {".": SOA + ns("@", "1")}
    assert tell_of(RECORD, {"1": root}, ". 1").code == "not_delegated"


CLAIM = Expected("claim", "TXT", f"_postern.{NAME}", "mine")
ELSEWHERE = "acme-dns.example"
TO_ELSEWHERE = SOA + ns("@", "12") + f"_postern 60 IN CNAME d.{ELSEWHERE}.\n_dmarc 60 IN CNAME d.{ELSEWHERE}.\n"
BOTH_TEXTS = POLICY + "d 60 IN TXT mine\n"


@pytest.mark.parametrize(
    ("expected", "texts", "verdict", "code"),
    [
        (CLAIM, BOTH_TEXTS, "unknown", "server_unreachable"),
        (DMARC, POLICY, "ok", ""),
    ],
)
def test_a_cache_alone_proves_no_claim_through_a_cname_either(
    expected: Expected, texts: str, verdict: str, code: str
) -> None:
    """Only the resolver knows the zone that the CNAME leads to."""
    zones = {"1": {f"{NAME}.": TO_ELSEWHERE}, "2": {f"{NAME}.": TO_ELSEWHERE}, "3": {f"{ELSEWHERE}.": SOA + texts}}
    judgement = tell_of(expected, zones, f"{NAME}. 1", f"{ELSEWHERE}. 3")
    assert (judgement.verdict, judgement.code) == (verdict, code), judgement
    assert not code or f"name servers of d.{ELSEWHERE} could not be asked" in judgement.message


@pytest.mark.parametrize(("listed", "is_there"), [("", None), ("3", True)])
def test_a_cache_alone_decides_no_challenge_through_a_cname(listed: str, is_there: bool | None) -> None:
    other = SOA + ns("@", listed) + "d 60 IN TXT mine\n"
    zones = {"1": {f"{NAME}.": TO_ELSEWHERE}, "2": {f"{NAME}.": TO_ELSEWHERE}, "3": {f"{ELSEWHERE}.": other}}
    seen = see([CLAIM], zones, f"{NAME}. 1", f"{ELSEWHERE}. 3")
    assert sight_of(CLAIM, [], seen).is_token_there is is_there


@pytest.mark.parametrize("lagging", "3456")
def test_all_servers_count_that_a_proofs_cname_leads_to(lagging: str) -> None:
    zone = {f"{NAME}.": TO_ELSEWHERE}
    others = {
        number: {f"{ELSEWHERE}.": SOA + ns("@", "3456") + ("" if number == lagging else BOTH_TEXTS)}
        for number in "3456"
    }
    right = next(number for number in others if number != lagging)
    judgement = tell_of(CLAIM, {"1": zone, "2": zone, **others}, f"{NAME}. 1", f"{ELSEWHERE}. {right}")
    assert judgement.code == "servers_disagree", judgement


MX = Expected("inbound", "MX", NAME, "inbound-smtp.us-east-1.amazonaws.com", 10)
SPF = Expected("spf", "TXT", NAME, "v=spf1 include:amazonses.com ~all")
ALL = [RECORD, MX, SPF, DKIM, DMARC]
OWN = SOA + ns("@", "12") + NEW + "@ 60 IN MX 10 inbound-smtp.us-east-1.amazonaws.com.\n"
# Hosts of the domain that the registry keeps for others: the name is there, and has no servers.
GLUE = "ns1.acme 60 IN A 127.0.0.11\n"


def codes_of(zones: dict[str, dict[str, str]], *cached: str) -> dict[str, str]:
    seen = see(ALL, zones, *cached)
    judged = {each: judge(each, seen, domain=NAME, region="us-east-1", issued=IssuedTokens()) for each in ALL}
    return {each.purpose: judgement.code for each, judgement in judged.items()}


@pytest.mark.parametrize("kept", ["", GLUE])
@pytest.mark.parametrize("cached", [["example. 8", f"{NAME}. 1"], ["example. 8"]])
def test_a_domain_on_hold_is_not_delegated_for_each_record(kept: str, cached: list[str]) -> None:
    own, registry = {f"{NAME}.": OWN}, {"example.": SOA + ns("@", "8") + kept}
    assert set(codes_of({"1": own, "2": own, "8": registry}, *cached).values()) == {"not_delegated"}


def test_a_zone_on_the_servers_of_its_registry_stands_without_a_delegation() -> None:
    both = {f"{NAME}.": OWN.replace("ns1.", "ns8.").replace("ns2.", "ns8."), "example.": SOA + ns("@", "8")}
    assert codes_of({"8": both}, "example. 8", f"{NAME}. 8")["ownership"] == ""


def test_a_name_within_the_zone_of_its_suffix_is_delegated() -> None:
    flat = "acme 60 IN MX 10 inbound-smtp.us-east-1.amazonaws.com.\n"
    codes = codes_of({"8": {"example.": SOA + ns("@", "8") + flat}}, "example. 8")
    assert codes == {"inbound": "", **dict.fromkeys(("ownership", "spf", "dkim", "dmarc"), "not_published")}


def test_what_the_resolver_alone_calls_unknown_is_not_told_in_the_name_of_the_registry() -> None:
    assert set(codes_of({}).values()) == {"not_published"}


def test_a_domain_that_the_resolver_knows_lacks_its_records_alone() -> None:
    zones = {"1": {f"{NAME}.": SOA + "www 60 IN A 192.0.2.1\n"}}
    assert set(codes_of(zones, f"{NAME}. 1").values()) == {"not_published"}
