"""A MAIL FROM subdomain: wished, set at SES, listed, looked at, asked again, and given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.errors import UpstreamRefusal
from accounts.models import Organization
from domains.facts import current_records
from domains.mail_from import InvalidMailFrom, MailFromTaken, converge_mail_from, use_mail_from
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db

NAME = "hello.example"


def register(organization: Organization, name: str = NAME) -> Domain:
    return register_domain(organization=organization, name=name, actor="test", now=timezone.now())


def wish(domain: Domain, label: str) -> Domain:
    return use_mail_from(domain=domain, label=label, actor="test", now=timezone.now())


def at_ses(sandbox: SandboxProcess, name: str = NAME) -> tuple[str, str]:
    """The custom MAIL FROM domain that SES holds for the identity, and SES's word on it."""
    found: dict[str, Any] = sandbox.control("GET", "/_sandbox/state")["identities"][f"us-east-1 {name}"]
    return found["mail_from"], found["mail_from_status"]


def test_it_is_set_at_ses_and_its_two_records_are_listed(sandbox: SandboxProcess, acme: Organization) -> None:
    domain = wish(register(acme), "Bounce")
    assert at_ses(sandbox) == ("bounce.hello.example", "PENDING")
    listed = {(record.type, record.name, record.value, record.priority) for record in current_records(domain)}
    assert ("MX", "bounce.hello.example", "feedback-smtp.us-east-1.amazonses.com", 10) in listed
    assert ("TXT", "bounce.hello.example", "v=spf1 include:amazonses.com ~all", None) in listed


def test_once_its_records_stand_it_is_right(
    sandbox: SandboxProcess, acme: Organization, publish: Callable[..., None]
) -> None:
    domain = wish(register(acme), "bounce")
    publish(domain)
    domain = check_domain(domain=domain, actor="test", now=timezone.now())
    converge_mail_from(now=timezone.now())
    domain.refresh_from_db()
    assert domain.mail_from_status == "SUCCESS"
    assert {record.verdict for record in current_records(domain) if record.purpose.startswith("mail_from")} == {"ok"}
    assert converge_mail_from(now=timezone.now()) == 0


def test_what_ses_gave_up_is_asked_again_once_the_mx_stands(
    sandbox: SandboxProcess, acme: Organization, publish: Callable[..., None]
) -> None:
    domain = wish(register(acme), "bounce")
    sandbox.control("POST", "/_sandbox/clock", {"advance_seconds": 73 * 3600})
    sandbox.control("POST", "/_sandbox/check")
    converge_mail_from(now=timezone.now())
    assert at_ses(sandbox)[1] == "FAILED"
    publish(domain)
    check_domain(domain=domain, actor="test", now=timezone.now())
    converge_mail_from(now=timezone.now())
    assert at_ses(sandbox)[1] == "PENDING"
    sandbox.control("POST", "/_sandbox/check")
    converge_mail_from(now=timezone.now())
    domain.refresh_from_db()
    assert domain.mail_from_status == "SUCCESS"


def test_giving_it_up_takes_it_from_ses_and_from_the_list(sandbox: SandboxProcess, acme: Organization) -> None:
    domain = wish(wish(register(acme), "bounce"), "")
    assert at_ses(sandbox)[0] == ""
    assert not [record for record in current_records(domain) if record.purpose.startswith("mail_from")]


def test_a_wish_that_ses_did_not_hear_is_kept_and_set_later(sandbox: SandboxProcess, acme: Organization) -> None:
    domain = register(acme)
    fault = {"operation": "PutEmailIdentityMailFromAttributes", "kind": "error", "times": 20}
    sandbox.control("POST", "/_sandbox/faults", fault)
    with pytest.raises(UpstreamRefusal):
        wish(domain, "bounce")
    assert at_ses(sandbox)[0] == ""
    sandbox.control("DELETE", "/_sandbox/faults")
    assert converge_mail_from(now=timezone.now()) == 1
    assert at_ses(sandbox) == ("bounce.hello.example", "PENDING")


def test_whoever_wants_none_leaves_alone_what_another_claim_has_set(
    sandbox: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    wish(register(acme), "bounce")
    wish(register(globex), "")
    assert at_ses(sandbox)[0] == "bounce.hello.example"


@pytest.mark.parametrize("label", ["a.b", "-a", "a-", "ä", "a b", "a" * 64, "*", "@"])
def test_what_is_no_label_is_refused_and_nothing_is_changed(
    sandbox: SandboxProcess, acme: Organization, label: str
) -> None:
    domain = register(acme)
    with pytest.raises(InvalidMailFrom):
        wish(domain, label)
    assert at_ses(sandbox)[0] == ""


def test_the_whole_name_is_taken_for_its_label(sandbox: SandboxProcess, acme: Organization) -> None:
    assert wish(register(acme), "return.hello.example").mail_from_label == "return"


def test_a_name_that_is_registered_keeps_its_mx(sandbox: SandboxProcess, acme: Organization) -> None:
    domain = register(acme)
    register(acme, "mail.hello.example")
    with pytest.raises(MailFromTaken):
        wish(domain, "mail")
