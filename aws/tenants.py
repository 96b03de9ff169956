"""SES tenants and what is associated with them: they set customers' *sending* reputations apart, nothing else.

Deleting a tenant leaves its resources; a resource may sit in several. All calls are paced; all functions raise
AwsError, with `is_unsupported` where the endpoint has no tenants.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aws.account import ses_arn
from aws.clients import call
from aws.errors import AwsRefused, AwsUnavailable
from aws.ours import has_our_tag, our_tags
from aws.pacing import Caller


@dataclass(frozen=True)
class TenantFacts:
    """What SES says of a tenant; `sending_status` is ENABLED, DISABLED or REINSTATED."""

    name: str
    tenant_id: str
    arn: str
    sending_status: str
    is_ours: bool
    was_created: bool


def ensure_tenant(*, tenant_name: str, region: str, caller: Caller) -> TenantFacts:
    """Make the tenant or adopt the one of this name; names are our own opaque ids, `is_ours` is the tag's word."""
    try:
        answer = call(
            service="sesv2",
            region=region,
            operation="CreateTenant",
            caller=caller,
            TenantName=tenant_name,
            Tags=our_tags(),
        )
    except AwsRefused as refusal:
        if not refusal.is_already_exists:
            raise
        found = find_tenant(tenant_name=tenant_name, region=region, caller=caller)
        if found is None:
            raise AwsUnavailable(operation="CreateTenant", code="Vanished", message=refusal.message) from refusal
        return found
    return _facts(answer | {"Tags": our_tags()}, was_created=True)


def find_tenant(*, tenant_name: str, region: str, caller: Caller) -> TenantFacts | None:
    """The tenant, or None where there is none."""
    try:
        answer = call(service="sesv2", region=region, operation="GetTenant", caller=caller, TenantName=tenant_name)
    except AwsRefused as refusal:
        if refusal.is_not_found:
            return None
        raise
    return _facts(answer["Tenant"], was_created=False)


def list_tenants(*, region: str, caller: Caller) -> Iterator[str]:
    """The names of all tenants of the account, ours and foreign; one paced call a page."""
    more: dict[str, Any] = {}
    while True:
        answer = call(service="sesv2", region=region, operation="ListTenants", caller=caller, **more)
        for tenant in answer.get("Tenants", ()):
            yield tenant["TenantName"]
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}


def delete_tenant(*, tenant_name: str, region: str, caller: Caller) -> None:
    """Delete the tenant; none there is done."""
    _unless_missing("DeleteTenant", region, caller, TenantName=tenant_name)


def associate_identity(*, tenant_name: str, identity_name: str, region: str, caller: Caller) -> None:
    """Let the tenant send from the identity; already so is done. Raises AwsRefused `is_not_found` without either."""
    _associate(tenant_name, ses_arn(region=region, resource=f"identity/{identity_name}"), region, caller)


def dissociate_identity(*, tenant_name: str, identity_name: str, region: str, caller: Caller) -> None:
    """Take the identity from the tenant; not there is done."""
    arn = ses_arn(region=region, resource=f"identity/{identity_name}")
    _unless_missing("DeleteTenantResourceAssociation", region, caller, TenantName=tenant_name, ResourceArn=arn)


def associate_configuration_set(*, tenant_name: str, name: str, region: str, caller: Caller) -> None:
    """Let the tenant send with the configuration set: a tenant's send needs every resource it uses associated."""
    _associate(tenant_name, ses_arn(region=region, resource=f"configuration-set/{name}"), region, caller)


def dissociate_configuration_set(*, tenant_name: str, name: str, region: str, caller: Caller) -> None:
    """Take the configuration set from the tenant; not there is done."""
    arn = ses_arn(region=region, resource=f"configuration-set/{name}")
    _unless_missing("DeleteTenantResourceAssociation", region, caller, TenantName=tenant_name, ResourceArn=arn)


def _associate(tenant_name: str, arn: str, region: str, caller: Caller) -> None:
    try:
        call(
            service="sesv2",
            region=region,
            operation="CreateTenantResourceAssociation",
            caller=caller,
            TenantName=tenant_name,
            ResourceArn=arn,
        )
    except AwsRefused as refusal:
        if not refusal.is_already_exists:
            raise


def _unless_missing(operation: str, region: str, caller: Caller, **parameters: Any) -> None:
    try:
        call(service="sesv2", region=region, operation=operation, caller=caller, **parameters)
    except AwsRefused as refusal:
        if not refusal.is_not_found:
            raise


def _facts(answer: dict[str, Any], *, was_created: bool) -> TenantFacts:
    return TenantFacts(
        name=answer["TenantName"],
        tenant_id=answer.get("TenantId", ""),
        arn=answer.get("TenantArn", ""),
        sending_status=answer.get("SendingStatus", ""),
        is_ours=has_our_tag(answer.get("Tags")),
        was_created=was_created,
    )
