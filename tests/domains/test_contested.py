"""When a claim must prove the name by a record of its own: tokens that came before it, rivals, what is not ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import UpstreamRefusal
from accounts.models import Organization
from channels.removal import remove_domain
from domains.models import Domain, DomainEvent
from domains.reconciler import reconcile
from domains.registration import register_domain
from domains.verification import check_domain
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db
Publish = Callable[..., None]
NAME = "hello.example"
SEEDS = ("inbound", "ownership", "dkim", "spf", "dmarc")
READS = ("Get", "List", "Describe", "CreateEmailIdentity")


def register(organization: Organization, name: str = NAME) -> Domain:
    return register_domain(organization=organization, name=name, actor="test", now=timezone.now())


def check(domain: Domain) -> tuple[str, str]:
    fresh = check_domain(domain=Domain.objects.get(pk=domain.pk), actor="test", now=timezone.now())
    return fresh.status, fresh.reason


def is_contested(domain: Domain) -> bool:
    return Domain.objects.get(pk=domain.pk).is_contested


def blind(sandbox: SandboxProcess, name: str = NAME) -> None:
    sandbox.control(
        "PUT", f"/_sandbox/zones/{name}", {"servers": {"127.0.0.1": {"behaviour": "servfail"}}, "records": []}
    )


def break_ses(sandbox: SandboxProcess) -> None:
    for operation in ("GetIdentityVerificationAttributes", "GetIdentityDkimAttributes"):
        sandbox.control(
            "POST", "/_sandbox/faults", {"operation": operation, "kind": "error", "status": 500, "times": 99}
        )


@pytest.fixture
def leftover(installation: SandboxProcess) -> Callable[..., None]:
    """The tokens of SES for the name stand in DNS although nobody in the ledger ever claimed it."""

    def put(*, is_identity_left: bool = False, is_dns_left: bool = True) -> None:
        ses, tag = installation.client("sesv2"), {"Key": "postern-installation", "Value": "postern"}
        tokens = ses.create_email_identity(EmailIdentity=NAME, Tags=[tag])["DkimAttributes"]["Tokens"]
        records = [
            {"type": "CNAME", "name": f"{token}._domainkey.{NAME}", "value": f"{token}.dkim.amazonses.com"}
            for token in tokens
        ]
        installation.control("POST", "/_sandbox/publish", {"records": records})
        installation.control("POST", "/_sandbox/check")
        if not is_identity_left:
            ses.delete_email_identity(EmailIdentity=NAME)
        if not is_dns_left:
            installation.control("PUT", f"/_sandbox/zones/{NAME}", {"records": []})

    return put


# --- (c) tokens that came before the claim


def test_the_seeds_flow_is_uncontested(installation: SandboxProcess, acme: Organization, publish: Publish) -> None:
    domain = register(acme)
    publish(domain)
    assert check(domain) == ("active", "")
    assert not is_contested(domain)


def test_tokens_that_stand_already_prove_nothing(
    leftover: Callable[..., None], acme: Organization, publish: Publish
) -> None:
    leftover()
    domain = register(acme)
    assert domain.is_contested
    assert DomainEvent.objects.get(type="domain.contested").reason == "its records were in DNS before this claim"
    publish(domain, *SEEDS)
    assert check(domain) == ("pending", "awaiting_claim")
    publish(domain, "claim")
    assert check(domain) == ("active", "")


def test_what_ses_holds_as_verified_from_before_proves_nothing(
    leftover: Callable[..., None], acme: Organization
) -> None:
    leftover(is_identity_left=True, is_dns_left=False)
    domain = register(acme)
    assert (domain.is_ses_verified, domain.is_contested) == (True, True)


def test_claiming_again_is_no_way_around_it(leftover: Callable[..., None], acme: Organization) -> None:
    leftover()
    remove_domain(domain=register(acme), actor="test", now=timezone.now())
    assert register(acme).is_contested


def test_who_alone_had_the_name_before_is_asked_for_nothing_more(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    first = register(acme)
    publish(first)
    check(first)
    remove_domain(domain=first, actor="test", now=timezone.now())
    reconcile(now=timezone.now())
    again = register(acme)
    assert not again.is_contested
    installation.control("POST", "/_sandbox/check")
    assert check(again) == ("active", "")


def test_who_published_and_then_registered_anew_is_asked_for_nothing_more(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    first = register(acme)
    publish(first)
    remove_domain(domain=first, actor="test", now=timezone.now())
    assert not register(acme).is_contested


def test_a_dns_that_can_not_be_seen_blocks_no_registration(installation: SandboxProcess, acme: Organization) -> None:
    blind(installation)
    domain = register(acme)
    assert (domain.status, domain.is_contested, domain.records.count()) == ("pending", False, 7)


def test_tokens_that_ses_made_only_then_are_clean_though_dns_could_not_be_seen(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    blind(installation)
    domain = register(acme)
    installation.control("PUT", f"/_sandbox/zones/{NAME}", {"records": []})
    publish(domain)
    assert check(domain) == ("active", "")
    assert not is_contested(domain)


def died_on_its_way(domain: Domain) -> None:
    """As after a process that was killed between SES's answer and the look at DNS."""
    DomainEvent.objects.filter(domain=domain, type="domain.created").update(evidence={})


def test_what_could_not_be_seen_is_settled_by_the_first_look_that_sees(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    died_on_its_way(domain := register(acme))
    assert check(domain) == ("pending", "awaiting_dns")
    publish(domain)
    assert check(domain) == ("active", "")
    assert not is_contested(domain)


def test_tokens_at_the_first_look_that_sees_may_have_come_before(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    died_on_its_way(domain := register(acme))
    publish(domain)
    assert check(domain) == ("pending", "awaiting_claim")
    assert is_contested(domain)
    publish(domain)
    assert check(domain) == ("active", "")


def test_ses_alone_proves_nothing_while_dns_can_not_be_seen(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    died_on_its_way(domain := register(acme))
    publish(domain)
    blind(installation)
    check(domain)
    row = Domain.objects.get(pk=domain.pk)
    assert (row.verification_status, row.is_proved, row.is_contested) == ("SUCCESS", False, False)


# --- (a) rivals


def test_evidence_from_before_the_rival_counts_for_the_earlier_claim(
    installation: SandboxProcess, acme: Organization, globex: Organization, publish: Publish
) -> None:
    earlier = register(acme)
    records = earlier.records.filter(purpose="ownership").values("type", "name", "value")
    installation.control("POST", "/_sandbox/publish", {"records": list(records)})
    break_ses(installation)
    with pytest.raises(UpstreamRefusal):
        check(earlier)
    assert not Domain.objects.get(pk=earlier.pk).is_proved
    installation.control("DELETE", "/_sandbox/faults")
    later = register(globex)
    assert (is_contested(earlier), is_contested(later)) == (False, True)
    reconcile(now=timezone.now() + timedelta(minutes=5))
    assert not is_contested(earlier)
    publish(earlier)
    assert check(earlier) == ("active", "")
    later.refresh_from_db()
    assert (later.status, later.reason) == ("failed", "claimed_elsewhere")


def test_without_such_evidence_both_are_contested(
    installation: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    earlier = register(acme)
    assert check(earlier) == ("pending", "awaiting_dns")
    later = register(globex)
    assert (is_contested(earlier), is_contested(later)) == (True, True)


def test_evidence_of_tokens_that_came_before_counts_for_nobody(
    leftover: Callable[..., None], acme: Organization, globex: Organization
) -> None:
    leftover()
    earlier = register(acme)
    check(earlier)
    register(globex)
    assert is_contested(earlier)


# --- the private part of the public suffix list, and what is not ours by tag


@pytest.mark.parametrize("name", ["github.io", "blogspot.com"])
def test_a_private_suffix_is_contested(installation: SandboxProcess, acme: Organization, name: str) -> None:
    assert register(acme, name).is_contested


def test_an_identity_that_is_not_ours_is_adopted_to_read_only(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    installation.client("sesv2").create_email_identity(EmailIdentity=NAME)
    installation.control("DELETE", "/_sandbox/calls")
    domain = register(acme)
    assert (domain.identity_is_ours, domain.is_contested) == (False, True)
    publish(domain)
    assert check(domain) == ("active", "")
    remove_domain(domain=domain, actor="test", now=timezone.now())
    reconcile(now=timezone.now() + timedelta(minutes=5))
    calls = installation.control("GET", "/_sandbox/calls")["calls"]
    about_it = [call["operation"] for call in calls if NAME in str(call["parameters"])]
    changing = {operation for operation in about_it if not operation.startswith(READS)}
    # The receipt rule that names it is ours.
    assert changing <= {"CreateReceiptRule", "UpdateReceiptRule"}
