"""An emulator that lacks an operation: what needs it is given up with a warning, and domains register all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.errors import UpstreamRefusal
from accounts.models import Organization
from aws.identities import ensure_identity
from aws.pacing import person
from channels.removal import remove_domain
from domains.facts import current_records
from domains.models import AwsIntent, Domain, Installation
from domains.provisioning import store_identity
from domains.reconciler import reconcile
from domains.registration import register_domain
from domains.verification import check_domain
from tests.sandbox_process import SandboxProcess

NAME = "hello.example"
BATCHED_LOOKS = ("GetIdentityVerificationAttributes", "GetIdentityDkimAttributes")
V2 = ("CreateEmailIdentity", "GetEmailIdentity", "DeleteEmailIdentity", "ListEmailIdentities")
OF_THE_SET_UP = (
    "PutBucketPolicy",
    "CreateTopic",
    "GetTopicAttributes",
    "DescribeActiveReceiptRuleSet",
    "CreateReceiptRuleSet",
    "CreateQueue",
    "Subscribe",
    "CreateConfigurationSet",
)


@pytest.fixture
def lacking(sandbox: SandboxProcess) -> Callable[..., None]:
    """The sandbox answers as an emulator without these operations does."""

    def lack(*operations: str) -> None:
        for operation in operations:
            fault = {"operation": operation, "kind": "error", "code": "InternalFailure", "status": 501, "times": 1000}
            sandbox.control("POST", "/_sandbox/faults", fault)

    return lack


def register(organization: Organization) -> Domain:
    return register_domain(organization=organization, name=NAME, actor="test", now=timezone.now())


def purposes(domain: Domain) -> set[str]:
    return {record.purpose for record in current_records(domain)}


@pytest.mark.django_db
@pytest.mark.parametrize("operation", OF_THE_SET_UP)
def test_the_set_up_ends_and_domains_register(operation: str, lacking: Callable[..., None], acme: Organization) -> None:
    lacking(operation)
    call_command("setup_aws", region=["us-east-1"], stdout=StringIO(), skip_checks=True)
    assert Installation.objects.get(region="us-east-1").set_up_at is not None
    assert {"ownership", "dkim", "inbound"} <= purposes(register(acme))


@pytest.mark.django_db
def test_what_was_given_up_is_said(lacking: Callable[..., None]) -> None:
    lacking("DescribeActiveReceiptRuleSet")
    out = StringIO()
    call_command("setup_aws", region=["us-east-1"], stdout=out, skip_checks=True)
    assert "warning: the receipt rule set could not be set up: DescribeActiveReceiptRuleSet" in out.getvalue()
    assert "warning: the receipt rules could not be written" in out.getvalue()


@pytest.mark.django_db
def test_a_refusal_is_no_lack_and_ends_the_set_up(sandbox: SandboxProcess) -> None:
    denied = {"operation": "CreateTopic", "kind": "error", "code": "AuthorizationError", "status": 403, "times": 9}
    sandbox.control("POST", "/_sandbox/faults", denied)
    with pytest.raises(CommandError, match="CreateTopic: AuthorizationError"):
        call_command("setup_aws", region=["us-east-1"], stdout=StringIO(), skip_checks=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("operations", "tokens"),
    [
        (("VerifyDomainIdentity",), {"dkim"}),
        (V2, {"ownership", "dkim"}),
    ],
    ids=["no TXT token", "no SESv2"],
)
def test_the_records_are_those_that_can_be_had(
    operations: tuple[str, ...], tokens: set[str], lacking: Callable[..., None], acme: Organization
) -> None:
    lacking(*operations)
    assert purposes(register(acme)) & {"ownership", "dkim", "claim"} == tokens


@pytest.mark.django_db
def test_a_claim_without_any_token_of_ses_is_proved_by_its_own(sandbox: SandboxProcess, acme: Organization) -> None:
    domain = register(acme)
    facts = ensure_identity(name=NAME, region=domain.region, caller=person(60))
    store_identity(domain=domain, facts=replace(facts, ownership_token="", dkim_tokens=()), now=timezone.now())
    assert purposes(domain) & {"ownership", "dkim", "claim"} == {"claim"}


@pytest.mark.django_db
def test_with_no_way_to_make_an_identity_the_claim_is_undone(lacking: Callable[..., None], acme: Organization) -> None:
    lacking(*V2, "VerifyDomainIdentity")
    with pytest.raises(UpstreamRefusal):
        register(acme)
    assert not Domain.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operations", [BATCHED_LOOKS, V2], ids=["no batched looks of v1", "no SESv2"])
def test_a_domain_is_verified_and_removed(
    operations: tuple[str, ...],
    installation: SandboxProcess,
    lacking: Callable[..., None],
    publish: Callable[..., None],
    acme: Organization,
) -> None:
    lacking(*operations)
    domain = register(acme)
    publish(domain)
    assert check_domain(domain=domain, actor="test", now=timezone.now()).status == "active"
    remove_domain(domain=domain, actor="test", now=timezone.now())
    reconcile(now=timezone.now())
    assert not AwsIntent.objects.filter(confirmed_at=None).exists()
    held = installation.client("ses").list_identities()["Identities"]
    assert NAME not in held
