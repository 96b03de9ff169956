"""What a whole check of one domain asks: 40 questions when all is well, 120 at the worst, in five seconds."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

import pytest
from pytest_django import Settings

from domains.dns.judgement import Expected, IssuedTokens
from domains.evidence import Seen, look_at
from domains.records import required_records
from tests.domains.dns_zoo import Server, Zoo, zoo

NAME = "acme.example"
SOA = "@ 60 IN SOA a. b. 1 60 60 60 60\n"
RECORDS = required_records(
    name=NAME,
    region="us-east-1",
    ownership_token="token",
    dkim_tokens=("aaa", "bbb", "ccc"),
    dkim_zone="dkim.amazonses.com",
    dmarc_value="v=DMARC1; p=none;",
    is_receiving=True,
)


def zone(servers: int, *, is_right: bool) -> str:
    text = SOA + "".join(f"@ 300 IN NS ns{number}.nic.example.\n" for number in range(servers))
    if not is_right:
        return text
    for record in RECORDS:
        owner = record.name.removesuffix(NAME).rstrip(".") or "@"
        value = f'"{record.value}"' if record.type == "TXT" else f"{record.value}."
        text += f"{owner} 60 IN {record.type} {f'{record.priority} ' if record.priority is not None else ''}{value}\n"
    return text


def park_of(servers: int, *, is_right: bool, behaviour: str = "good") -> AbstractContextManager[Zoo]:
    """A resolver that knows all, and the zone's own servers."""
    nic = SOA + "@ 60 IN NS ns0\n" + "".join(f"ns{number} 60 IN A 127.0.0.{11 + number}\n" for number in range(servers))
    held = {f"{NAME}.": zone(servers, is_right=is_right)}
    known = {
        ".": SOA,
        "nic.example.": nic,
        "amazonses.com.": SOA + '@ 60 IN TXT "v=spf1 ip4:192.0.2.0/24 -all"\n',
        **held,
    }
    own = [Server(f"127.0.0.{11 + number}", held, behaviour) for number in range(servers)]
    return zoo(Server("127.0.0.10", known), *own)


def check(park: Zoo, settings: Settings) -> Seen:
    settings.DNS_RESOLVERS = (f"127.0.0.10:{park.port}",)
    settings.DNS_AUTHORITATIVE_PORT = park.port
    expected = {
        number: Expected(str(record.purpose), record.type, record.name, record.value, record.priority)
        for number, record in enumerate(RECORDS)
    }
    issued = IssuedTokens(ownership=("token",), dkim=("aaa", "bbb", "ccc"))
    return look_at(NAME, expected, region="us-east-1", issued=issued)


@pytest.mark.parametrize("servers", [2, 4])
def test_a_domain_in_good_order_costs_at_most_forty(settings: Settings, servers: int) -> None:
    with park_of(servers, is_right=True) as park:
        seen = check(park, settings)
    assert {judgement.verdict for judgement in seen.judgements.values()} == {"ok"}
    assert seen.observation.questions_asked <= 40


@pytest.mark.parametrize("servers", [2, 4])
def test_an_empty_zone_costs_at_most_a_hundred_and_twenty(settings: Settings, servers: int) -> None:
    with park_of(servers, is_right=False) as park:
        seen = check(park, settings)
    codes = {judgement.code for judgement in seen.judgements.values()}
    assert codes == {"not_published"}
    assert seen.observation.questions_asked <= 120


@pytest.mark.parametrize("behaviour", ["silent", "servfail", "lame", "drip"])
def test_it_ends_in_five_seconds_whatever_the_servers_do(settings: Settings, behaviour: str) -> None:
    started = time.monotonic()
    with park_of(4, is_right=True, behaviour=behaviour) as park:
        seen = check(park, settings)
    # One more for a machine that is busy with other tests.
    assert time.monotonic() - started < 6
    assert seen.observation.questions_asked <= 120
    assert "missing" not in {judgement.verdict for judgement in seen.judgements.values()}
