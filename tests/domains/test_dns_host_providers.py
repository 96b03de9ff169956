"""One suite for every DNS host that we write at: what we may change there, and that undoing leaves no trace."""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.encryption import encrypt
from accounts.errors import UpstreamRefusal, UpstreamTimedOut
from accounts.models import Organization
from aws.zone_text import txt_text, txt_value
from domains.models import DnsHostCredential, Domain, PublishedValue
from domains.publishing import Applied, HostRefusedChange, Plan, Wishes, apply_records, plan_records
from domains.records import Purpose
from domains.registration import register_domain
from domains.taking_back import Undoing, plan_undoing, undo_records
from domains.zone_access import NoWritableZone, find_zone
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

D = "acme.example"
SES_MX = "10 inbound-smtp.us-east-1.amazonaws.com"
OTHER_MX = "10 mail.elsewhere.example"
SITE = "google-site-verification=abc"
OTHER_SPF = "v=spf1 include:_spf.elsewhere.example mx -all"
MERGED = "v=spf1 include:_spf.elsewhere.example mx include:amazonses.com -all"
ROLE = "arn:aws:iam::111111111111:role/dns"


class Console:
    """The customer at their DNS host's console; values as people write them: TXT bare, MX as `10 host`."""

    # What the sandbox calls the host's operations, for faults and for counting.
    list_zones: str
    write: str
    throttled: dict[str, Any]
    refused: dict[str, Any]

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox

    def connect(self, organization: Organization) -> DnsHostCredential:
        raise NotImplementedError

    def make(self, name: str) -> str:
        raise NotImplementedError

    def put(self, zone_id: str, name: str, type_: str, *values: str) -> None:
        """The set of this name and type is these values from now on."""
        raise NotImplementedError

    def records(self, zone_id: str) -> dict[tuple[str, str], list[str]]:
        """All but the SOA and NS of the apex, values sorted."""
        raise NotImplementedError

    def fault(self, operation: str, **fields: Any) -> None:
        self.sandbox.control("POST", "/_sandbox/faults", {"operation": operation, **fields})

    def writes(self) -> int:
        calls = self.sandbox.control("GET", "/_sandbox/calls")["calls"]
        return sum(call["operation"] == self.write and call.get("status") == 200 for call in calls)


class Route53Console(Console):
    list_zones = "ListHostedZonesByName"
    write = "ChangeResourceRecordSets"
    throttled = {"kind": "error", "code": "Throttling", "times": 9}
    refused = {"kind": "error", "code": "InvalidChangeBatch"}

    def __init__(self, sandbox: SandboxProcess, role: str = ROLE) -> None:
        super().__init__(sandbox)
        self.role = role
        keys = sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName="customer")["Credentials"]
        session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        self.route53 = session.client("route53", endpoint_url=sandbox.aws_url, region_name="us-east-1")

    def connect(self, organization: Organization) -> DnsHostCredential:
        return DnsHostCredential.objects.create(organization=organization, host="route53", role_arn=self.role)

    def make(self, name: str) -> str:
        made = self.route53.create_hosted_zone(Name=name, CallerReference=uuid.uuid4().hex)
        return str(made["HostedZone"]["Id"]).rpartition("/")[2]

    def put(self, zone_id: str, name: str, type_: str, *values: str) -> None:
        shown = [txt_value(value) if type_ == "TXT" else value for value in values]
        wanted = {"Name": name, "Type": type_, "TTL": 60, "ResourceRecords": [{"Value": value} for value in shown]}
        changes = [{"Action": "UPSERT", "ResourceRecordSet": wanted}]
        self.route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})

    def records(self, zone_id: str) -> dict[tuple[str, str], list[str]]:
        sets = self.route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
        return {
            (each["Name"].rstrip("."), each["Type"]): sorted(
                txt_text(value["Value"]) if each["Type"] == "TXT" else value["Value"].rstrip(".")
                for value in each["ResourceRecords"]
            )
            for each in sets
            if each["Type"] not in ("SOA", "NS")
        }


class CloudflareConsole(Console):
    list_zones = "ListZones"
    write = "BatchDnsRecords"
    throttled = {"kind": "error", "code": "971", "status": 429}
    refused = {"kind": "error", "code": "9005", "status": 400}

    def __init__(self, sandbox: SandboxProcess) -> None:
        super().__init__(sandbox)
        self.token = sandbox.control("POST", "/_sandbox/cloudflare", {})["token"]

    def connect(self, organization: Organization) -> DnsHostCredential:
        return DnsHostCredential.objects.create(organization=organization, host="cloudflare", token=encrypt(self.token))

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.sandbox.aws_url}/client/v4{path}", data=data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())["result"]

    def make(self, name: str) -> str:
        return str(self.ask("POST", "/zones", {"name": name})["id"])

    def put(self, zone_id: str, name: str, type_: str, *values: str, **fields: Any) -> None:
        path = f"/zones/{zone_id}/dns_records"
        there = self.ask("GET", f"{path}?name={name}&type={type_}")
        posts = []
        for value in values:
            record: dict[str, Any] = {"type": type_, "name": name, "ttl": 60, "content": value, **fields}
            if type_ == "MX":
                priority, record["content"] = value.split()
                record["priority"] = int(priority)
            posts.append(record)
        self.ask("POST", f"{path}/batch", {"deletes": [{"id": each["id"]} for each in there], "posts": posts})

    def records(self, zone_id: str) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for each in self.ask("GET", f"/zones/{zone_id}/dns_records?per_page=100"):
            content = each["content"]
            if each["type"] == "TXT" and content.startswith('"'):
                content = txt_text(content)
            value = f"{each['priority']} {content}" if each["type"] == "MX" else content
            found.setdefault((each["name"], each["type"]), []).append(value)
        return {place: sorted(values) for place, values in found.items()}


CONSOLES: dict[str, type[Console]] = {"route53": Route53Console, "cloudflare": CloudflareConsole}


@pytest.fixture(autouse=True)
def _own_zones_only(settings: LazySettings) -> None:
    settings.SERVES_UNASSIGNED_ZONES = False


@pytest.fixture(params=sorted(CONSOLES))
def console(request: pytest.FixtureRequest, installation: SandboxProcess, acme: Organization) -> Console:
    made: Console = CONSOLES[request.param](installation)
    made.connect(acme)
    return made


@pytest.fixture
def zone_id(console: Console) -> str:
    return console.make(D)


@pytest.fixture
def register(installation: SandboxProcess, acme: Organization) -> Callable[..., Domain]:
    def make(name: str = D, organization: Organization = acme, **options: Any) -> Domain:
        return register_domain(organization=organization, name=name, actor="test", now=timezone.now(), **options)

    return make


@pytest.fixture
def domain(register: Callable[..., Domain]) -> Domain:
    return register()


def wishes(*purposes: Purpose, confirmed: dict[str, list[str]] | None = None) -> Wishes:
    return Wishes(purposes or tuple(Purpose), merges_spf=True, confirmed=confirmed or {})


def plan(domain: Domain, *purposes: Purpose, **more: Any) -> Plan:
    return plan_records(domain=Domain.objects.get(pk=domain.pk), wishes=wishes(*purposes, **more))


def apply(domain: Domain, *purposes: Purpose, **more: Any) -> Applied:
    fresh = Domain.objects.get(pk=domain.pk)
    return apply_records(domain=fresh, wishes=wishes(*purposes, **more), actor="test", now=timezone.now())


def undo(domain: Domain) -> Undoing | None:
    return undo_records(domain=domain, actor="test", now=timezone.now())


def actions(plan: Plan) -> dict[str, str]:
    return {step.record.purpose.value: step.action.value for step in plan.steps}


def place(console: Console, zone_id: str, type_: str, name: str = D) -> list[str]:
    return console.records(zone_id).get((name, type_), [])


# --- preview


def test_a_preview_tells_what_is_created_replaced_kept_and_in_conflict(
    domain: Domain, console: Console, zone_id: str
) -> None:
    console.put(zone_id, D, "MX", OTHER_MX)
    console.put(zone_id, D, "TXT", SITE, OTHER_SPF)
    console.put(zone_id, f"_dmarc.{D}", "TXT", domain.dmarc_value)
    before = console.records(zone_id)
    found = plan(domain, Purpose.INBOUND, Purpose.SPF, Purpose.DMARC, Purpose.OWNERSHIP)
    assert actions(found) == {"inbound": "conflict", "ownership": "create", "spf": "replace", "dmarc": "keep"}
    (spf,) = [step for step in found.steps if step.record.purpose == Purpose.SPF]
    assert spf.before is not None
    assert spf.after is not None
    assert (sorted(spf.before.values), sorted(spf.after.values)) == ([SITE, OTHER_SPF], [SITE, MERGED])
    assert console.records(zone_id) == before


# --- apply


def test_all_is_written_in_one_batch_and_found_at_once(domain: Domain, console: Console, zone_id: str) -> None:
    applied = apply(domain)
    assert applied.failures == ()
    assert all(record.is_ok for record in applied.domain.records.all())
    assert place(console, zone_id, "MX") == [SES_MX]
    assert (console.writes(), len(console.records(zone_id))) == (1, 7)


def test_doing_it_twice_changes_nothing(domain: Domain, console: Console, zone_id: str) -> None:
    apply(domain)
    before = console.records(zone_id)
    assert apply(domain).failures == ()
    assert (console.writes(), console.records(zone_id)) == (1, before)
    assert PublishedValue.objects.filter(taken_back_at=None).count() == 7


def test_a_foreign_mx_stays_until_the_owner_says_so(domain: Domain, console: Console, zone_id: str) -> None:
    console.put(zone_id, D, "MX", OTHER_MX, "20 backup.elsewhere.example")
    assert apply(domain, Purpose.INBOUND).failed_names == [D]
    # What was confirmed is not what stands there: somebody changed it since the preview.
    assert apply(domain, Purpose.INBOUND, confirmed={D: [OTHER_MX]}).failed_names == [D]
    assert len(place(console, zone_id, "MX")) == 2
    seen = [OTHER_MX, "20 backup.elsewhere.example"]
    assert apply(domain, Purpose.INBOUND, confirmed={D: seen}).failures == ()
    assert place(console, zone_id, "MX") == [SES_MX]
    assert undo(domain) is not None
    assert place(console, zone_id, "MX") == sorted(seen)


def test_a_foreign_cname_and_dmarc_are_left_and_the_rest_is_written(
    domain: Domain, console: Console, zone_id: str
) -> None:
    dkim = domain.records.filter(purpose="dkim")[0]
    console.put(zone_id, dkim.name, "CNAME", "elsewhere.example")
    console.put(zone_id, f"_dmarc.{D}", "TXT", "v=DMARC1; p=reject")
    applied = apply(domain)
    assert set(applied.failed_names) == {dkim.name, f"_dmarc.{D}"}
    assert place(console, zone_id, "CNAME", dkim.name) == ["elsewhere.example"]
    assert place(console, zone_id, "TXT", f"_dmarc.{D}") == ["v=DMARC1; p=reject"]
    assert place(console, zone_id, "MX") == [SES_MX]


def test_an_spf_record_is_merged_beside_others_and_put_back(domain: Domain, console: Console, zone_id: str) -> None:
    console.put(zone_id, D, "TXT", OTHER_SPF, SITE, 'a "quoted" \\ word')
    before = console.records(zone_id)
    assert apply(domain, Purpose.SPF).failures == ()
    assert place(console, zone_id, "TXT") == sorted([MERGED, SITE, 'a "quoted" \\ word'])
    assert apply(domain, Purpose.SPF).failures == ()
    undo(domain)
    assert console.records(zone_id) == before


@pytest.mark.parametrize("broken", [("v=spf1 mx -all", "v=spf1 a -all"), ("v=spf1 incude:x.example -all",)])
def test_an_spf_record_that_is_wrong_is_not_merged(
    domain: Domain, console: Console, zone_id: str, broken: tuple[str, ...]
) -> None:
    console.put(zone_id, D, "TXT", *broken)
    assert apply(domain, Purpose.SPF).failed_names == [D]
    assert place(console, zone_id, "TXT") == sorted(broken)


def test_a_record_that_is_refused_leaves_the_others_written(domain: Domain, console: Console, zone_id: str) -> None:
    console.fault(console.write, **console.refused, times=2)
    applied = apply(domain, Purpose.DKIM)
    assert (len(applied.failed_names), len(applied.steps), len(console.records(zone_id))) == (1, 2, 2)
    written = set(PublishedValue.objects.values_list("name", flat=True))
    assert written == {name for name, _ in console.records(zone_id)}


def test_a_lost_answer_leaves_its_intent_and_the_next_time_finds_it_done(
    domain: Domain, console: Console, zone_id: str
) -> None:
    console.fault(console.write, kind="lose_answer")
    assert apply(domain, Purpose.INBOUND).failed_names == [D]
    assert PublishedValue.objects.get().written_at is None
    assert place(console, zone_id, "MX") == [SES_MX]
    assert apply(domain, Purpose.INBOUND).failures == ()
    assert PublishedValue.objects.get().written_at is not None
    undo(domain)
    assert console.records(zone_id) == {}


# --- undo


def test_undoing_shows_what_it_does_and_leaves_the_zone_as_it_was(
    domain: Domain, console: Console, zone_id: str
) -> None:
    console.put(zone_id, D, "TXT", SITE)
    console.put(zone_id, f"www.{D}", "A", "192.0.2.1")
    before = console.records(zone_id)
    apply(domain)
    preview = plan_undoing(domain=domain)
    done = undo(domain)
    assert preview is not None
    assert done is not None
    assert (preview.changes, len(done.changes)) == (done.changes, 7)
    assert console.records(zone_id) == before
    assert (undo(domain), plan_undoing(domain=domain)) == (None, None)
    assert console.records(zone_id) == before


def test_what_somebody_changed_since_is_theirs(domain: Domain, console: Console, zone_id: str) -> None:
    apply(domain, Purpose.DMARC, Purpose.INBOUND)
    console.put(zone_id, f"_dmarc.{D}", "TXT", "v=DMARC1; p=reject")
    undo(domain)
    assert console.records(zone_id) == {(f"_dmarc.{D}", "TXT"): ["v=DMARC1; p=reject"]}


def test_what_gave_way_does_not_come_back_beside_what_came_since(
    domain: Domain, console: Console, zone_id: str
) -> None:
    console.put(zone_id, D, "MX", OTHER_MX)
    apply(domain, Purpose.INBOUND, confirmed={D: [OTHER_MX]})
    console.put(zone_id, D, "MX", SES_MX, "5 new.example")
    undo(domain)
    # At Route 53 the set still has our value; a record of one's own with the same value is not ours.
    assert "5 new.example" in place(console, zone_id, "MX")
    assert OTHER_MX not in place(console, zone_id, "MX")


# --- which zone, and whose


def test_the_zone_of_the_longest_name_is_written(
    register: Callable[..., Domain], console: Console, zone_id: str
) -> None:
    child = console.make(f"mail.{D}")
    apply(register(f"x.mail.{D}"), Purpose.INBOUND)
    assert (console.records(zone_id), len(console.records(child))) == ({}, 1)


def test_of_zones_of_one_name_at_two_hosts_the_one_that_is_delegated_to_is_written(
    domain: Domain, installation: SandboxProcess, acme: Organization
) -> None:
    consoles = [CONSOLES[key](installation) for key in ("cloudflare", "route53")]
    ids = []
    for each in consoles:
        each.connect(acme)
        ids.append(each.make(D))
    apply(domain, Purpose.INBOUND)
    # The sandbox's registrar leads to Route 53 where both have the name.
    assert [len(each.records(id_)) for each, id_ in zip(consoles, ids, strict=True)] == [0, 1]


def test_nothing_of_another_organizations_zone_is_seen(
    console: Console, zone_id: str, register: Callable[..., Domain], globex: Organization
) -> None:
    theirs = register(D, globex)
    assert find_zone(domain=theirs) is None
    with pytest.raises(NoWritableZone):
        apply(theirs)
    assert console.records(zone_id) == {}


# --- a host that does not do as it should


def test_a_throttled_host_is_a_refusal_and_nothing_is_noted(domain: Domain, console: Console, zone_id: str) -> None:
    console.fault(console.list_zones, **console.throttled)
    with pytest.raises(UpstreamRefusal):
        apply(domain)
    assert not PublishedValue.objects.exists()


def test_a_host_that_throttles_the_write_leaves_no_intent(domain: Domain, console: Console, zone_id: str) -> None:
    console.fault(console.write, **console.throttled)
    assert apply(domain, Purpose.INBOUND).failed_names == [D]
    assert (console.records(zone_id), PublishedValue.objects.count()) == ({}, 0)


def test_a_host_that_is_silent_is_told_as_silent(domain: Domain, console: Console, zone_id: str) -> None:
    from domains import publishing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "PERSON_SECONDS", 1.0)
        console.fault(console.list_zones, kind="delay", seconds=2.5, times=3)
        with pytest.raises(UpstreamTimedOut):
            apply(domain)


# --- of Cloudflare alone


@pytest.fixture
def cloudflare(installation: SandboxProcess, acme: Organization) -> CloudflareConsole:
    made = CloudflareConsole(installation)
    made.connect(acme)
    return made


def test_a_token_that_has_ended_is_no_zone_and_says_why(
    domain: Domain, cloudflare: CloudflareConsole, installation: SandboxProcess
) -> None:
    cloudflare.make(D)
    installation.control("POST", "/_sandbox/cloudflare", {"token": cloudflare.token, "status": "expired"})
    assert find_zone(domain=domain) is None
    assert "Invalid access token" in DnsHostCredential.objects.get().last_error


def test_a_token_that_may_only_read_shows_a_plan_and_fails_to_apply(
    domain: Domain, cloudflare: CloudflareConsole, installation: SandboxProcess
) -> None:
    read = {"token": cloudflare.token, "may": "read", "zones": [D]}
    installation.control("POST", "/_sandbox/cloudflare", read)
    assert actions(plan(domain, Purpose.INBOUND)) == {"inbound": "create"}
    (failure,) = apply(domain, Purpose.INBOUND).failures
    assert "does not take the token" in failure.reason


def test_a_proxied_record_is_left_and_told(domain: Domain, cloudflare: CloudflareConsole) -> None:
    zone_id = cloudflare.make(D)
    dkim = domain.records.filter(purpose="dkim")[0]
    cloudflare.put(zone_id, dkim.name, "CNAME", dkim.value, proxied=True)
    (failure,) = apply(domain, Purpose.DKIM).failures
    assert (failure.name, "proxied" in failure.reason) == (dkim.name, True)


def test_a_flattened_cname_at_the_apex_is_no_hindrance(domain: Domain, cloudflare: CloudflareConsole) -> None:
    zone_id = cloudflare.make(D)
    cloudflare.put(zone_id, D, "CNAME", "site.elsewhere.example")
    assert apply(domain, Purpose.INBOUND, Purpose.SPF).failures == ()
    assert len(cloudflare.records(zone_id)) == 3


def test_records_are_made_unproxied_and_quoted(domain: Domain, cloudflare: CloudflareConsole) -> None:
    zone_id = cloudflare.make(D)
    apply(domain)
    made = cloudflare.ask("GET", f"/zones/{zone_id}/dns_records?per_page=100")
    assert {record["proxied"] for record in made} == {False}
    assert all(record["content"].startswith('"') for record in made if record["type"] == "TXT")
    noted = set(PublishedValue.objects.values_list("host_record_id", flat=True))
    assert noted == {record["id"] for record in made}


def test_a_record_that_somebody_made_again_with_our_value_is_theirs(
    domain: Domain, cloudflare: CloudflareConsole
) -> None:
    zone_id = cloudflare.make(D)
    apply(domain, Purpose.INBOUND)
    cloudflare.put(zone_id, D, "MX")
    cloudflare.put(zone_id, D, "MX", SES_MX)
    undo(domain)
    assert place(cloudflare, zone_id, "MX") == [SES_MX]


def test_zones_and_records_are_found_on_later_pages(
    register: Callable[..., Domain], cloudflare: CloudflareConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    from domains.dns_hosts import cloudflare as provider

    monkeypatch.setattr(provider, "RECORDS_A_PAGE", 2)
    zone_id = cloudflare.make(D)
    cloudflare.put(zone_id, D, "TXT", "one", "two", "three", OTHER_SPF)
    assert actions(plan(register(), Purpose.SPF)) == {"spf": "replace"}


def test_what_somebody_changed_between_look_and_write_is_planned_again(
    domain: Domain, cloudflare: CloudflareConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    from domains.dns_hosts.cloudflare import CloudflareZone

    zone_id = cloudflare.make(D)
    write = CloudflareZone.write
    late = iter([lambda: cloudflare.put(zone_id, D, "MX", OTHER_MX)])

    def somebody_is_faster(self: CloudflareZone, changes: Any) -> Any:
        for act in late:
            act()
        return write(self, changes)

    monkeypatch.setattr(CloudflareZone, "write", somebody_is_faster)
    assert apply(domain, Purpose.INBOUND).failed_names == [D]
    assert place(cloudflare, zone_id, "MX") == [OTHER_MX]


def test_an_undoing_that_the_host_refuses_says_so_and_can_be_tried_again(
    domain: Domain, cloudflare: CloudflareConsole
) -> None:
    zone_id = cloudflare.make(D)
    apply(domain, Purpose.INBOUND)
    cloudflare.fault(cloudflare.write, **cloudflare.refused)
    with pytest.raises(HostRefusedChange):
        undo(domain)
    assert undo(domain) is not None
    assert cloudflare.records(zone_id) == {}
