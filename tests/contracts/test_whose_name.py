"""Whose name it is, told in all five contracts: the attacks T1 to T8 on the ownership of a name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import notices
from accounts.models import Organization, User
from channels.models import EmailAccount
from channels.removal import remove_domain
from domains.challenge_looks import look_at_due_challenges
from domains.models import Domain, IssuedToken, Tenure, Tombstone
from domains.ownership import holder_at
from domains.reconciler import reconcile
from tests.contracts.conftest import Api
from tests.contracts.tellers import TELLERS, CustomEmail, SesSetups, Teller
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "shop.example"
BELOW = "mail.shop.example"
by_contract = pytest.mark.parametrize("contract", TELLERS, ids=lambda teller: teller.name)
Tell = Callable[[type[Teller]], Teller]


@pytest.fixture
def tell(acme: Organization, api: Api, installation: SandboxProcess) -> Tell:
    return lambda contract: contract(api, acme)


@pytest.fixture
def tell_stranger(globex: Organization, stranger: Api, installation: SandboxProcess) -> Tell:
    return lambda contract: contract(stranger, globex)


@pytest.fixture
def verified(tell: Tell, publish: Callable[..., None]) -> Callable[..., Teller]:
    """acme with the name registered, published and verified through the contract."""

    def make(contract: type[Teller], name: str = NAME) -> Teller:
        teller = tell(contract)
        assert teller.register(name).status_code == teller.created
        publish(teller.domain(name))
        assert teller.said(teller.verify(name)) == teller.verified  # type: ignore[attr-defined]
        return teller

    return make


def gives_up(teller: Teller, name: str = NAME) -> None:
    """The organization removes the domain; C0 has no way to, there the dashboard does it. AWS follows."""
    if isinstance(teller, CustomEmail):
        EmailAccount.objects.update(is_active=False, removed_at=timezone.now())
        remove_domain(domain=teller.domain(name), actor="test", now=timezone.now())
    else:
        assert teller.remove(name).status_code in (200, 204)
    reconcile(now=timezone.now())


def lists_its_own_record(teller: Teller, answer: Any) -> bool:
    """Whether the record list of this contract, where registering or looking answers it, has the claim's own TXT."""
    shown = answer.content.decode()
    if not isinstance(teller, CustomEmail):
        shown += teller.verify(NAME).content.decode()
    return "_postern" in shown


# --- T1, T2: a released name with the former owner's records still in DNS


@by_contract
def test_a_released_name_is_not_verified_on_the_former_owners_records(
    contract: type[Teller],
    verified: Callable[..., Teller],
    tell_stranger: Tell,
    publish: Callable[..., None],
    sandbox: SandboxProcess,
    globex: Organization,
) -> None:
    gives_up(verified(contract))
    teller = tell_stranger(contract)
    answer = teller.register(NAME)
    assert answer.status_code == teller.created
    sandbox.control("POST", "/_sandbox/check")
    assert teller.said(teller.verify(NAME)) == teller.too_early
    domain = teller.domain(NAME)
    assert (domain.verification_status, domain.is_proved) == ("SUCCESS", False), "SES alone says yes"
    assert not Tenure.objects.filter(organization=globex).exists()
    assert lists_its_own_record(teller, answer)
    publish(domain, "claim")
    assert teller.said(teller.verify(NAME)) == teller.verified  # type: ignore[attr-defined]
    assert holder_at(name=NAME, at=timezone.now()) == Tenure.objects.get(organization=globex)


@by_contract
def test_tokens_that_stood_in_dns_before_the_first_claim_prove_nothing(
    contract: type[Teller], tell: Tell, sandbox: SandboxProcess, publish: Callable[..., None]
) -> None:
    """As after a lost database: nobody is in the ledger, and DNS and SES still know the name."""
    ses = sandbox.client("sesv2")
    tokens = ses.create_email_identity(EmailIdentity=NAME)["DkimAttributes"]["Tokens"]
    ses.delete_email_identity(EmailIdentity=NAME)
    records = [
        {"type": "CNAME", "name": f"{token}._domainkey.{NAME}", "value": f"{token}.dkim.amazonses.com"}
        for token in tokens
    ]
    sandbox.control("POST", "/_sandbox/publish", {"records": records})
    teller = tell(contract)
    answer = teller.register(NAME)
    assert answer.status_code == teller.created
    domain = teller.domain(NAME)
    assert domain.is_contested
    publish(domain, "inbound", "ownership", "dkim", "spf", "dmarc")
    assert teller.said(teller.verify(NAME)) == teller.too_early
    assert lists_its_own_record(teller, answer)
    publish(domain, "claim")
    assert teller.said(teller.verify(NAME)) == teller.verified  # type: ignore[attr-defined]


@by_contract
def test_who_publishes_at_once_is_asked_for_nothing_more(
    contract: type[Teller], verified: Callable[..., Teller]
) -> None:
    domain = verified(contract).domain(NAME)
    assert (domain.is_contested, domain.claim_token) == (False, "")
    assert not domain.records.filter(purpose="claim").exists()


# --- T3: squatting


@by_contract
def test_who_typed_the_name_first_keeps_nobody_out(
    contract: type[Teller], tell: Tell, tell_stranger: Tell, publish: Callable[..., None]
) -> None:
    squatter, owner = tell_stranger(contract), tell(contract)
    assert squatter.register(NAME).status_code == squatter.created
    assert owner.register(NAME).status_code == owner.created
    publish(owner.domain(NAME))
    assert owner.said(owner.verify(NAME)) == owner.verified  # type: ignore[attr-defined]
    lost = squatter.domain(NAME)
    assert (lost.status, lost.reason) == ("failed", "claimed_elsewhere")
    assert squatter.said(squatter.verify(NAME)) != squatter.verified  # type: ignore[attr-defined]
    assert [tenure.domain for tenure in Tenure.objects.all()] == [owner.domain(NAME)]


# --- T4: enumeration


@by_contract
def test_a_name_of_ones_own_and_anothers_are_refused_in_the_same_words(
    contract: type[Teller], verified: Callable[..., Teller], tell_stranger: Tell
) -> None:
    teller = verified(contract)
    own, others = teller.register(NAME), tell_stranger(contract).register(NAME)
    assert teller.said(own) == teller.said(others) == teller.duplicate
    assert own.content == others.content


# --- T5: sold


@by_contract
def test_a_sold_name_moves_to_who_controls_its_dns_and_never_to_both(
    contract: type[Teller],
    verified: Callable[..., Teller],
    tell_stranger: Tell,
    stranger: Api,
    sandbox: SandboxProcess,
    publish: Callable[..., None],
    owner: User,
    globex: Organization,
) -> None:
    seller, buyer, start = verified(contract), tell_stranger(contract), timezone.now()
    assert buyer.said(buyer.register(NAME)) == buyer.duplicate
    challenge = stranger.post("/api/email/challenges", {"domain": NAME}).json()
    sandbox.control("PUT", f"/_sandbox/zones/{NAME}", {"records": [challenge["record"]]})
    for hours in (1, 5, 13, 22, 31, 38, 47, 56, 65):
        look_at_due_challenges(now=start + timedelta(hours=hours))
        notices.mail_due(now=start + timedelta(hours=hours))
    assert Domain.objects.proved().get().organization == seller.organization
    look_at_due_challenges(now=start + timedelta(hours=76))
    assert Domain.objects.proved().get().organization == globex
    sold = seller.domain(NAME)
    assert (sold.status, sold.reason) == ("failed", "claimed_elsewhere")
    assert seller.said(seller.verify(NAME)) != seller.verified  # type: ignore[attr-defined]
    reconcile(now=start + timedelta(hours=77))
    publish(buyer.domain(NAME))
    if contract in (CustomEmail, SesSetups):
        # The one has no channel for the domain and the other no tenant: it was made by the move.
        answer = stranger.post(f"/api/email/domains/{buyer.domain(NAME).public_id}/verify")
        assert answer.json()["status"] == "active"
    else:
        assert buyer.said(buyer.verify(NAME)) == buyer.verified  # type: ignore[attr-defined]
    assert Domain.objects.proved().get().organization == globex
    assert Tenure.objects.filter(to_at=None).count() == 1


# --- T6: what a removal leaves


@by_contract
def test_a_removed_name_takes_in_no_mail_and_is_watched(
    contract: type[Teller], verified: Callable[..., Teller], sandbox: SandboxProcess
) -> None:
    gives_up(verified(contract))
    assert holder_at(name=NAME, at=timezone.now()) is None
    assert sandbox.client("ses").describe_active_receipt_rule_set()["Rules"] == []
    assert sandbox.client("ses").list_identities()["Identities"] == []
    tombstone = Tombstone.objects.get()
    assert (tombstone.name, tombstone.watched_until - tombstone.removed_at) == (NAME, timedelta(days=30))


# --- T7: above and below another's name


@by_contract
@pytest.mark.parametrize(("held", "wanted"), [(NAME, BELOW), (BELOW, NAME)], ids=["below", "above"])
def test_a_name_above_or_below_anothers_needs_its_own_record(
    contract: type[Teller],
    held: str,
    wanted: str,
    verified: Callable[..., Teller],
    tell_stranger: Tell,
    publish: Callable[..., None],
) -> None:
    verified(contract, held)
    teller = tell_stranger(contract)
    assert teller.register(wanted).status_code == teller.created
    domain = teller.domain(wanted)
    assert domain.is_contested
    publish(domain, "inbound", "ownership", "dkim", "spf", "dmarc")
    assert teller.said(teller.verify(wanted)) == teller.too_early
    publish(domain, "claim")
    assert teller.said(teller.verify(wanted)) == teller.verified  # type: ignore[attr-defined]
    assert Domain.objects.proved().count() == 2


# --- T8: nothing is used twice


@by_contract
def test_a_claims_own_record_is_never_handed_out_again(
    contract: type[Teller], tell: Tell, tell_stranger: Tell, publish: Callable[..., None]
) -> None:
    tell_stranger(contract).register(NAME)
    teller = tell(contract)
    teller.register(NAME)
    first = teller.domain(NAME)
    publish(first, "claim")
    gives_up(teller)
    assert teller.register(NAME).status_code == teller.created
    again = teller.domain(NAME)
    assert again.claim_token not in ("", first.claim_token)
    publish(again, "inbound", "ownership", "dkim", "spf", "dmarc")
    assert teller.said(teller.verify(NAME)) == teller.too_early, "the old record proves nothing"
    assert IssuedToken.objects.filter(kind="claim", organization=teller.organization).count() == 2
