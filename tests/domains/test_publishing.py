"""Publishing at Route 53: into the right zone, beside what others wrote, and taken back without a trace."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from django.conf import LazySettings
from django.db import connections
from django.utils import timezone

from accounts.errors import UpstreamRefusal, UpstreamTimedOut
from accounts.models import Organization
from domains.choices import Choices
from domains.models import AssignedZone, DnsHostCredential, Domain, DomainEvent, PublishedValue
from domains.options import change_options
from domains.publishing import Applied, Wishes, apply_records, plan_records
from domains.records import Purpose, SpfMode
from domains.registration import register_domain
from domains.taking_back import take_back
from domains.zone_access import NoWritableZone, find_zone
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

ALL = tuple(Purpose)
SITE = '"google-site-verification=abc"'


class Zones:
    """The customer at the console of Route 53."""

    def __init__(self, sandbox: SandboxProcess, keys: dict[str, str] | None = None) -> None:
        self.route53 = sandbox.client("route53")
        if keys is not None:
            session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
            self.route53 = session.client("route53", endpoint_url=sandbox.aws_url, region_name="us-east-1")

    def make(self, name: str, **fields: Any) -> str:
        made = self.route53.create_hosted_zone(Name=name, CallerReference=uuid.uuid4().hex, **fields)
        return str(made["HostedZone"]["Id"]).rpartition("/")[2]

    def put(self, zone_id: str, name: str, type_: str, *values: str, ttl: int = 60) -> None:
        wanted = {"Name": name, "Type": type_, "TTL": ttl, "ResourceRecords": [{"Value": value} for value in values]}
        changes = [{"Action": "UPSERT", "ResourceRecordSet": wanted}]
        self.route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})

    def records(self, zone_id: str) -> dict[tuple[str, str], list[str]]:
        """All but the SOA and NS of the apex."""
        sets = self.route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
        return {
            (each["Name"].rstrip("."), each["Type"]): [value["Value"] for value in each["ResourceRecords"]]
            for each in sets
            if each["Type"] not in ("SOA", "NS")
        }


@pytest.fixture
def zones(installation: SandboxProcess) -> Zones:
    return Zones(installation)


@pytest.fixture
def zone_id(zones: Zones) -> str:
    return zones.make("acme.example")


@pytest.fixture
def register(installation: SandboxProcess, acme: Organization) -> Callable[..., Domain]:
    def make(name: str = "acme.example", organization: Organization = acme, **options: Any) -> Domain:
        return register_domain(organization=organization, name=name, actor="test", now=timezone.now(), **options)

    return make


@pytest.fixture
def domain(register: Callable[..., Domain]) -> Domain:
    return register()


def apply(domain: Domain, *purposes: Purpose) -> Applied:
    fresh = Domain.objects.get(pk=domain.pk)
    return apply_records(domain=fresh, wishes=Wishes(purposes or ALL), actor="test", now=timezone.now())


def undo(domain: Domain, name: str = "", type_: str = "") -> bool:
    return take_back(domain=domain, name=name, type_=type_, actor="test", now=timezone.now())


# --- apply


def test_all_records_are_written_in_one_batch_and_seen_at_once(
    domain: Domain, zones: Zones, zone_id: str, sandbox: SandboxProcess
) -> None:
    applied = apply(domain)
    assert (applied.failures, applied.publication.status) == ((), "applied")
    assert all(record.is_ok for record in applied.domain.records.all())
    assert len(zones.records(zone_id)) == 7
    calls = [call["operation"] for call in sandbox.control("GET", "/_sandbox/calls")["calls"]]
    assert calls.count("ChangeResourceRecordSets") == 1


def test_a_second_time_changes_nothing(domain: Domain, zone_id: str, sandbox: SandboxProcess) -> None:
    apply(domain)
    sandbox.control("DELETE", "/_sandbox/calls")
    assert apply(domain).failures == ()
    calls = [call["operation"] for call in sandbox.control("GET", "/_sandbox/calls")["calls"]]
    assert "ChangeResourceRecordSets" not in calls
    assert PublishedValue.objects.filter(taken_back_at=None).count() == 7


def test_a_plan_says_what_would_be_done_and_writes_nothing(domain: Domain, zones: Zones, zone_id: str) -> None:
    zones.put(zone_id, "acme.example", "MX", "10 mail.elsewhere.example.")
    plan = plan_records(domain=domain, wishes=Wishes((Purpose.INBOUND, Purpose.SPF)))
    assert [(step.record.purpose, step.action) for step in plan.steps] == [("inbound", "conflict"), ("spf", "create")]
    assert zones.records(zone_id) == {("acme.example", "MX"): ["10 mail.elsewhere.example."]}


def test_values_of_others_at_the_name_stay_byte_for_byte(domain: Domain, zones: Zones, zone_id: str) -> None:
    others = [SITE, '"MS=" "ms1"', '"a \\"quoted\\" word"']
    zones.put(zone_id, "acme.example", "TXT", *others)
    assert apply(domain, Purpose.SPF).failures == ()
    assert zones.records(zone_id)[("acme.example", "TXT")] == [*others, '"v=spf1 include:amazonses.com ~all"']


def test_what_others_wrote_is_left_and_named_while_the_rest_is_written(
    domain: Domain, zones: Zones, zone_id: str
) -> None:
    foreign = {
        ("acme.example", "MX"): ["10 mail.elsewhere.example."],
        ("_dmarc.acme.example", "TXT"): ['"v=DMARC1; p=reject"'],
    }
    for (name, type_), values in foreign.items():
        zones.put(zone_id, name, type_, *values)
    applied = apply(domain)
    assert set(applied.failed_names) == {"acme.example", "_dmarc.acme.example"}
    assert applied.publication.status == "failed"
    assert "mail.elsewhere.example" in applied.publication.last_error
    found = zones.records(zone_id)
    assert foreign.items() <= found.items()
    assert sum(type_ == "CNAME" for _, type_ in found) == 3


def test_a_record_that_the_host_does_not_take_leaves_the_others_written(
    domain: Domain, zones: Zones, zone_id: str, sandbox: SandboxProcess
) -> None:
    refused = {"operation": "ChangeResourceRecordSets", "kind": "error", "code": "InvalidChangeBatch", "times": 2}
    sandbox.control("POST", "/_sandbox/faults", refused)
    applied = apply(domain, Purpose.DKIM)
    assert len(applied.failed_names) == 1
    assert len(zones.records(zone_id)) == 2
    assert set(PublishedValue.objects.values_list("name", flat=True)) == {name for name, _ in zones.records(zone_id)}


def test_a_set_that_somebody_changed_meanwhile_is_not_overwritten(
    domain: Domain, zones: Zones, zone_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    zones.put(zone_id, "acme.example", "TXT", SITE)
    from domains.dns_hosts import route53

    write = route53.Route53Zone.write
    late = iter([lambda: zones.put(zone_id, "acme.example", "TXT", SITE, '"late"')])

    def somebody_is_faster(self: route53.Route53Zone, changes: Any) -> Any:
        for act in late:
            act()
        return write(self, changes)

    monkeypatch.setattr(route53.Route53Zone, "write", somebody_is_faster)
    assert apply(domain, Purpose.SPF).failures == ()
    assert zones.records(zone_id)[("acme.example", "TXT")] == [SITE, '"late"', '"v=spf1 include:amazonses.com ~all"']


def test_a_lost_answer_is_a_failure_that_the_next_time_finds_done(
    domain: Domain, zone_id: str, sandbox: SandboxProcess
) -> None:
    lost = {"operation": "ChangeResourceRecordSets", "kind": "lose_answer"}
    sandbox.control("POST", "/_sandbox/faults", lost)
    applied = apply(domain, Purpose.INBOUND)
    assert applied.failed_names == ["acme.example"]
    assert PublishedValue.objects.get().written_at is None
    assert apply(domain, Purpose.INBOUND).failures == ()
    assert PublishedValue.objects.get().written_at is not None
    assert undo(domain)


def test_a_host_that_is_away_refuses_and_nothing_is_noted(
    domain: Domain, zone_id: str, sandbox: SandboxProcess
) -> None:
    away = {"operation": "ListHostedZonesByName", "kind": "error", "status": 500, "times": 9}
    sandbox.control("POST", "/_sandbox/faults", away)
    with pytest.raises(UpstreamRefusal) as caught:
        apply(domain)
    assert not isinstance(caught.value, UpstreamTimedOut)
    assert not PublishedValue.objects.exists()


def test_two_who_apply_at_once_write_each_record_once(domain: Domain, zones: Zones, zone_id: str) -> None:
    def work() -> list[str]:
        try:
            return apply(domain).failed_names
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=2) as pool:
        failed = [each.result() for each in [pool.submit(work) for _ in range(2)]]
    assert failed == [[], []]
    assert len(zones.records(zone_id)) == 7
    assert PublishedValue.objects.filter(taken_back_at=None, written_at__isnull=False).count() == 7


def test_a_failed_claim_starts_again(domain: Domain, zone_id: str) -> None:
    Domain.objects.update(status="failed", reason="expired")
    assert apply(domain).domain.status != "failed"
    assert DomainEvent.objects.filter(type="domain.restarted").count() == 1


# --- SPF modes


@pytest.mark.parametrize("mode", [SpfMode.OFF, SpfMode.CHECK_ONLY])
def test_without_leave_no_spf_is_written(
    register: Callable[..., Domain], zones: Zones, zone_id: str, mode: SpfMode
) -> None:
    apply(register(choices=Choices(spf_mode=mode)))
    assert ("acme.example", "TXT") not in zones.records(zone_id)


def test_an_spf_that_is_there_is_no_failure_and_stays(domain: Domain, zones: Zones, zone_id: str) -> None:
    zones.put(zone_id, "acme.example", "TXT", '"v=spf1 mx -all"')
    assert apply(domain, Purpose.SPF).failures == ()
    assert zones.records(zone_id)[("acme.example", "TXT")] == ['"v=spf1 mx -all"']


def test_a_forced_spf_replaces_and_taking_it_back_restores(
    register: Callable[..., Domain], zones: Zones, zone_id: str
) -> None:
    zones.put(zone_id, "acme.example", "TXT", SITE, '"v=spf1 mx -all"')
    domain = register(choices=Choices(spf_mode=SpfMode.FORCE_VALUE, spf_value="v=spf1 a -all"))
    apply(domain, Purpose.SPF)
    assert zones.records(zone_id)[("acme.example", "TXT")] == [SITE, '"v=spf1 a -all"']
    change_options(domain=domain, spf_value="v=spf1 ip4:192.0.2.1 -all", actor="test", now=timezone.now())
    apply(domain, Purpose.SPF)
    assert zones.records(zone_id)[("acme.example", "TXT")] == [SITE, '"v=spf1 ip4:192.0.2.1 -all"']
    assert undo(domain)
    assert zones.records(zone_id)[("acme.example", "TXT")] == [SITE, '"v=spf1 mx -all"']


# --- what we wrote


def test_what_we_wrote_and_nobody_changed_follows_the_options(domain: Domain, zones: Zones, zone_id: str) -> None:
    apply(domain, Purpose.DMARC)
    change_options(domain=domain, dmarc_policy="reject", actor="test", now=timezone.now())
    assert apply(domain, Purpose.DMARC).failures == ()
    assert zones.records(zone_id) == {("_dmarc.acme.example", "TXT"): ['"v=DMARC1; p=reject;"']}
    assert PublishedValue.objects.filter(taken_back_at=None).count() == 1


def test_what_somebody_changed_after_us_is_theirs(domain: Domain, zones: Zones, zone_id: str) -> None:
    apply(domain, Purpose.DMARC)
    zones.put(zone_id, "_dmarc.acme.example", "TXT", '"v=DMARC1; p=none; rua=mailto:me@acme.example"')
    change_options(domain=domain, dmarc_policy="reject", actor="test", now=timezone.now())
    assert apply(domain, Purpose.DMARC).failed_names == ["_dmarc.acme.example"]
    assert PublishedValue.objects.get().taken_back_at is not None
    assert not undo(domain)


def test_undoing_leaves_the_zone_as_it_was(domain: Domain, zones: Zones, zone_id: str) -> None:
    zones.put(zone_id, "acme.example", "TXT", SITE)
    zones.put(zone_id, "www.acme.example", "A", "192.0.2.1")
    before = zones.records(zone_id)
    apply(domain)
    assert zones.records(zone_id) != before
    assert undo(domain)
    assert zones.records(zone_id) == before
    assert not undo(domain)


def test_a_record_that_was_there_before_us_is_not_taken_back(domain: Domain, zones: Zones, zone_id: str) -> None:
    zones.put(zone_id, "acme.example", "MX", "10 inbound-smtp.us-east-1.amazonaws.com")
    assert apply(domain, Purpose.INBOUND).failures == ()
    assert not undo(domain, "acme.example", "MX")
    assert ("acme.example", "MX") in zones.records(zone_id)


def test_one_record_alone_is_taken_back(domain: Domain, zones: Zones, zone_id: str) -> None:
    apply(domain)
    assert undo(domain, "acme.example", "MX")
    found = zones.records(zone_id)
    assert ("acme.example", "MX") not in found
    assert len(found) == 6


def test_a_new_claim_of_the_same_organization_takes_over_what_the_old_one_wrote(
    register: Callable[..., Domain], zones: Zones, zone_id: str
) -> None:
    from channels.removal import remove_domain

    first = register()
    apply(first, Purpose.DMARC)
    remove_domain(domain=first, actor="test", now=timezone.now())
    second = register(dmarc_value="v=DMARC1; p=reject;")
    assert apply(second, Purpose.DMARC).failures == ()
    assert zones.records(zone_id) == {("_dmarc.acme.example", "TXT"): ['"v=DMARC1; p=reject;"']}


# --- which zone


def test_without_a_zone_there_is_nothing_to_write_to(domain: Domain) -> None:
    assert find_zone(domain=domain) is None
    with pytest.raises(NoWritableZone):
        apply(domain)


def test_private_zones_are_passed_over(register: Callable[..., Domain], zones: Zones, zone_id: str) -> None:
    inside = {"VPC": {"VPCRegion": "us-east-1", "VPCId": "vpc-1"}, "HostedZoneConfig": {"PrivateZone": True}}
    zones.make("mail.acme.example", **inside)
    found = find_zone(domain=register("mail.acme.example"))
    assert found is not None
    assert (found.zone_id, found.name) == (zone_id, "acme.example")


def test_the_longest_public_zone_is_written(register: Callable[..., Domain], zones: Zones, zone_id: str) -> None:
    child = zones.make("mail.acme.example")
    apply(register("x.mail.acme.example"), Purpose.INBOUND)
    assert (zones.records(zone_id), len(zones.records(child))) == ({}, 1)


def test_of_duplicate_zones_the_one_that_the_internet_is_led_to_is_written(
    domain: Domain, zones: Zones, zone_id: str
) -> None:
    others = [zones.make("acme.example") for _ in range(3)]
    apply(domain, Purpose.INBOUND)
    assert len(zones.records(zone_id)) == 1
    assert [zones.records(other) for other in others] == [{}, {}, {}]


def test_duplicate_zones_that_nobody_is_led_to_are_none(
    domain: Domain, zones: Zones, zone_id: str, installation: SandboxProcess
) -> None:
    zones.make("acme.example")
    elsewhere = {
        "servers": {"127.0.0.1": {}},
        "records": [{"type": "NS", "name": "acme.example", "value": "ns.else.example"}],
    }
    installation.control("PUT", "/_sandbox/zones/acme.example", elsewhere)
    assert find_zone(domain=domain) is None


def test_the_installations_zones_serve_only_whom_staff_assigned_them_to(
    domain: Domain, zone_id: str, settings: LazySettings, acme: Organization, globex: Organization
) -> None:
    settings.SERVES_UNASSIGNED_ZONES = False
    AssignedZone.objects.create(organization=globex, host="route53", zone_id=zone_id)
    assert find_zone(domain=domain) is None
    AssignedZone.objects.create(organization=acme, host="route53", zone_id=zone_id)
    assert find_zone(domain=domain) is not None


def test_an_organizations_own_role_writes_into_its_account(
    domain: Domain, zones: Zones, settings: LazySettings, acme: Organization, sandbox: SandboxProcess
) -> None:
    settings.SERVES_UNASSIGNED_ZONES = False
    role = "arn:aws:iam::111111111111:role/dns"
    credential = DnsHostCredential.objects.create(organization=acme, host="route53", role_arn=role)
    keys = sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName="customer")["Credentials"]
    theirs = Zones(sandbox, keys)
    zone_id = theirs.make("acme.example")
    assert apply(domain, Purpose.INBOUND).failures == ()
    assert len(theirs.records(zone_id)) == 1
    assert credential.external_id.startswith("postern-")


def test_a_role_that_does_not_trust_us_is_no_zone(
    domain: Domain, zone_id: str, settings: LazySettings, acme: Organization, sandbox: SandboxProcess
) -> None:
    settings.SERVES_UNASSIGNED_ZONES = False
    DnsHostCredential.objects.create(organization=acme, host="route53", role_arn="arn:aws:iam::1:role/no")
    sandbox.control("POST", "/_sandbox/faults", {"operation": "AssumeRole", "kind": "error", "code": "AccessDenied"})
    assert find_zone(domain=domain) is None
