"""A caller of the API as programs are: over Django's test client, with a key, in JSON.

Whatever it is answered is held against the contract's document.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse

from accounts.api_keys import issue_api_key
from accounts.models import Organization
from domains.models import DnsRecord, Domain
from domains.records import required_records
from tests.contracts.documented import DocumentedClient

NOW = datetime(2026, 11, 21, 8, 0, 0, 987654, tzinfo=UTC)


class Api:
    """One key's requests; `body` is sent as JSON, or as it is where it is bytes."""

    def __init__(self, key: str | None) -> None:
        self.client = DocumentedClient()
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def send(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json"
    ) -> HttpResponse:
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.generic(method, path, raw, content_type=content_type, headers=self.headers)

    def get(self, path: str) -> HttpResponse:
        return self.send("GET", path)

    def post(self, path: str, body: object = None, **rest: Any) -> HttpResponse:
        return self.send("POST", path, body, **rest)

    def patch(self, path: str, body: object = None) -> HttpResponse:
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> HttpResponse:
        return self.send("DELETE", path)


@pytest.fixture
def api(acme_key: str) -> Api:
    return Api(acme_key)


@pytest.fixture
def stranger(globex_key: str) -> Api:
    return Api(globex_key)


@pytest.fixture
def key_with(acme: Organization) -> Callable[..., Api]:
    """An acme key with a role, scopes or a domain of its own."""

    def make(**fields: Any) -> Api:
        return Api(issue_api_key(organization=acme, name="limited", now=NOW, **fields).secret)

    return make


@pytest.fixture
def make_domain() -> Callable[..., Domain]:
    """A claim with its records as after registration, without asking AWS."""

    def make(organization: Organization, name: str, **fields: Any) -> Domain:
        defaults: dict[str, Any] = {
            "region": "us-east-1",
            "dmarc_value": "v=DMARC1; p=none;",
            "claim_started_at": NOW,
            "created_at": NOW,
            "updated_at": NOW,
        }
        if fields.get("status") == "active":
            defaults |= {"proved_at": NOW, "verified_at": NOW, "verification_status": "SUCCESS", "reason": ""}
        domain = Domain.objects.create(organization=organization, name=name, **(defaults | fields))
        planned = required_records(
            name=name,
            region=domain.region,
            ownership_token="token",
            dkim_tokens=("a1", "b2", "c3"),
            dkim_zone="dkim.amazonses.com",
            dmarc_value=domain.dmarc_value,
            is_receiving=domain.is_receiving,
        )
        for position, record in enumerate(planned):
            DnsRecord.objects.create(
                domain=domain,
                position=position,
                purpose=record.purpose,
                type=record.type,
                name=record.name,
                value=record.value,
                priority=record.priority,
                is_required=record.is_required,
            )
        return domain

    return make
