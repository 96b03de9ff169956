"""Sixty-four at once for one name: whatever the order, the database decides, and it decides for one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Organization
from aws.identities import identity_statuses
from aws.pacing import person
from domains.evidence import Seen, look_for, see
from domains.facts import current_records
from domains.models import Domain, DomainEvent, Tenure
from domains.reconciler import reconcile
from domains.registration import DomainAlreadyRegistered, register_domain
from domains.verification import record_check
from tests.sandbox_process import SandboxProcess

THREADS = 64
NAME = "hello.example"


def at_once(verbs: Sequence[Callable[[], object]]) -> list[object]:
    """What each answered or raised, all started together."""
    gate, ended = threading.Barrier(len(verbs)), list[object]()

    def run(verb: Callable[[], object]) -> None:
        try:
            gate.wait(30)
            ended.append(verb())
        except Exception as error:  # noqa: BLE001 - handed to the test
            ended.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return ended


def register(organization: Organization) -> Domain:
    return register_domain(organization=organization, name=NAME, actor="test", now=timezone.now())


def record(domain: Domain, seen: Seen) -> Domain:
    """One check of this claim; what SES and DNS showed is the same for all."""
    look = look_for(domain=domain, records=current_records(Domain.objects.get(pk=domain.pk)))
    statuses = identity_statuses(names=[NAME], region=domain.region, caller=person(60))
    return record_check(look=look, seen=seen, statuses=statuses, now=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_each_organization_gets_one_claim_and_one_claim_the_name(
    installation: SandboxProcess, acme: Organization, globex: Organization, publish: Callable[..., None]
) -> None:
    ended = at_once([lambda each=each: register(each) for each in (acme, globex) * (THREADS // 2)])
    assert Counter(type(each) for each in ended) == {Domain: 2, DomainAlreadyRegistered: THREADS - 2}
    claims = list(Domain.objects.select_related("organization"))
    assert [claim.organization for claim in sorted(claims, key=lambda claim: claim.organization_id)] == [acme, globex]
    assert [claim.is_contested for claim in claims] == [True, True]

    for claim in claims:
        publish(claim)
    seen = [see(look_for(domain=claim, records=current_records(claim))) for claim in claims]
    pairs = list(zip(claims, seen, strict=True)) * (THREADS // 2)
    ended = at_once([lambda claim=claim, sight=sight: record(claim, sight) for claim, sight in pairs])

    assert {str(each) for each in ended if isinstance(each, Exception)} == set()
    winner, loser = Domain.objects.proved().get(), Domain.objects.get(proved_at=None)
    assert (winner.status, winner.reason) == ("active", "")
    assert (loser.status, loser.reason) == ("failed", "claimed_elsewhere")
    assert Tenure.objects.get().domain == winner
    assert DomainEvent.objects.filter(type__in=["domain.proved", "domain.verified"], domain=winner).count() == 2
    assert DomainEvent.objects.filter(type="domain.failed", domain=loser).count() == 1
    reconcile(now=timezone.now())
    (rule,) = installation.client("ses").describe_active_receipt_rule_set()["Rules"]
    assert rule["Recipients"] == [NAME]
