"""The resolver against real DNS servers: it asks who really holds the name, and a failure is never a "no"."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import dns.message
import dns.rdatatype
import pytest

from domains.dns.answers import Lookup, Observation, Outcome
from domains.dns.resolver import observe
from tests.domains.dns_zoo import Server, Zoo, zoo

SOA = "@ 60 IN SOA a. b. 1 60 60 60 60\n"
HEAD = SOA + "@ 300 IN NS ns1.nic.example.\n@ 300 IN NS ns2.nic.example.\n"
RESOLVER_ZONES = {
    "nic.example.": SOA + "@ 60 IN NS ns1\nns1 60 IN A 127.0.0.11\nns2 60 IN A 127.0.0.12\nns3 60 IN A 127.0.0.13\n",
    "acme.example.": HEAD + "@ 60 IN TXT stale\n",
    ".": "@ 60 IN SOA a. b. 1 60 60 60 60\n",
}


def resolver_server(**zones: str) -> Server:
    return Server("127.0.0.10", RESOLVER_ZONES | zones)


def look(park: Zoo, *questions: tuple[str, str], **options: object) -> Observation:
    return observe(questions, resolvers=[("127.0.0.10", park.port)], authoritative_port=park.port, **options)  # type: ignore[arg-type]


def only(park: Zoo, name: str, type_: str) -> Lookup:
    lookup = look(park, (name, type_)).get(name, type_)
    assert lookup is not None
    return lookup


def both(zone: str, **behaviours: str) -> list[Server]:
    return [
        Server("127.0.0.11", {"acme.example.": zone}, behaviours.get("first", "good")),
        Server("127.0.0.12", {"acme.example.": zone}, behaviours.get("second", "good")),
    ]


def test_the_zones_own_servers_are_asked_and_not_the_cache() -> None:
    with zoo(resolver_server(), *both(HEAD + "@ 60 IN TXT fresh\n")) as park:
        lookup = only(park, "acme.example", "TXT")
    assert lookup.values == ("fresh",)
    assert lookup.public is not None
    assert lookup.public.values == ("stale",)
    assert len(lookup.answers) == 2


def test_values_are_in_one_form() -> None:
    zone = (
        HEAD + '@ 60 IN MX 10 Inbound-SMTP.Amazonaws.COM.\n_x 60 IN TXT "one " "two"\nc 60 IN CNAME T.Other.Example.\n'
    )
    with zoo(resolver_server(), *both(zone)) as park:
        seen = look(park, ("acme.example", "MX"), ("_x.acme.example", "TXT"), ("c.acme.example", "CNAME"))
    values = {name: lookup.values for (name, _), lookup in seen.lookups.items()}
    assert values == {
        "acme.example": ("10 inbound-smtp.amazonaws.com",),
        "_x.acme.example": ("one two",),
        "c.acme.example": ("t.other.example",),
    }


@pytest.mark.parametrize(
    ("name", "outcome"), [("nothing.acme.example", Outcome.NXDOMAIN), ("acme.example", Outcome.NODATA)]
)
def test_a_no_is_a_no(name: str, outcome: Outcome) -> None:
    with zoo(resolver_server(), *both(HEAD)) as park:
        assert only(park, name, "CNAME").outcome is outcome


@pytest.mark.parametrize("behaviour", ["silent", "servfail", "refused", "lame", "forged", "drip"])
def test_servers_that_fail_are_unknown_and_never_missing(behaviour: str) -> None:
    with zoo(resolver_server(), *both(HEAD, first=behaviour, second=behaviour)) as park:
        lookup = only(park, "_amazonses.acme.example", "TXT")
    assert lookup.outcome is Outcome.UNKNOWN
    assert lookup.reason


@pytest.mark.parametrize("behaviour", ["silent", "servfail", "refused", "lame", "recursive", "forged", "drip"])
def test_one_good_server_is_enough(behaviour: str) -> None:
    with zoo(resolver_server(), *both(HEAD + "@ 60 IN TXT here\n", first=behaviour)) as park:
        lookup = only(park, "acme.example", "TXT")
    assert (lookup.outcome, lookup.values) == (Outcome.FOUND, ("here",))


@pytest.mark.parametrize("behaviour", ["formerr", "notimp", "badvers"])
def test_servers_without_edns_are_asked_without_it_and_found_out_once(behaviour: str) -> None:
    zone = HEAD + "@ 60 IN TXT here\n"
    names = [("acme.example", "TXT"), *((f"n{number}.acme.example", "TXT") for number in range(6))]
    with zoo(resolver_server(), *both(zone, first=behaviour, second=behaviour)) as park:
        seen = look(park, *names)
    assert seen.lookups["acme.example", "TXT"].values == ("here",)
    assert {lookup.outcome for lookup in seen.lookups.values()} == {Outcome.FOUND, Outcome.NXDOMAIN}
    assert seen.questions_asked <= 40


def test_servers_that_no_packet_with_edns_reaches_are_asked_without_it() -> None:
    zone = HEAD + "@ 60 IN TXT here\n"
    with zoo(resolver_server(), *both(zone, first="deaf_to_edns", second="deaf_to_edns")) as park:
        assert only(park, "acme.example", "TXT").values == ("here",)


def test_a_resolver_without_edns_is_asked_without_it() -> None:
    resolver = resolver_server()
    resolver.behaviour = "formerr"
    with zoo(resolver, *both(HEAD + "@ 60 IN TXT here\n")) as park:
        lookup = only(park, "acme.example", "TXT")
    assert (lookup.values, lookup.is_authoritative) == (("here",), True)


def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    zone = HEAD + "@ 60 IN TXT here\n"
    with zoo(resolver_server(), *both(zone, first="truncated", second="truncated")) as park:
        assert only(park, "acme.example", "TXT").values == ("here",)


def test_a_delegation_is_followed_to_who_really_holds_the_name() -> None:
    parent = HEAD + "_domainkey 60 IN NS ns3.nic.example.\n"
    child = Server(
        "127.0.0.13",
        {"_domainkey.acme.example.": SOA + "@ 60 IN NS ns3.nic.example.\nt 60 IN CNAME t.dkim.example.\n"},
    )
    with zoo(resolver_server(), *both(parent), child) as park:
        lookup = only(park, "t._domainkey.acme.example", "CNAME")
    assert (lookup.zone, lookup.values) == ("_domainkey.acme.example", ("t.dkim.example",))


def test_servers_that_disagree_are_told_apart() -> None:
    servers = [
        Server("127.0.0.11", {"acme.example.": HEAD + "@ 60 IN TXT new\n"}),
        Server("127.0.0.12", {"acme.example.": HEAD}),
    ]
    with zoo(resolver_server(), *servers) as park:
        lookup = only(park, "acme.example", "TXT")
    assert lookup.servers_disagree
    assert lookup.outcome is not Outcome.FOUND


def test_a_cname_at_a_txt_name_leads_to_its_value() -> None:
    zone = HEAD + "_dmarc 60 IN CNAME d.acme.example.\nd 60 IN TXT policy\n"
    with zoo(resolver_server(), *both(zone)) as park:
        lookup = only(park, "_dmarc.acme.example", "TXT")
    assert (lookup.values, lookup.cname) == (("policy",), "d.acme.example")


def test_without_authoritative_servers_the_resolver_must_do() -> None:
    with zoo(resolver_server(**{"lonely.example.": "@ 60 IN SOA a. b. 1 60 60 60 60\n@ 60 IN TXT alone\n"})) as park:
        lookup = only(park, "lonely.example", "TXT")
    assert lookup.values == ("alone",)
    assert lookup.answers[0].server.startswith("resolver")


def test_a_domain_in_good_order_costs_at_most_forty_questions() -> None:
    names = [
        ("acme.example", "MX"),
        ("acme.example", "TXT"),
        ("_amazonses.acme.example", "TXT"),
        ("_dmarc.acme.example", "TXT"),
    ]
    names += [(f"t{number}._domainkey.acme.example", "CNAME") for number in range(3)]
    with zoo(resolver_server(), *both(HEAD)) as park:
        seen = look(park, *names)
    assert seen.questions_asked <= 40


def test_it_ends_when_nobody_answers_at_all() -> None:
    with zoo(Server("127.0.0.10", {}, "silent")) as park:
        seen = look(park, ("acme.example", "MX"), deadline_seconds=1.0)
    lookup = seen.get("acme.example", "MX")
    assert lookup is not None
    assert lookup.outcome is Outcome.UNKNOWN


def test_a_dead_resolver_is_stood_in_for() -> None:
    with zoo(resolver_server(), Server("127.0.0.9", {}, "silent"), *both(HEAD + "@ 60 IN TXT here\n")) as park:
        resolvers = [("127.0.0.9", park.port), ("127.0.0.10", park.port)]
        seen = observe([("acme.example", "TXT")], resolvers=resolvers, authoritative_port=park.port)
    assert seen.lookups["acme.example", "TXT"].values == ("here",)


def test_a_circle_of_cnames_is_a_cname_and_no_value() -> None:
    zone = HEAD + "_dmarc 60 IN CNAME a.acme.example.\na 60 IN CNAME _dmarc.acme.example.\n"
    with zoo(resolver_server(), *both(zone)) as park:
        lookup = only(park, "_dmarc.acme.example", "TXT")
    assert (lookup.outcome, lookup.values, lookup.cname) == (Outcome.NODATA, (), "a.acme.example")


def test_a_cname_into_a_delegated_zone_is_followed() -> None:
    parent = HEAD + "_dmarc 60 IN CNAME d.child.acme.example.\nchild 60 IN NS ns3.nic.example.\n"
    child = Server("127.0.0.13", {"child.acme.example.": SOA + "@ 60 IN NS ns3.nic.example.\nd 60 IN TXT policy\n"})
    with zoo(resolver_server(), *both(parent), child) as park:
        assert only(park, "_dmarc.acme.example", "TXT").values == ("policy",)


def test_a_cname_at_an_mx_name_is_told_and_not_followed() -> None:
    zone = HEAD + "mail 60 IN CNAME m.acme.example.\nm 60 IN MX 10 mx.acme.example.\n"
    with zoo(resolver_server(), *both(zone)) as park:
        lookup = only(park, "mail.acme.example", "MX")
    assert (lookup.values, lookup.cname) == ((), "m.acme.example")


class Forgetful(Server):
    """A resolver that drops the NS questions for all names but those of `behaviour`."""

    def answer(self, query: dns.message.Message, *, is_tcp: bool) -> dns.message.Message | None:
        question = query.question[0]
        is_known = str(question.name).rstrip(".") in self.behaviour.split()
        if question.rdtype == dns.rdatatype.NS and not is_known:
            return None
        return super().answer(query, is_tcp=is_tcp)


@pytest.mark.parametrize("count", [1, 2])
def test_resolvers_that_drop_the_question_for_the_zone_above_hide_nothing(count: int) -> None:
    zones = {**RESOLVER_ZONES, "acme.example.": HEAD}
    resolvers = [Forgetful(f"127.0.0.{10 - number}", zones, "acme.example") for number in range(count)]
    with zoo(*resolvers, *both(HEAD + "@ 60 IN TXT here\n")) as park:
        addresses = [(each.address, park.port) for each in resolvers]
        seen = observe([("acme.example", "TXT")], resolvers=addresses, authoritative_port=park.port)
    lookup = seen.lookups["acme.example", "TXT"]
    assert (lookup.values, lookup.is_authoritative) == (("here",), True)


@pytest.mark.parametrize("count", [1, 2])
def test_resolvers_that_drop_all_questions_for_zones_still_tell_the_records(count: int) -> None:
    resolvers = [Forgetful(f"127.0.0.{10 - number}", RESOLVER_ZONES) for number in range(count)]
    questions = [("acme.example", "TXT"), ("t._domainkey.acme.example", "CNAME")]
    aside = ("w._domainkey.acme.example", "CNAME")
    with zoo(*resolvers, *both(HEAD)) as park:
        addresses = [(each.address, park.port) for each in resolvers]
        seen = observe(questions, resolvers=addresses, authoritative_port=park.port, more=lambda seen: [aside])
    lookup = seen.lookups["acme.example", "TXT"]
    assert (lookup.values, lookup.is_authoritative) == (("stale",), False)
    assert {each.outcome for each in seen.lookups.values()} == {Outcome.FOUND, Outcome.NXDOMAIN}


ROOT = SOA + "@ 60 IN NS ns4.nic.example.\n"
NIC_WITH_ROOT = {"nic.example.": RESOLVER_ZONES["nic.example."] + "ns4 60 IN A 127.0.0.14\n", ".": ROOT}
REGISTRY = SOA + "@ 60 IN NS ns3.nic.example.\nacme 60 IN NS ns1.nic.example.\nacme 60 IN NS ns2.nic.example.\n"


def world_of(**behaviours: str) -> list[Server]:
    """A resolver that remembers the zone, and what really serves it: the zone's servers, its registry, the root."""
    zones = {
        "127.0.0.11": {"acme.example.": HEAD},
        "127.0.0.12": {"acme.example.": HEAD},
        "127.0.0.13": {"example.": REGISTRY},
        "127.0.0.14": {".": ROOT + "example 60 IN NS ns3.nic.example.\n"},
    }
    held = {"example.": SOA + "@ 60 IN NS ns3.nic.example.\n", **NIC_WITH_ROOT}
    own = [Server(address, zone, behaviours.get(f"at_{address[-2:]}", "good")) for address, zone in zones.items()]
    return [resolver_server(**held), *own]


@pytest.mark.parametrize("behaviour", ["silent", "recursive"])
def test_where_no_authority_can_be_reached_at_all_the_resolver_must_do(behaviour: str) -> None:
    servers = world_of(at_11=behaviour, at_12=behaviour, at_13=behaviour, at_14=behaviour)
    for server in servers[1:]:
        # Who answers in everybody's place knows all.
        server.zones["acme.example."] = HEAD
    with zoo(*servers) as park:
        lookup = only(park, "acme.example", "TXT")
    assert (lookup.values, lookup.is_authoritative) == (("stale",), False)
    assert lookup.answers[0].server == "resolver 127.0.0.10"


@pytest.mark.parametrize("behaviour", ["silent", "servfail", "refused", "lame", "drip"])
@pytest.mark.parametrize("registry", ["good", "silent", "refused"])
def test_a_cache_does_not_stand_for_servers_that_fail(behaviour: str, registry: str) -> None:
    with zoo(*world_of(at_11=behaviour, at_12=behaviour, at_13=registry)) as park:
        lookup = only(park, "acme.example", "TXT")
    assert (lookup.outcome, lookup.is_authoritative) == (Outcome.UNKNOWN, True)


@pytest.mark.parametrize("behaviour", ["silent", "refused"])
def test_a_registry_on_the_same_machines_as_the_zone_tells_nothing_of_the_network(behaviour: str) -> None:
    both_zones = {"acme.example.": HEAD, "example.": REGISTRY.replace("ns3", "ns1"), ".": ROOT.replace("ns4", "ns1")}
    machines = [Server(f"127.0.0.{number}", both_zones, behaviour) for number in (11, 12)]
    with zoo(resolver_server(**{**both_zones, "acme.example.": HEAD + "@ 60 IN TXT stale\n"}), *machines) as park:
        assert only(park, "acme.example", "TXT").outcome is Outcome.UNKNOWN


def test_dead_servers_below_a_live_registry_are_unknown() -> None:
    registry = SOA + "@ 60 IN NS ns3.nic.example.\nacme 60 IN NS ns1.nic.example.\n"
    servers = both(HEAD, first="silent", second="silent")
    with zoo(resolver_server(**{"example.": registry}), Server("127.0.0.13", {"example.": registry}), *servers) as park:
        assert only(park, "acme.example", "TXT").outcome is Outcome.UNKNOWN


def test_a_server_that_refers_to_where_one_came_from_is_lame() -> None:
    upward = [Server(server.address, {"example.": SOA + "acme 60 IN NS ns1.nic.example.\n"}) for server in both(HEAD)]
    with zoo(resolver_server(), *upward) as park:
        lookup = only(park, "www.acme.example", "TXT")
    assert (lookup.outcome, len(lookup.answers)) == (Outcome.UNKNOWN, 2)


def test_more_questions_are_asked_round_by_round() -> None:
    zone = HEAD + "@ 60 IN TXT one\n_a 60 IN TXT two\n_b 60 IN TXT three\n"
    rounds = iter([[("_a.acme.example", "TXT")], [("_b.acme.example", "TXT")], []])
    with zoo(resolver_server(), *both(zone)) as park:
        seen = look(park, ("acme.example", "TXT"), more=lambda seen: next(rounds))
    assert [lookup.values for lookup in seen.lookups.values()] == [("one",), ("two",), ("three",)]


def test_the_budget_bounds_the_questions() -> None:
    names = [(f"n{number}.acme.example", "TXT") for number in range(40)]
    with zoo(resolver_server(), *both(HEAD)) as park:
        seen = look(park, *names, budget=25)
        asked = sum(len(server.questions) for server in park.servers)
    assert seen.questions_asked == asked == 25
    assert len(seen.lookups) == 40


def test_it_works_inside_a_running_loop() -> None:
    async def inside(park: Zoo) -> Lookup:
        return only(park, "acme.example", "TXT")

    with zoo(resolver_server(), *both(HEAD + "@ 60 IN TXT here\n")) as park:
        assert asyncio.run(inside(park)).values == ("here",)


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64 + ".example", "ü" * 70 + ".example", "a b.example"])
def test_a_name_that_can_not_be_asked_for_is_unknown(name: str) -> None:
    with zoo(resolver_server()) as park:
        assert look(park, (name, "TXT")).lookups[name, "TXT"].outcome is not Outcome.FOUND


def test_text_that_is_not_text_is_shown_and_kept_whole() -> None:
    zone = HEAD + '@ 60 IN TXT "caf\\195\\169" "\\255\\000"\n@ 60 IN TXT ' + " ".join(["y" * 255] * 200) + "\n"
    with zoo(resolver_server(), *both(zone, first="truncated", second="truncated")) as park:
        values = only(park, "acme.example", "TXT").values
    assert set(values) == {"café\\xff\\x00", "y" * 255 * 200}


def test_the_web_process_does_not_load_dnspython() -> None:
    program = "import sys, domains.dns.resolver, domains.dns.evaluation; print('dns' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
