"""Route 53: the zone of a name, its record sets, changes."""

from __future__ import annotations

import uuid

import pytest

from aws.clients import call
from aws.errors import AwsRefused, AwsTimedOut
from aws.hosted_zones import (
    RecordChange,
    RecordSet,
    change_records,
    public_zones,
    record_sets,
    wait_until_insync,
)
from aws.pacing import Caller, person
from aws.roles import assume_role
from aws.zone_text import txt_value
from tests.aws.scripted_endpoint import Answer, ScriptedEndpoint


@pytest.fixture
def caller() -> Caller:
    return person(20)


@pytest.fixture
def zone_id(sandbox: object) -> str:
    return make_zone("acme.example")


def make_zone(name: str) -> str:
    answer = call(
        service="route53",
        region="us-east-1",
        operation="CreateHostedZone",
        Name=name,
        CallerReference=uuid.uuid4().hex,
    )
    return str(answer["HostedZone"]["Id"]).rpartition("/")[2]


def test_a_zone_is_found_by_any_name_in_it(zone_id: str, caller: Caller) -> None:
    for name in ("acme.example", "Mail.ACME.example."):
        (zone,) = public_zones(name=name, caller=caller)
        assert (zone.zone_id, zone.name) == (zone_id, "acme.example")
        assert zone.name_servers


def test_the_zone_with_the_longest_suffix_is_found(zone_id: str, caller: Caller) -> None:
    child = make_zone("mail.acme.example")
    assert [zone.zone_id for zone in public_zones(name="x.mail.acme.example", caller=caller)] == [child]


def test_duplicate_zones_are_all_shown(zone_id: str, caller: Caller) -> None:
    other = make_zone("acme.example")
    assert {zone.zone_id for zone in public_zones(name="acme.example", caller=caller)} == {zone_id, other}


@pytest.mark.parametrize("name", ["globex.example", "notacme.example", "example"])
def test_a_name_of_no_zone_has_none(zone_id: str, name: str, caller: Caller) -> None:
    assert public_zones(name=name, caller=caller) == ()


def test_a_change_is_read_back_and_undone(zone_id: str, caller: Caller) -> None:
    record_set = RecordSet("_amazonses.acme.example", "TXT", 300, (txt_value("token"),))
    change_id = change_records(zone_id=zone_id, changes=[RecordChange("CREATE", record_set)], caller=caller)
    wait_until_insync(change_id=change_id, caller=caller)
    assert record_sets(zone_id=zone_id, name="_amazonses.acme.example", caller=caller) == (record_set,)
    change_records(zone_id=zone_id, changes=[RecordChange("DELETE", record_set)], caller=caller)
    assert record_sets(zone_id=zone_id, name="_amazonses.acme.example", caller=caller) == ()


def test_only_the_sets_of_exactly_this_name_are_read(zone_id: str, caller: Caller) -> None:
    found = record_sets(zone_id=zone_id, name="acme.example", caller=caller)
    assert {record_set.record_type for record_set in found} == {"NS", "SOA"}


def test_a_zone_that_is_not_there_is_refused(sandbox: object, caller: Caller) -> None:
    with pytest.raises(AwsRefused) as caught:
        record_sets(zone_id="ZNONE", name="acme.example", caller=caller)
    assert caught.value.is_not_found


def test_the_wait_for_the_servers_ends_with_the_callers_patience(scripted: ScriptedEndpoint) -> None:
    pending = (
        "<GetChangeResponse><ChangeInfo><Id>/change/C</Id><Status>PENDING</Status></ChangeInfo></GetChangeResponse>"
    )
    scripted.answers = [Answer(body=pending.encode())]
    with pytest.raises(AwsTimedOut):
        wait_until_insync(change_id="C", caller=person(1))


def test_an_assumed_role_reads_zones_with_its_own_keys(zone_id: str, caller: Caller) -> None:
    keys = assume_role(role_arn="arn:aws:iam::111111111111:role/dns", external_id="postern-1", caller=caller)
    assert keys.session_token
    assert public_zones(name="acme.example", caller=caller, credentials=keys) is not None


def test_each_zone_has_name_servers_of_its_own(zone_id: str, caller: Caller) -> None:
    make_zone("acme.example")
    first, second = public_zones(name="acme.example", caller=caller)
    assert not set(first.name_servers) & set(second.name_servers)


def test_a_set_that_is_not_as_it_was_read_is_not_deleted(zone_id: str, caller: Caller) -> None:
    here = RecordSet("acme.example", "TXT", 300, (txt_value("mine"), txt_value("late")))
    change_records(zone_id=zone_id, changes=[RecordChange("CREATE", here)], caller=caller)
    read = RecordSet("acme.example", "TXT", 300, (txt_value("mine"),))
    with pytest.raises(AwsRefused, match="InvalidChangeBatch"):
        change_records(zone_id=zone_id, changes=[RecordChange("DELETE", read)], caller=caller)
