"""SES tenants: made once, found again, left without a trace."""

from __future__ import annotations

import pytest

from aws.account import account, account_id, ses_arn
from aws.clients import call
from aws.errors import AwsRefused
from aws.identities import ensure_identity
from aws.pacing import Caller, person
from aws.sending import ensure_configuration_set
from aws.tenants import (
    associate_configuration_set,
    associate_identity,
    delete_tenant,
    dissociate_configuration_set,
    dissociate_identity,
    ensure_tenant,
    find_tenant,
    list_tenants,
)
from aws.topics import ensure_topic

REGION = "us-east-1"
TENANT = "t-acme"
NAME = "acme.example"

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def caller() -> Caller:
    return person(20)


def resources_of(tenant_name: str) -> set[str]:
    answer = call(service="sesv2", region=REGION, operation="ListTenantResources", TenantName=tenant_name)
    return {resource["ResourceArn"] for resource in answer["TenantResources"]}


def test_a_new_tenant_is_ours_and_may_send(caller: Caller) -> None:
    facts = ensure_tenant(tenant_name=TENANT, region=REGION, caller=caller)
    assert (facts.name, facts.is_ours, facts.was_created) == (TENANT, True, True)
    assert facts.sending_status == "ENABLED"


def test_ensuring_again_adopts_the_tenant(caller: Caller) -> None:
    first = ensure_tenant(tenant_name=TENANT, region=REGION, caller=caller)
    again = ensure_tenant(tenant_name=TENANT, region=REGION, caller=caller)
    assert (again.tenant_id, again.is_ours, again.was_created) == (first.tenant_id, True, False)


def test_a_tenant_that_somebody_else_made_is_not_ours(caller: Caller) -> None:
    call(service="sesv2", region=REGION, operation="CreateTenant", TenantName=TENANT)
    assert not ensure_tenant(tenant_name=TENANT, region=REGION, caller=caller).is_ours


def test_deleting_a_tenant_twice_is_done(caller: Caller) -> None:
    ensure_tenant(tenant_name=TENANT, region=REGION, caller=caller)
    delete_tenant(tenant_name=TENANT, region=REGION, caller=caller)
    delete_tenant(tenant_name=TENANT, region=REGION, caller=caller)
    assert find_tenant(tenant_name=TENANT, region=REGION, caller=caller) is None


def test_all_tenants_are_listed(caller: Caller) -> None:
    for name in ("t-acme", "t-globex"):
        ensure_tenant(tenant_name=name, region=REGION, caller=caller)
    assert set(list_tenants(region=REGION, caller=caller)) == {"t-acme", "t-globex"}


def test_an_identity_is_associated_and_dissociated_as_often_as_asked(caller: Caller) -> None:
    ensure_tenant(tenant_name=TENANT, region=REGION, caller=caller)
    ensure_identity(name=NAME, region=REGION, caller=caller)
    arn = ses_arn(region=REGION, resource=f"identity/{NAME}")
    for _ in range(2):
        associate_identity(tenant_name=TENANT, identity_name=NAME, region=REGION, caller=caller)
        assert resources_of(TENANT) == {arn}
    for _ in range(2):
        dissociate_identity(tenant_name=TENANT, identity_name=NAME, region=REGION, caller=caller)
        assert resources_of(TENANT) == set()


def test_a_configuration_set_is_associated_and_dissociated(caller: Caller) -> None:
    ensure_tenant(tenant_name=TENANT, region=REGION, caller=caller)
    topic_arn = ensure_topic(region=REGION, name="postern-tenants")
    ensure_configuration_set(region=REGION, name="postern", topic_arn=topic_arn, caller=caller)
    associate_configuration_set(tenant_name=TENANT, name="postern", region=REGION, caller=caller)
    assert resources_of(TENANT) == {ses_arn(region=REGION, resource="configuration-set/postern")}
    dissociate_configuration_set(tenant_name=TENANT, name="postern", region=REGION, caller=caller)
    assert resources_of(TENANT) == set()


def test_an_identity_can_not_join_a_tenant_that_is_not_there(caller: Caller) -> None:
    ensure_identity(name=NAME, region=REGION, caller=caller)
    with pytest.raises(AwsRefused) as caught:
        associate_identity(tenant_name="t-none", identity_name=NAME, region=REGION, caller=caller)
    assert caught.value.is_not_found


def test_the_account_is_asked_of_sts_once() -> None:
    account.cache_clear()
    assert len(account_id(REGION)) == 12
    assert account(REGION) is account(REGION)
    assert ses_arn(region=REGION, resource="identity/x").startswith(f"arn:aws:ses:{REGION}:{account_id(REGION)}:")
