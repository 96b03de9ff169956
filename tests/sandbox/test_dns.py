"""The sandbox's DNS: zones, delegation, wildcards, and servers that misbehave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from tests.sandbox_process import SandboxProcess

Ask = Callable[..., dns.message.Message]


def values(reply: dns.message.Message) -> list[str]:
    return sorted(rdata.to_text() for rrset in reply.answer for rdata in rrset)


def put(sandbox: SandboxProcess, zone: str, *records: tuple[str, str, str], **more: Any) -> None:
    listed = [{"type": type_, "name": name, "value": value} for type_, name, value in records]
    sandbox.control("PUT", f"/_sandbox/zones/{zone}", {"records": listed, **more})


def test_a_zone_set_by_hand_is_served_over_udp_and_tcp(sandbox: SandboxProcess, ask: Ask) -> None:
    put(sandbox, "acme.example", ("TXT", "acme.example", "v=spf1 -all"))
    for tcp in (False, True):
        reply = ask("ACME.example", "TXT", tcp=tcp)
        assert values(reply) == ['"v=spf1 -all"']
        assert reply.flags & dns.flags.AA


def test_every_zone_has_an_soa_and_name_servers_with_addresses(sandbox: SandboxProcess, ask: Ask) -> None:
    put(sandbox, "acme.example")
    assert len(values(ask("acme.example", "SOA"))) == 1
    hosts = values(ask("acme.example", "NS"))
    assert hosts == ["ns1.acme.example.", "ns2.acme.example."]
    assert values(ask(hosts[0], "A")) == ["127.0.0.1"]


def test_unknown_names_do_not_exist_and_known_names_without_the_type_have_no_data(
    sandbox: SandboxProcess, ask: Ask
) -> None:
    put(sandbox, "acme.example", ("A", "deep.below.acme.example", "192.0.2.1"))
    for name in ("nobody.acme.example", "nobody.test"):
        reply = ask(name, "A")
        assert reply.rcode() == dns.rcode.NXDOMAIN
        assert reply.authority[0].rdtype == dns.rdatatype.SOA
    for name in ("acme.example", "below.acme.example", "example"):
        assert ask(name, "MX").rcode() == dns.rcode.NOERROR


def test_a_wildcard_answers_for_what_does_not_exist_alone(sandbox: SandboxProcess, ask: Ask) -> None:
    put(sandbox, "acme.example", ("A", "*.acme.example", "192.0.2.9"), ("TXT", "www.acme.example", "here"))
    assert values(ask("any.thing.acme.example", "A")) == ["192.0.2.9"]
    assert values(ask("www.acme.example", "A")) == []


def test_a_cname_is_followed_across_zones(sandbox: SandboxProcess, ask: Ask) -> None:
    put(sandbox, "acme.example", ("CNAME", "mail.acme.example", "host.globex.example"))
    put(sandbox, "globex.example", ("A", "host.globex.example", "192.0.2.7"))
    assert values(ask("mail.acme.example", "A")) == ["192.0.2.7", "host.globex.example."]


def test_a_long_txt_comes_truncated_over_udp_and_whole_over_tcp(sandbox: SandboxProcess, ask: Ask) -> None:
    put(sandbox, "acme.example", ("TXT", "acme.example", "x" * 2000))
    assert ask("acme.example", "TXT").flags & dns.flags.TC
    (rdata,) = ask("acme.example", "TXT", tcp=True).answer[0]
    assert b"".join(rdata.strings) == b"x" * 2000


def test_servers_of_one_zone_may_differ(sandbox: SandboxProcess, ask: Ask) -> None:
    own = [{"type": "TXT", "name": "acme.example", "value": "old"}]
    put(
        sandbox,
        "acme.example",
        ("TXT", "acme.example", "new"),
        servers={"127.0.0.51": {}, "127.0.0.52": {"records": own}},
    )
    assert values(ask("ns2.acme.example", "A")) == ["127.0.0.52"]
    assert values(ask("acme.example", "TXT", at="127.0.0.51", recursion=False)) == ['"new"']
    assert values(ask("acme.example", "TXT", at="127.0.0.52", recursion=False)) == ['"old"']


@pytest.mark.parametrize(
    ("behaviour", "rcode"),
    [("servfail", dns.rcode.SERVFAIL), ("refused", dns.rcode.REFUSED), ("lame", dns.rcode.NOERROR)],
)
def test_a_server_may_misbehave(sandbox: SandboxProcess, ask: Ask, behaviour: str, rcode: dns.rcode.Rcode) -> None:
    put(sandbox, "acme.example", servers={"127.0.0.53": {"behaviour": behaviour}})
    reply = ask("acme.example", "SOA", at="127.0.0.53", recursion=False)
    assert (reply.rcode(), reply.answer, reply.flags & dns.flags.AA) == (rcode, [], 0)


def test_a_dropping_server_is_silent(sandbox: SandboxProcess, ask: Ask) -> None:
    put(sandbox, "acme.example", servers={"127.0.0.53": {"behaviour": "drop"}})
    with pytest.raises(dns.exception.Timeout):
        ask("acme.example", "SOA", at="127.0.0.53")


def test_the_parents_server_refers_to_the_child_zone(sandbox: SandboxProcess, ask: Ask) -> None:
    put(sandbox, "acme.example", servers={"127.0.0.51": {}})
    put(sandbox, "sub.acme.example", ("A", "www.sub.acme.example", "192.0.2.5"), servers={"127.0.0.52": {}})
    reply = ask("www.sub.acme.example", "A", at="127.0.0.51", recursion=False)
    assert not reply.flags & dns.flags.AA
    assert reply.authority[0].name.to_text() == "sub.acme.example."
    assert reply.additional[0][0].to_text() == "127.0.0.52"
    assert values(ask("www.sub.acme.example", "A", at="127.0.0.52", recursion=False)) == ["192.0.2.5"]
    assert ask("elsewhere.example", "A", at="127.0.0.51", recursion=False).rcode() == dns.rcode.REFUSED


def test_127_0_0_1_refers_to_a_zone_that_it_does_not_serve_itself(sandbox: SandboxProcess, ask: Ask) -> None:
    put(sandbox, "acme.example", ("A", "www.acme.example", "192.0.2.5"), servers={"127.0.0.53": {}})
    reply = ask("www.acme.example", "A", recursion=False)
    assert (reply.rcode(), bool(reply.flags & dns.flags.AA)) == (dns.rcode.NOERROR, False)
    assert reply.authority[0].name.to_text() == "acme.example."


def test_a_delegation_to_nowhere_can_not_be_resolved(sandbox: SandboxProcess, ask: Ask) -> None:
    put(sandbox, "acme.example", delegations={"sub.acme.example": ["ns1.nowhere.test"]})
    assert ask("www.sub.acme.example", "A").rcode() == dns.rcode.SERVFAIL
    reply = ask("www.sub.acme.example", "A", recursion=False)
    assert reply.authority[0][0].to_text() == "ns1.nowhere.test."


def test_records_in_the_rest_apis_shape_make_their_zones(sandbox: SandboxProcess, ask: Ask) -> None:
    records = [
        {"type": "MX", "name": "in.acme.co.uk", "value": "10 inbound.example", "priority": 10},
        {"type": "MX", "name": "other.test", "value": "inbound.example", "priority": 20},
    ]
    assert sandbox.control("POST", "/_sandbox/publish", {"records": records})["zones"] == ["acme.co.uk", "other.test"]
    assert values(ask("in.acme.co.uk", "MX")) == ["10 inbound.example."]
    assert values(ask("other.test", "MX")) == ["20 inbound.example."]


@pytest.mark.parametrize(("domain", "own_name"), [("shop.acme.co.uk", "shop"), ("other.test", "@")])
def test_records_by_type_may_name_the_domain_relative_to_its_zone(
    sandbox: SandboxProcess, ask: Ask, domain: str, own_name: str
) -> None:
    by_type = {
        "mx": [{"type": "MX", "name": own_name, "value": "inbound.example", "priority": 10}],
        "txt": [{"type": "TXT", "name": f"_amazonses.{domain}", "value": "token"}],
    }
    sandbox.control("POST", "/_sandbox/publish", {"domain": domain, "dnsRecords": by_type})
    assert values(ask(domain, "MX")) == ["10 inbound.example."]
    assert values(ask(f"_amazonses.{domain}", "TXT")) == ['"token"']


def test_a_record_that_can_not_be_served_is_refused(sandbox: SandboxProcess) -> None:
    with pytest.raises(RuntimeError, match="400"):
        put(sandbox, "acme.example", ("A", "acme.example", "no address"))


def test_hosted_zones_of_route_53_are_served_with_their_name_servers(sandbox: SandboxProcess, ask: Ask) -> None:
    route53 = sandbox.client("route53")
    zone = route53.create_hosted_zone(Name="acme.example", CallerReference="1")
    record = {"Name": "*.acme.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.3"}]}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone["HostedZone"]["Id"], ChangeBatch=changes)
    assert values(ask("www.acme.example", "A")) == ["192.0.2.3"]
    hosts = values(ask("acme.example", "NS"))
    assert sorted(zone["DelegationSet"]["NameServers"]) == [host.rstrip(".") for host in hosts]
    assert values(ask(hosts[0], "A")) == ["127.0.0.1"]
