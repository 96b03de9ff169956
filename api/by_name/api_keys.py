"""API keys: made by a key that may manage the organization, never stronger than itself, its secret shown once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import path
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from accounts.api_keys import (
    ApiKeyNotFound,
    UnknownScope,
    issue_by_key,
    revoke_api_key,
    visible_api_keys,
)
from accounts.models import ApiKey
from accounts.permissions import ORGANIZATION_MANAGE
from api.by_name.manners import ByNameView, InvalidValue, both_ids, trimmed
from api.schemas import by_name_access as schemas
from api.timestamps import milliseconds
from domains.names import InvalidDomainName
from domains.registration import validated_name

# A row's number as it is written in a path: what is longer than this is in no table.
LONGEST_NUMBER = 18


class KeysView(ByNameView):
    """A route about the organization's keys; a key that is limited to one domain sees those of that domain."""

    def visible(self) -> QuerySet[ApiKey]:
        rows = visible_api_keys(organization=self.caller.organization)
        return rows.filter(domain_name=self.caller.only_domain) if self.caller.only_domain else rows

    def access(self, key_id: str) -> ApiKey:
        """Raises ApiKeyNotFound."""
        is_number = key_id.isascii() and key_id.isdecimal() and len(key_id) <= LONGEST_NUMBER
        api_key = self.visible().filter(pk=int(key_id)).first() if is_number else None
        if api_key is None:
            raise ApiKeyNotFound
        return api_key


class ApiKeyList(KeysView):
    permissions = {"GET": ORGANIZATION_MANAGE, "POST": ORGANIZATION_MANAGE}
    operations = {"GET": schemas.LIST_KEYS, "POST": schemas.CREATE_KEY}

    def get(self, request: Request) -> HttpResponse:
        rows = self.visible().order_by("-created_at", "-pk")
        return self.answer(200, [key_body(api_key, now=self.caller.now) for api_key in rows])

    def post(self, request: Request) -> HttpResponse:
        body = self.body
        name, scopes = trimmed(body, "name"), wanted_scopes(body)
        domain_name, expires_at = wanted_domain(body), wanted_end(body, now=self.caller.now)
        try:
            issued = issue_by_key(
                issuer=self.caller.api_key,
                name=name,
                scopes=scopes,
                domain_name=domain_name,
                expires_at=expires_at,
                actor=self.caller.actor,
                now=self.caller.now,
            )
        except UnknownScope as refusal:
            raise InvalidValue("scopes", scopes, refusal.message) from refusal
        return self.answer(201, key_body(issued.api_key, now=self.caller.now) | {"key": issued.secret})


class ApiKeyDetail(KeysView):
    permissions = {"GET": ORGANIZATION_MANAGE, "DELETE": ORGANIZATION_MANAGE}
    operations = {"GET": schemas.READ_KEY, "DELETE": schemas.REVOKE_KEY}

    def get(self, request: Request, key_id: str) -> HttpResponse:
        return self.answer(200, key_body(self.access(key_id), now=self.caller.now))

    def delete(self, request: Request, key_id: str) -> HttpResponse:
        api_key = self.access(key_id)
        if not revoke_api_key(api_key=api_key, now=self.caller.now, actor=self.caller.actor):
            raise ApiKeyNotFound
        api_key.refresh_from_db()
        return self.answer(200, key_body(api_key, now=self.caller.now))


def wanted_scopes(body: dict[str, Any]) -> list[str]:
    """Permission names; none for those of the key that asks. An empty list would mean all, so it is refused."""
    scopes = body.get("scopes")
    if scopes is None:
        return []
    if not isinstance(scopes, list) or not scopes or not all(isinstance(scope, str) for scope in scopes):
        raise InvalidValue("scopes", scopes)
    return list(dict.fromkeys(scopes))


def wanted_domain(body: dict[str, Any]) -> str:
    """The one name that the new key is limited to; it need not be registered yet: the key itself may do that."""
    if body.get("domain") is None:
        return ""
    try:
        return validated_name(body["domain"]).ascii
    except InvalidDomainName as refusal:
        raise InvalidValue(
            "domain", body["domain"], "Invalid domain name format", code="invalid_domain_name"
        ) from refusal


def wanted_end(body: dict[str, Any], *, now: datetime) -> datetime | None:
    given = body.get("expiresAt")
    if given is None:
        return None
    try:
        moment = parse_datetime(given) if isinstance(given, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment <= now:
        raise InvalidValue("expiresAt", given, "expiresAt must be a time to come, such as 2030-01-31T12:00:00Z")
    return moment.astimezone(UTC)


def key_body(api_key: ApiKey, *, now: datetime) -> dict[str, object]:
    return {
        **both_ids(str(api_key.pk)),
        "organizationId": api_key.organization.public_id,
        "name": api_key.name,
        "active": api_key.is_live(now),
        "scopes": api_key.scopes,
        "domain": api_key.domain_name or None,
        "expiresAt": milliseconds(api_key.expires_at) if api_key.expires_at else None,
        "lastUsedAt": milliseconds(api_key.last_used_at) if api_key.last_used_at else None,
        "revokedAt": milliseconds(api_key.revoked_at) if api_key.revoked_at else None,
        "createdAt": milliseconds(api_key.created_at),
        "updatedAt": milliseconds(api_key.revoked_at or api_key.created_at),
    }


urlpatterns = [
    path("v1/api_keys", ApiKeyList.as_view()),
    path("v1/api_keys/<str:key_id>", ApiKeyDetail.as_view()),
]
