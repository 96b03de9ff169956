"""The same journey in the words of each contract: how it is told there, and what each turn answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from accounts.models import Organization
from channels.models import Channel, EmailAccount
from domains.models import Domain
from tests.contracts.conftest import Api

Said = tuple[int, object]


class Teller(ABC):
    """One contract's client. Each turn answers its status and the part of the body that carries the meaning."""

    name: str
    # What each turn is answered where the journey goes wrong.
    duplicate: Said
    too_early: Said
    in_use: Said | None
    upstream_limit: Said
    unknown: Said
    # The contract's word for a domain that another contract made, by the core's status; None: it is not seen here.
    words: dict[str, object]
    created = 201

    def __init__(self, api: Api, organization: Organization) -> None:
        self.api = api
        self.organization = organization

    def domain(self, name: str) -> Domain:
        return Domain.objects.live().get(organization=self.organization, name=name)

    @abstractmethod
    def register(self, name: str) -> Any: ...

    @abstractmethod
    def verify(self, name: str) -> Any: ...

    @abstractmethod
    def remove(self, name: str) -> Any: ...

    @abstractmethod
    def word(self, name: str) -> object:
        """What this contract says of the domain when it is read."""

    @abstractmethod
    def meaning(self, answer: Any) -> object:
        """Of a refusal, or of an answer to `verify`, what tells it apart."""

    def said(self, answer: Any) -> Said:
        return answer.status_code, self.meaning(answer)


class CustomEmail(Teller):
    name = "custom_email"
    duplicate = (400, "Domain already registered")
    too_early = (400, "DNS records not yet propagated or incorrectly configured")
    verified = (200, "verified")
    in_use = None
    upstream_limit = (500, "SES domain limit reached")
    unknown = (404, "Channel not found")
    words: dict[str, object] = {}

    def register(self, name: str) -> Any:
        return self.api.post("/channels/email/custom/setup-receiving", {"domain": name})

    def verify(self, name: str) -> Any:
        channel = Channel.objects.filter(organization=self.organization, name=name).first()
        return self.api.post(f"/channels/email/custom/{channel.pk if channel else 999999}/verify-receiving", {})

    def remove(self, name: str) -> Any:
        account = EmailAccount.objects.live().get(channel__name=name, organization=self.organization)
        return self.api.post("/channels/email/disconnect/custom", {"accountId": account.pk})

    def word(self, name: str) -> object:
        return None

    def meaning(self, answer: Any) -> object:
        body = answer.json()
        return body["status"] if answer.status_code == 200 else body["message"]


class EmailDomains(Teller):
    name = "email_domains"
    duplicate = (409, "DOMAIN_EXISTS")
    too_early = (422, "VERIFICATION_FAILED")
    verified = (200, "active")
    in_use = (409, "DOMAIN_IN_USE")
    upstream_limit = (503, "PROVIDER_LIMIT")
    unknown = (404, "DOMAIN_NOT_FOUND")
    words = {"pending": "pending", "active": "active", "failed": "failed", "suspended": "suspended"}

    def path(self, name: str) -> str:
        return f"/api/email/domains/{self.domain(name).public_id}"

    def register(self, name: str) -> Any:
        return self.api.post("/api/email/domains", {"domain": name})

    def verify(self, name: str) -> Any:
        return self.api.post(self.path(name) + "/verify")

    def remove(self, name: str) -> Any:
        return self.api.delete(self.path(name))

    def word(self, name: str) -> object:
        listed = self.api.get("/api/email/domains").json()["domains"]
        return next((domain["status"] for domain in listed if domain["domain"] == name), None)

    def meaning(self, answer: Any) -> object:
        body = answer.json()
        return body["error"]["code"] if "error" in body else body.get("status")


class SesSetups(Teller):
    name = "ses_setups"
    duplicate = (409, "Tenant name or domain identity already exists.")
    too_early = (200, False)
    verified = (200, True)
    in_use = (409, "SES setup has active use cases — delete those first")
    upstream_limit = (502, "Upstream email service unavailable.")
    unknown = (404, "SES setup not found")
    # A domain that another contract made has no tenant: it is not seen here.
    words = {"pending": None, "active": None, "failed": None, "suspended": None}

    @property
    def base(self) -> str:
        return f"/v1/{self.organization.workspace_id}/channels/ses-setup"

    def listed(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.api.get(self.base + "?limit=20").json()["items"]
        return items

    def setup_id(self, name: str) -> str:
        return next(item["id"] for item in self.listed() if item["domain_identity"] == name)

    def register(self, name: str) -> Any:
        # Tenants have one name in the whole AWS account, whoever claims the domain.
        tenant_name = f"{self.organization.name}-{name}".replace(".", "-")
        return self.api.post(self.base, {"tenant_name": tenant_name, "domain_identity": name})

    def verify(self, name: str) -> Any:
        return self.api.post(f"{self.base}/{self.setup_id(name)}/verify")

    def remove(self, name: str) -> Any:
        return self.api.delete(f"{self.base}/{self.setup_id(name)}")

    def word(self, name: str) -> object:
        return next((item["dns_verified"] for item in self.listed() if item["domain_identity"] == name), None)

    def meaning(self, answer: Any) -> object:
        body = answer.json()
        return body["detail"] if "detail" in body else all(record["verified"] for record in body["dns_records"])


class DomainsByName(Teller):
    name = "domains_by_name"
    duplicate = (400, "domain_exists")
    too_early = (200, False)
    verified = (200, True)
    in_use = None
    upstream_limit = (502, "upstream_error")
    unknown = (404, "domain_not_found")
    words = {"pending": False, "active": True, "failed": False, "suspended": False}

    def register(self, name: str) -> Any:
        return self.api.post("/v1/domains", {"name": name})

    def verify(self, name: str) -> Any:
        return self.api.post(f"/v1/domains/{name}/verify", {})

    def remove(self, name: str) -> Any:
        return self.api.delete(f"/v1/domains/{name}")

    def word(self, name: str) -> object:
        listed = self.api.get("/v1/domains").json()
        return next((domain["verified"] for domain in listed if domain["name"] == name), None)

    def meaning(self, answer: Any) -> object:
        body = answer.json()
        return body["code"] if answer.status_code >= 400 else body["verified"]


class DomainsService(Teller):
    name = "domains_service"
    created = 200
    duplicate = (409, "already_exists")
    too_early = (200, "VERIFICATION_STATUS_PENDING")
    verified = (200, "VERIFICATION_STATUS_SUCCESS")
    in_use = (400, "failed_precondition")
    upstream_limit = (429, "resource_exhausted")
    unknown = (404, "not_found")
    words = {
        "pending": "VERIFICATION_STATUS_PENDING",
        "active": "VERIFICATION_STATUS_SUCCESS",
        "failed": "VERIFICATION_STATUS_FAILED",
        # Suspension is none of this contract's words: what SES says goes on.
        "suspended": "VERIFICATION_STATUS_SUCCESS",
    }

    def register(self, name: str) -> Any:
        return self.api.post("/domains/AddDomain", {"domain": name, "receive_enabled": True})

    def verify(self, name: str) -> Any:
        return self.api.post("/domains/GetDomain", {"id": self.domain(name).public_id, "include_dns_validation": True})

    def remove(self, name: str) -> Any:
        return self.api.post("/domains/RemoveDomain", {"id": self.domain(name).public_id})

    def word(self, name: str) -> object:
        listed = self.api.post("/domains/ListDomains", {}).json()["domains"]
        return next((domain["verification_status"] for domain in listed if domain["name"] == name), None)

    def meaning(self, answer: Any) -> object:
        body = answer.json()
        return body["code"] if answer.status_code >= 400 else body["domain"]["verification_status"]


TELLERS: tuple[type[Teller], ...] = (CustomEmail, EmailDomains, SesSetups, DomainsByName, DomainsService)
