"""One journey told in all five contracts over one core (the cross-contract table of the contracts' overview)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from channels.inboxes import create_inbox
from domains.changes import suspend_domain
from domains.models import Domain
from domains.reconciler import reconcile
from domains.registration import access_domain_by_name
from domains.verification import check_domain
from tests.contracts.conftest import Api
from tests.contracts.tellers import TELLERS, CustomEmail, SesSetups, Teller
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "shop.example"
by_contract = pytest.mark.parametrize("contract", TELLERS, ids=lambda teller: teller.name)


@pytest.fixture
def tell(acme: Organization, api: Api, installation: SandboxProcess) -> Callable[[type[Teller]], Teller]:
    return lambda contract: contract(api, acme)


@pytest.fixture
def activate(acme: Organization, publish: Callable[..., None]) -> Callable[[str], Domain]:
    def put(name: str) -> Domain:
        domain = access_domain_by_name(organization=acme, name=name)
        publish(domain)
        return check_domain(domain=domain, actor="test", now=timezone.now())

    return put


@by_contract
def test_the_journey_from_registration_to_removal(
    contract: type[Teller], tell: Any, publish: Callable[..., None], sandbox: SandboxProcess
) -> None:
    teller = tell(contract)
    assert teller.register(NAME).status_code == teller.created
    assert teller.said(teller.verify(NAME)) == teller.too_early
    publish(teller.domain(NAME))
    assert teller.said(teller.verify(NAME)) == teller.verified
    assert Domain.objects.get().status == "active"
    assert teller.remove(NAME).status_code in (200, 204)
    reconcile(now=timezone.now())
    if contract is CustomEmail:
        # Its way out ends the channel; the domain stays for the other contracts.
        assert not Domain.objects.get().channels.get().is_connected
    else:
        assert not Domain.objects.live().exists()
        assert sandbox.client("ses").list_identities()["Identities"] == []
        assert teller.register(NAME).status_code == teller.created


@by_contract
@pytest.mark.parametrize("maker", TELLERS, ids=lambda teller: teller.name)
def test_a_verified_domain_is_a_duplicate_in_all(
    contract: type[Teller], maker: type[Teller], tell: Any, activate: Callable[[str], Domain]
) -> None:
    assert tell(maker).register(NAME).status_code == maker.created
    activate(NAME)
    teller = tell(contract)
    assert teller.said(teller.register(NAME)) == teller.duplicate
    assert Domain.objects.count() == 1


@by_contract
def test_a_name_that_another_organization_proved_is_a_duplicate_and_says_no_more(
    contract: type[Teller], tell: Any, activate: Callable[[str], Domain], stranger: Api, globex: Organization
) -> None:
    tell(contract).register(NAME)
    activate(NAME)
    teller = contract(stranger, globex)
    answer = teller.register(NAME)
    assert teller.said(answer) == teller.duplicate
    assert "acme" not in answer.content.decode().lower()


@by_contract
def test_a_name_that_another_organization_only_claims_may_be_claimed_and_lists_a_record_of_its_own(
    contract: type[Teller], tell: Any, stranger: Api, globex: Organization
) -> None:
    assert tell(contract).register(NAME).status_code == contract.created
    answer = contract(stranger, globex).register(NAME)
    assert answer.status_code == contract.created
    assert Domain.objects.filter(is_contested=True).count() == 2
    if contract.name not in ("domains_by_name", "domains_service"):
        assert f"_postern.{NAME}" in answer.content.decode()
    shown = contract(stranger, globex).verify(NAME).content.decode()
    assert contract is CustomEmail or "_postern" in shown


@by_contract
def test_a_domain_in_use_is_refused_or_its_inboxes_end(
    contract: type[Teller], tell: Any, activate: Callable[[str], Domain], acme: Organization
) -> None:
    teller = tell(contract)
    teller.register(NAME)
    domain = activate(NAME)
    if contract is SesSetups:
        use_case = {
            "channel": "email",
            "entity_name": "Acme",
            "name": "Orders",
            "setup_id": teller.setup_id(NAME),
            "sender_email_address": f"orders@{NAME}",
            "email_type": "transactional",
        }
        assert teller.api.post(f"/v1/{acme.workspace_id}/use-cases", use_case).status_code == 201
    elif contract is CustomEmail:
        teller.verify(NAME)
    else:
        create_inbox(organization=acme, domain=domain, local_part="sales", actor="test", now=timezone.now())
    answer = teller.remove(NAME)
    if teller.in_use is None:
        assert answer.status_code == 200
    else:
        assert teller.said(answer) == teller.in_use
        assert Domain.objects.live().count() == 1


@by_contract
def test_a_limit_of_ses_is_said_in_each_contracts_words_and_leaves_nothing(
    contract: type[Teller], tell: Any, sandbox: SandboxProcess
) -> None:
    sandbox.control(
        "POST",
        "/_sandbox/faults",
        {"operation": "CreateEmailIdentity", "kind": "error", "code": "LimitExceededException"},
    )
    teller = tell(contract)
    assert teller.said(teller.register(NAME)) == teller.upstream_limit
    assert not Domain.objects.exists()
    assert sandbox.client("ses").list_identities()["Identities"] == []


@pytest.mark.parametrize(
    ("maker", "reader"),
    [(maker, reader) for maker, reader in itertools.product(TELLERS, TELLERS) if reader is not CustomEmail],
    ids=lambda teller: teller.name,
)
@pytest.mark.parametrize("status", ["pending", "active", "suspended"])
def test_what_one_contract_made_the_others_tell_in_their_words(
    maker: type[Teller], reader: type[Teller], status: str, tell: Any, activate: Callable[[str], Domain]
) -> None:
    tell(maker).register(NAME)
    if status != "pending":
        domain = activate(NAME)
    if status == "suspended":
        suspend_domain(domain=domain, actor="test", now=timezone.now())
    if maker is reader is SesSetups:
        # What it made it does see; suspension is none of its words, and its flag is that of the last refresh.
        assert tell(reader).word(NAME) is not None
    else:
        assert tell(reader).word(NAME) == reader.words[status]
