"""SESv2 tenants and the resources associated with them."""

from __future__ import annotations

import uuid
from typing import Any

from sandbox.identities import Identities
from sandbox.paging import bad_token_of_v2, page_of
from sandbox.state import State
from sandbox.wire import AwsProblem

ACCOUNT = "123456789012"
KINDS = {"identity": "EMAIL_IDENTITY", "configuration-set": "CONFIGURATION_SET", "template": "EMAIL_TEMPLATE"}


class Tenants:
    """The tenant operations of SESv2, by AWS's names; each raises AwsProblem."""

    state: State
    identities: Identities

    def find_tenant(self, region: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self.state.tree["tenants"].get(f"{region} {name}")
        if found is None:
            raise AwsProblem("NotFoundException", f"Tenant {name} does not exist.", 404)
        return found

    def CreateTenant(self, region: str, TenantName: str, Tags: Any = (), **_: Any) -> dict[str, Any]:
        key = f"{region} {TenantName}"
        if key in self.state.tree["tenants"]:
            raise AwsProblem("AlreadyExistsException", f"Tenant {TenantName} already exists.")
        tenant_id = f"tn-{uuid.uuid4().hex[:30]}"
        tenant = {
            "TenantName": TenantName,
            "TenantId": tenant_id,
            "TenantArn": f"arn:aws:ses:{region}:{ACCOUNT}:tenant/{TenantName}/{tenant_id}",
            "CreatedTimestamp": self.state.now(),
            "Tags": list(Tags),
            "SendingStatus": "ENABLED",
        }
        self.state.tree["tenants"][key] = {"facts": tenant, "resources": []}
        return tenant

    def GetTenant(self, region: str, TenantName: str) -> dict[str, Any]:
        return {"Tenant": self.find_tenant(region, TenantName)["facts"]}

    def DeleteTenant(self, region: str, TenantName: str) -> None:
        self.find_tenant(region, TenantName)
        del self.state.tree["tenants"][f"{region} {TenantName}"]

    def ListTenants(self, region: str, NextToken: str = "", PageSize: int = 100, **_: Any) -> dict[str, Any]:
        tenants = [each["facts"] for key, each in self.state.tree["tenants"].items() if key.startswith(region + " ")]
        wanted = ("TenantName", "TenantId", "TenantArn", "CreatedTimestamp")
        page, more = page_of(tenants, token=NextToken, size=PageSize, refusal=bad_token_of_v2())
        return {"Tenants": [{name: tenant[name] for name in wanted} for tenant in page], **more}

    def CreateTenantResourceAssociation(self, region: str, TenantName: str, ResourceArn: str) -> None:
        resources = self.find_tenant(region, TenantName)["resources"]
        if ResourceArn in resources:
            raise AwsProblem("AlreadyExistsException", "The resource is associated already.")
        name = ResourceArn.rpartition("/")[2]
        if ":identity/" in ResourceArn:
            self.identities.get(region, name)
        elif ":configuration-set/" in ResourceArn and f"{region} {name}" not in self.state.tree["configuration_sets"]:
            raise AwsProblem("NotFoundException", f"Configuration set {name} does not exist.", 404)
        resources.append(ResourceArn)

    def DeleteTenantResourceAssociation(self, region: str, TenantName: str, ResourceArn: str) -> None:
        resources = self.find_tenant(region, TenantName)["resources"]
        if ResourceArn not in resources:
            raise AwsProblem("NotFoundException", "The resource is not associated.", 404)
        resources.remove(ResourceArn)

    def ListTenantResources(self, region: str, TenantName: str, **_: Any) -> dict[str, Any]:
        resources = self.find_tenant(region, TenantName)["resources"]
        return {
            "TenantResources": [
                {"ResourceType": KINDS.get(arn.split(":")[5].split("/")[0], "EMAIL_IDENTITY"), "ResourceArn": arn}
                for arn in resources
            ]
        }

    def ListResourceTenants(self, region: str, ResourceArn: str, **_: Any) -> dict[str, Any]:
        return {
            "ResourceTenants": [
                {
                    "TenantName": each["facts"]["TenantName"],
                    "TenantId": each["facts"]["TenantId"],
                    "ResourceArn": ResourceArn,
                }
                for key, each in self.state.tree["tenants"].items()
                if key.startswith(region + " ") and ResourceArn in each["resources"]
            ]
        }
