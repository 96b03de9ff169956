"""Contract `domains_service`: every method, and the wire as strict readers of protobuf JSON take it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import Organization
from channels.inboxes import create_inbox
from domains.models import Domain
from domains.registration import register_domain
from tests.contracts.conftest import NOW, Api
from tests.contracts.service_client import NAME, Service
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Domain]


@pytest.fixture
def service(api: Api) -> Service:
    return Service(api)


@pytest.fixture
def zone_id(installation: SandboxProcess) -> str:
    made = installation.client("route53").create_hosted_zone(Name=NAME, CallerReference=uuid.uuid4().hex)
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


@pytest.fixture
def added(service: Service, installation: SandboxProcess) -> dict[str, Any]:
    return service.add(receive_enabled=True)


@pytest.fixture
def active(service: Service, added: dict[str, Any], publish: Callable[..., None]) -> dict[str, Any]:
    publish(Domain.objects.get())
    domain: dict[str, Any] = service("GetDomain", id=added["id"], include_dns_validation=True)["domain"]
    assert domain["verification_status"] == "VERIFICATION_STATUS_SUCCESS"
    return domain


def validation(service: Service, id: str) -> dict[str, Any]:
    found: dict[str, Any] = service("GetDomain", id=id, include_dns_validation=True)["domain"]["dns_validation"]
    return found


# --- AddDomain


def test_a_new_domain_has_the_defaults_and_waits(service: Service, installation: object) -> None:
    domain = service.add("Mail.Acme.Example.")
    assert {key: domain[key] for key in domain if key not in ("id", "created_at", "updated_at")} == {
        "name": "mail.acme.example",
        "verification_status": "VERIFICATION_STATUS_PENDING",
        "dkim_status": "VERIFICATION_STATUS_PENDING",
        "dkim_enabled": True,
        "mail_from_domain": "",
        "send_enabled": True,
        "receive_enabled": False,
        "dmarc_enabled": True,
        "spf_mode": "SPF_MODE_CREATE_IF_MISSING",
        "dmarc_policy": "DMARC_POLICY_TYPE_NONE",
        "dns_apply_state": {"status": "DNS_APPLY_STATUS_NOT_APPLIED", "applied_record_names": []},
    }


def test_the_options_of_a_new_domain_are_kept(service: Service, installation: object) -> None:
    options = {
        "dmarc_policy": "DMARC_POLICY_TYPE_REJECT",
        "dmarc_report_email": "dmarc+reports@acme.example",
        "send_enabled": False,
        "receive_enabled": True,
        "dmarc_enabled": False,
        "spf_mode": "SPF_MODE_FORCE_VALUE",
        "spf_value": "v=spf1 include:amazonses.com -all",
    }
    domain = service.add(**options)
    assert {key: domain[key] for key in options} == options


def test_a_name_that_is_taken_already_exists(
    service: Service, added: dict[str, Any], globex: Organization, make_domain: Make
) -> None:
    make_domain(globex, "globex.example", status="active")
    assert service.refused("AddDomain", domain=NAME) == (409, "already_exists")
    assert service.refused("AddDomain", domain="globex.example") == (409, "already_exists")


def test_beyond_the_quota_resources_are_exhausted(
    service: Service, added: dict[str, Any], settings: LazySettings
) -> None:
    settings.MAX_DOMAINS = 1
    assert service.refused("AddDomain", domain="more.example") == (429, "resource_exhausted")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "error", "code": "LimitExceededException"}, (429, "resource_exhausted")),
        ({"kind": "error", "status": 500, "times": 9}, (503, "unavailable")),
    ],
)
def test_what_ses_can_not_do_is_told_apart_and_leaves_nothing(
    service: Service, installation: SandboxProcess, fault: dict[str, Any], expected: tuple[int, str]
) -> None:
    installation.control("POST", "/_sandbox/faults", {"operation": "CreateEmailIdentity", **fault})
    assert service.refused("AddDomain", domain=NAME) == expected
    assert not Domain.objects.exists()


# --- GetDomain


def test_every_read_asks_ses_and_only_a_wished_one_dns(
    service: Service, added: dict[str, Any], publish: Callable[..., None]
) -> None:
    publish(Domain.objects.get())
    domain = service("GetDomain", id=added["id"])["domain"]
    assert domain["verification_status"] == domain["dkim_status"] == "VERIFICATION_STATUS_SUCCESS"
    assert "dns_validation" not in domain
    row = Domain.objects.get()
    # The MX was not looked for, so the domain still waits for it.
    assert (row.status, row.reason, row.dns_checked_at) == ("pending", "awaiting_mx", None)


@pytest.mark.parametrize("spelling", ["include_dns_validation", "includeDnsValidation", "includeValidation"])
def test_the_validation_shows_what_is_asked_for_and_what_is_there(
    service: Service, added: dict[str, Any], publish: Callable[..., None], spelling: str
) -> None:
    publish(Domain.objects.get(), "dkim", "spf")
    found = service("GetDomain", id=added["id"], **{spelling: True})["domain"]["dns_validation"]
    assert [each["record_type"] for each in found["dkim_records"]] == ["DNS_RECORD_TYPE_CNAME"] * 3
    assert found["mx_record"] == {
        "name": NAME,
        "record_type": "DNS_RECORD_TYPE_MX",
        "value": "10 inbound-smtp.us-east-1.amazonaws.com",
        "ttl": 3600,
        "exists": False,
        "valid": False,
        "requirement": "DNS_RECORD_REQUIREMENT_REQUIRED",
    }
    assert all(each["exists"] and each["valid"] for each in (*found["dkim_records"], found["spf_record"]))
    assert found["dmarc_record"]["value"] == "v=DMARC1; p=none;"
    assert (found["required_valid"], found["recommended_valid"]) == (False, False)


def test_a_wrong_record_exists_and_is_not_valid(
    service: Service, added: dict[str, Any], installation: SandboxProcess
) -> None:
    wrong = {"type": "MX", "name": NAME, "value": "10 mail.elsewhere.example"}
    installation.control("POST", "/_sandbox/publish", {"records": [wrong]})
    found = validation(service, added["id"])["mx_record"]
    assert (found["exists"], found["valid"]) == (True, False)


def test_records_that_are_not_wanted_are_not_asked_for(service: Service, installation: object) -> None:
    domain = service.add(spf_mode="OFF", dmarc_enabled=False)
    found = validation(service, domain["id"])
    assert {"mx_record", "dmarc_record", "spf_record"}.isdisjoint(found)
    # Nothing is recommended, so nothing of that is wrong.
    assert (found["required_valid"], found["recommended_valid"]) == (False, True)


@pytest.mark.parametrize(
    ("policy", "published", "is_valid"),
    [
        ("NONE", "v=DMARC1; p=none", True),
        ("NONE", "v=DMARC1; p=reject; rua=mailto:a@b.example", True),
        ("QUARANTINE", "v=DMARC1; p=none", False),
        ("REJECT", "v=DMARC1; p=reject", True),
        ("NONE", "v=DMARC1; p=nonsense", False),
    ],
)
def test_a_weaker_dmarc_policy_than_the_wished_one_is_not_valid(
    service: Service, installation: SandboxProcess, policy: str, published: str, is_valid: bool
) -> None:
    domain = service.add(dmarc_policy=policy)
    record = {"type": "TXT", "name": f"_dmarc.{NAME}", "value": published}
    installation.control("POST", "/_sandbox/publish", {"records": [record]})
    found = validation(service, domain["id"])["dmarc_record"]
    assert (found["exists"], found["valid"]) == (True, is_valid)


def test_a_forced_spf_is_valid_only_as_it_was_given(service: Service, installation: SandboxProcess) -> None:
    domain = service.add(spf_mode="FORCE_VALUE", spf_value="v=spf1 -all")
    for published, is_valid in (("v=spf1 include:amazonses.com ~all", False), ("v=spf1 -all", True)):
        records = [{"type": "TXT", "name": NAME, "value": published}]
        installation.control("PUT", f"/_sandbox/zones/{NAME}", {"records": records})
        assert validation(service, domain["id"])["spf_record"]["valid"] is is_valid


def test_while_ses_is_down_the_last_values_are_read(
    service: Service, active: dict[str, Any], installation: SandboxProcess
) -> None:
    down = {"operation": "GetIdentityVerificationAttributes", "kind": "error", "status": 500, "times": 99}
    installation.control("POST", "/_sandbox/faults", down)
    for with_dns in (False, True):
        domain = service("GetDomain", id=active["id"], include_dns_validation=with_dns)["domain"]
        assert domain["verification_status"] == "VERIFICATION_STATUS_SUCCESS"


def test_a_contested_claim_lists_its_own_token_as_required_and_waits_for_it(
    service: Service, added: dict[str, Any], globex: Organization, publish: Callable[..., None]
) -> None:
    register_domain(organization=globex, name=NAME, actor="test", now=NOW)
    claim = next(each for each in validation(service, added["id"])["dkim_records"] if "_postern" in each["name"])
    assert (claim["name"], claim["record_type"]) == (f"_postern.{NAME}", "DNS_RECORD_TYPE_TXT")
    assert claim["requirement"] == "DNS_RECORD_REQUIREMENT_REQUIRED"
    mine = Domain.objects.get(public_id=added["id"])
    publish(mine, "dkim", "ownership", "inbound")
    domain = service("GetDomain", id=added["id"], include_dns_validation=True)["domain"]
    assert domain["verification_status"] == domain["dkim_status"] == "VERIFICATION_STATUS_PENDING"
    assert not domain["dns_validation"]["required_valid"]
    publish(mine, "claim")
    domain = service("GetDomain", id=added["id"], include_dns_validation=True)["domain"]
    assert domain["verification_status"] == "VERIFICATION_STATUS_SUCCESS"


# --- UpdateDomain


def test_only_what_is_given_changes(service: Service, added: dict[str, Any]) -> None:
    changed = service("UpdateDomain", id=added["id"], dmarcPolicy="REJECT")["domain"]
    different = {key for key in changed if changed[key] != added[key]}
    assert different - {"updated_at"} == {"dmarc_policy"}
    changed = service("UpdateDomain", id=added["id"], dmarc_report_email="a@acme.example", send_enabled=False)["domain"]
    assert changed["dmarc_policy"] == "DMARC_POLICY_TYPE_REJECT"
    assert (changed["dmarc_report_email"], changed["send_enabled"]) == ("a@acme.example", False)
    assert validation(service, added["id"])["dmarc_record"]["value"] == "v=DMARC1; p=reject; rua=mailto:a@acme.example"


def test_an_empty_update_changes_nothing(service: Service, acme: Organization, make_domain: Make) -> None:
    domain = make_domain(acme, NAME)
    assert service("UpdateDomain", id=domain.public_id)["domain"]["updated_at"] == "2026-11-21T08:00:00Z"


def test_what_another_contract_proposed_keeps_its_report_address(
    service: Service, acme: Organization, make_domain: Make
) -> None:
    domain = make_domain(acme, NAME, dmarc_value=f"v=DMARC1; p=quarantine; rua=mailto:dmarc@{NAME}")
    changed = service("UpdateDomain", id=domain.public_id, dmarc_policy="REJECT")["domain"]
    assert changed["dmarc_report_email"] == f"dmarc@{NAME}"


def test_receiving_off_and_on_takes_the_receipt_rule_away_and_makes_it(
    service: Service, active: dict[str, Any], installation: SandboxProcess
) -> None:
    def rules() -> list[Any]:
        found = installation.client("ses").describe_active_receipt_rule_set()
        return [recipient for rule in found.get("Rules", []) for recipient in rule["Recipients"]]

    assert rules() == [NAME]
    off = service("UpdateDomain", id=active["id"], receive_enabled=False)["domain"]
    assert (off["receive_enabled"], rules()) == (False, [])
    service("UpdateDomain", id=active["id"], receive_enabled=True)
    assert rules() == [NAME]


def test_a_domain_that_stops_waiting_for_an_mx_becomes_active(
    service: Service, added: dict[str, Any], publish: Callable[..., None]
) -> None:
    publish(Domain.objects.get(), "dkim", "ownership")
    service("GetDomain", id=added["id"])
    assert Domain.objects.get().reason == "awaiting_mx"
    service("UpdateDomain", id=added["id"], receive_enabled=False)
    service("GetDomain", id=added["id"])
    assert Domain.objects.get().status == "active"


def test_an_spf_value_may_not_go_while_it_is_forced(service: Service, added: dict[str, Any]) -> None:
    service("UpdateDomain", id=added["id"], spf_mode="FORCE_VALUE", spf_value="v=spf1 -all")
    assert service.refused("UpdateDomain", id=added["id"], spf_value="") == (400, "invalid_argument")
    changed = service("UpdateDomain", id=added["id"], spf_mode="CHECK_ONLY", spf_value="")["domain"]
    assert "spf_value" not in changed


# --- RemoveDomain


def test_a_removed_domain_is_gone(service: Service, added: dict[str, Any]) -> None:
    assert service("RemoveDomain", id=added["id"]) == {}
    assert service.refused("RemoveDomain", id=added["id"]) == (404, "not_found")
    assert service("ListDomains")["domains"] == []


def test_a_domain_with_inboxes_is_not_removed(service: Service, acme: Organization, make_domain: Make) -> None:
    domain = make_domain(acme, NAME, status="active")
    create_inbox(organization=acme, domain=domain, local_part="info", actor="test", now=NOW)
    assert service.refused("RemoveDomain", id=domain.public_id) == (400, "failed_precondition")
    assert Domain.objects.live().exists()


# --- CheckDNSProvider, ApplyDomainRecords, DeleteDomainRecord


def test_the_provider_is_the_zone_of_route_53(service: Service, added: dict[str, Any], zone_id: str) -> None:
    assert service("CheckDNSProvider", id=added["id"]) == {
        "has_access": True,
        "provider_type": "DNS_PROVIDER_TYPE_ROUTE53",
        "route53": {"id": zone_id, "name": NAME, "record_count": 2},
    }


@pytest.mark.parametrize("code", ["AccessDenied", "ServiceUnavailable", "Throttling"])
def test_no_permission_and_no_answer_are_no_access(
    service: Service, added: dict[str, Any], zone_id: str, installation: SandboxProcess, code: str
) -> None:
    fault = {"operation": "ListHostedZonesByName", "kind": "error", "code": code, "status": 503, "times": 99}
    installation.control("POST", "/_sandbox/faults", fault | ({"status": 403} if code == "AccessDenied" else {}))
    assert service("CheckDNSProvider", id=added["id"]) == {"has_access": False}


def test_applied_records_verify_the_domain(
    service: Service, added: dict[str, Any], zone_id: str, installation: SandboxProcess
) -> None:
    applied = service("ApplyDomainRecords", id=added["id"])
    assert applied["records_failed"] == []
    state = applied["dns_apply_state"]
    assert (state["status"], state["provider_type"]) == ("DNS_APPLY_STATUS_APPLIED", "DNS_PROVIDER_TYPE_ROUTE53")
    assert state["last_attempt_at"] == state["last_success_at"]
    assert len(state["applied_record_names"]) == len(set(state["applied_record_names"])) == 5
    assert applied["dns_validation"]["required_valid"]
    assert applied["dns_validation"]["recommended_valid"]
    installation.control("POST", "/_sandbox/check")
    domain = service("GetDomain", id=added["id"])["domain"]
    assert domain["verification_status"] == domain["dkim_status"] == "VERIFICATION_STATUS_SUCCESS"
    assert domain["dns_apply_state"] == state


def test_the_record_of_ownership_is_not_written(
    service: Service, added: dict[str, Any], zone_id: str, installation: SandboxProcess
) -> None:
    service("ApplyDomainRecords", id=added["id"])
    sets = installation.client("route53").list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    assert f"_amazonses.{NAME}." not in {each["Name"] for each in sets}


def test_a_partial_failure_is_told_with_200(
    service: Service, added: dict[str, Any], zone_id: str, installation: SandboxProcess
) -> None:
    mx = {"Name": NAME, "Type": "MX", "TTL": 60, "ResourceRecords": [{"Value": "10 mail.elsewhere.example."}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": mx}]}
    installation.client("route53").change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)
    applied = service("ApplyDomainRecords", id=added["id"])
    assert applied["records_failed"] == [NAME]
    state = applied["dns_apply_state"]
    assert state["status"] == "DNS_APPLY_STATUS_APPLY_FAILED"
    assert "mail.elsewhere.example" in state["last_error"]
    assert "last_success_at" not in state
    assert not applied["dns_validation"]["mx_record"]["valid"]


def test_without_a_zone_the_precondition_fails(service: Service, added: dict[str, Any]) -> None:
    assert service("CheckDNSProvider", id=added["id"]) == {"has_access": False}
    assert service.refused("ApplyDomainRecords", id=added["id"]) == (400, "failed_precondition")
    state = service("GetDomain", id=added["id"])["domain"]["dns_apply_state"]
    assert state["status"] == "DNS_APPLY_STATUS_NOT_APPLIED"


def test_while_route_53_is_away_applying_is_unavailable(
    service: Service, added: dict[str, Any], zone_id: str, installation: SandboxProcess
) -> None:
    away = {"operation": "ListHostedZonesByName", "kind": "error", "status": 500, "times": 9}
    installation.control("POST", "/_sandbox/faults", away)
    assert service.refused("ApplyDomainRecords", id=added["id"]) == (503, "unavailable")


@pytest.mark.parametrize("name", [NAME, "ACME.example."])
def test_a_record_that_we_wrote_is_deleted_once(
    service: Service, added: dict[str, Any], zone_id: str, name: str
) -> None:
    service("ApplyDomainRecords", id=added["id"])
    gone = {"id": added["id"], "record_name": name, "record_type": "MX"}
    assert service("DeleteDomainRecord", **gone) == {"deleted": True}
    assert service("DeleteDomainRecord", **gone) == {"deleted": False}
    assert not validation(service, added["id"])["mx_record"]["exists"]
    state = service("GetDomain", id=added["id"])["domain"]["dns_apply_state"]
    # The SPF record of the same name is still there.
    assert NAME in state["applied_record_names"]


def test_deleting_what_we_did_not_write_is_a_no_op_without_a_zone_too(service: Service, added: dict[str, Any]) -> None:
    gone = {"id": added["id"], "recordName": "www.acme.example", "recordType": "TXT"}
    assert service("DeleteDomainRecord", **gone) == {"deleted": False}


# --- SendTestEmail


@pytest.mark.parametrize(
    ("fields", "addresses"),
    [
        ({"test_type": "NORMAL", "to_email": "you@elsewhere.example"}, ("test@acme.example", "you@elsewhere.example")),
        ({"testType": 2, "toEmail": "you@elsewhere.example"}, ("test@acme.example", "bounce@simulator.amazonses.com")),
        ({"test_type": "TEST_EMAIL_TYPE_COMPLAINT"}, ("complaint@simulator.amazonses.com",)),
        ({"test_type": "OOTO", "message_class": "MAILING_LIST"}, ("ooto@simulator.amazonses.com",)),
        ({"test_type": "OOTO", "from_email": "Info@ACME.example"}, ("Info@acme.example",)),
    ],
)
def test_a_test_mail_says_where_it_went(
    service: Service, active: dict[str, Any], fields: dict[str, Any], addresses: tuple[str, ...]
) -> None:
    sent = service("SendTestEmail", id=active["id"], **fields)
    assert sent["message_id"]
    assert all(address in sent["note"] for address in addresses)
    assert "submission_id" not in sent
    assert Domain.objects.get().sent_count == 1


def test_the_sender_alone_names_the_domain(service: Service, active: dict[str, Any]) -> None:
    assert service("SendTestEmail", from_email="info@acme.example", test_type="BOUNCE")["message_id"]


@pytest.mark.parametrize(
    "fields",
    [
        {"from_email": "info@globex.example"},
        {"from_email": "info@nowhere.example"},
        {"from_email": "info@sub.acme.example"},
    ],
)
def test_a_sender_of_others_fails_the_precondition(
    service: Service, active: dict[str, Any], globex: Organization, make_domain: Make, fields: dict[str, Any]
) -> None:
    make_domain(globex, "globex.example", status="active")
    assert service.refused("SendTestEmail", test_type="BOUNCE", **fields) == (400, "failed_precondition")
    refused = service.refused("SendTestEmail", test_type="BOUNCE", id=active["id"], **fields)
    assert refused == (400, "failed_precondition")


def test_an_unverified_domain_does_not_send(service: Service, added: dict[str, Any]) -> None:
    refused = service.refused("SendTestEmail", id=added["id"], test_type="BOUNCE")
    assert refused == (400, "failed_precondition")


def test_a_domain_that_shall_not_send_does_not(service: Service, active: dict[str, Any]) -> None:
    service("UpdateDomain", id=active["id"], send_enabled=False)
    refused = service.refused("SendTestEmail", id=active["id"], test_type="BOUNCE")
    assert refused == (400, "failed_precondition")


def test_the_test_mails_of_a_day_are_limited(service: Service, active: dict[str, Any], settings: LazySettings) -> None:
    settings.MAX_TEST_MAILS_PER_DAY = 1
    assert service("SendTestEmail", id=active["id"], test_type="BOUNCE")["message_id"]
    refused = service.refused("SendTestEmail", id=active["id"], test_type="BOUNCE")
    assert refused == (429, "resource_exhausted")
