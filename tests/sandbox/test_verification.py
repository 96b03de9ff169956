"""SES identities become verified, and lose it, by what the sandbox's DNS serves and by its clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import dkim_records
from tests.sandbox_process import SandboxProcess

HOURS_73 = {"advance_seconds": 73 * 3600}


@pytest.fixture
def tokens(sandbox: SandboxProcess) -> list[str]:
    """acme.example is an identity; its DKIM tokens."""
    answer = sandbox.client("sesv2").create_email_identity(EmailIdentity="acme.example")
    found: list[str] = answer["DkimAttributes"]["Tokens"]
    return found


@pytest.fixture
def status(sandbox: SandboxProcess) -> Callable[[], tuple[str, str, str]]:
    """(verification, DKIM, ErrorType) as SES says now."""

    def read() -> tuple[str, str, str]:
        sandbox.control("POST", "/_sandbox/check")
        found: Any = sandbox.client("sesv2").get_email_identity(EmailIdentity="acme.example")
        error = found["VerificationInfo"].get("ErrorType", "")
        return found["VerificationStatus"], found["DkimAttributes"]["Status"], error

    return read


Status = Callable[[], tuple[str, str, str]]


def publish(sandbox: SandboxProcess, records: list[dict[str, str]], **more: Any) -> None:
    sandbox.control("PUT", "/_sandbox/zones/acme.example", {"records": records, **more})


def test_three_cnames_verify_the_identity_and_its_dkim(
    sandbox: SandboxProcess, tokens: list[str], status: Status
) -> None:
    assert status() == ("PENDING", "PENDING", "HOST_NOT_FOUND")
    publish(sandbox, dkim_records("acme.example", tokens[:2]))
    assert status()[:2] == ("PENDING", "PENDING")
    publish(sandbox, dkim_records("acme.example", tokens))
    assert status() == ("SUCCESS", "SUCCESS", "")


def test_whoever_asks_after_a_change_of_dns_hears_what_it_serves_now(
    sandbox: SandboxProcess, tokens: list[str]
) -> None:
    ask = sandbox.client("ses").get_identity_verification_attributes

    def now_said() -> str:
        said: Any = ask(Identities=["acme.example"])["VerificationAttributes"]
        return str(said["acme.example"]["VerificationStatus"])

    assert now_said() == "Pending"
    publish(sandbox, dkim_records("acme.example", tokens))
    assert now_said() == "Success"


def test_the_ownership_token_verifies_the_identity_alone(
    sandbox: SandboxProcess, tokens: list[str], status: Status
) -> None:
    token = sandbox.client("ses").verify_domain_identity(Domain="acme.example")["VerificationToken"]
    record = {"type": "TXT", "name": "_amazonses.acme.example", "value": token}
    publish(sandbox, [{**record, "value": token + "x"}])
    assert status() == ("PENDING", "PENDING", "INVALID_VALUE")
    publish(sandbox, [record])
    assert status()[:2] == ("SUCCESS", "PENDING")


def test_hosted_zones_count_as_dns(sandbox: SandboxProcess, tokens: list[str], status: Status) -> None:
    route53 = sandbox.client("route53")
    zone_id = route53.create_hosted_zone(Name="acme.example", CallerReference="1")["HostedZone"]["Id"]
    assert status() == ("PENDING", "PENDING", "TYPE_NOT_FOUND")
    changes = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": record["name"],
                "Type": "CNAME",
                "TTL": 60,
                "ResourceRecords": [{"Value": record["value"]}],
            },
        }
        for record in dkim_records("acme.example", tokens)
    ]
    route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
    assert status()[:2] == ("SUCCESS", "SUCCESS")


def test_servers_that_do_not_answer_verify_nothing(sandbox: SandboxProcess, tokens: list[str], status: Status) -> None:
    servers = {"127.0.0.53": {"behaviour": "servfail"}}
    publish(sandbox, dkim_records("acme.example", tokens), servers=servers)
    assert status() == ("PENDING", "PENDING", "DNS_SERVER_ERROR")


def test_after_72_hours_without_records_it_has_failed_until_it_is_restarted(
    sandbox: SandboxProcess, tokens: list[str], status: Status
) -> None:
    sandbox.control("POST", "/_sandbox/clock", HOURS_73)
    assert status()[:2] == ("FAILED", "FAILED")
    publish(sandbox, dkim_records("acme.example", tokens))
    assert status()[:2] == ("FAILED", "FAILED")
    v1 = sandbox.client("ses")
    v1.verify_domain_identity(Domain="acme.example")
    v1.verify_domain_dkim(Domain="acme.example")
    assert status()[:2] == ("SUCCESS", "SUCCESS")


def test_lost_records_fail_it_after_72_hours_of_temporary_failure(
    sandbox: SandboxProcess, tokens: list[str], status: Status
) -> None:
    publish(sandbox, dkim_records("acme.example", tokens))
    assert status()[:2] == ("SUCCESS", "SUCCESS")
    publish(sandbox, [])
    assert status()[:2] == ("TEMPORARY_FAILURE", "TEMPORARY_FAILURE")
    publish(sandbox, dkim_records("acme.example", tokens))
    assert status()[:2] == ("SUCCESS", "SUCCESS")
    publish(sandbox, [])
    assert status()[0] == "TEMPORARY_FAILURE"
    sandbox.control("POST", "/_sandbox/clock", HOURS_73)
    assert status()[:2] == ("FAILED", "FAILED")


def test_the_mail_from_domain_needs_its_one_mx(sandbox: SandboxProcess, tokens: list[str], status: Status) -> None:
    v2 = sandbox.client("sesv2")
    v2.put_email_identity_mail_from_attributes(EmailIdentity="acme.example", MailFromDomain="b.acme.example")
    record = {"type": "MX", "name": "b.acme.example", "value": "10 feedback-smtp.us-east-1.amazonses.com"}
    publish(sandbox, [record, {**record, "value": "20 elsewhere.example"}])
    for expected in ("PENDING", "SUCCESS"):
        status()
        found = v2.get_email_identity(EmailIdentity="acme.example")["MailFromAttributes"]
        assert found["MailFromDomainStatus"] == expected
        publish(sandbox, [record])
