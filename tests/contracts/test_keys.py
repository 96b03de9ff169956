"""API keys over all contracts: scopes, a domain's limit, expiry, revocation, last use; and a canary in the logs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.utils import timezone

from accounts.api_keys import issue_api_key, revoke_api_key
from accounts.models import ApiKey, Organization
from tests.contracts.conftest import Api
from tests.contracts.routes import METHODS, ROUTES, Route

pytestmark = pytest.mark.django_db
NOBODYS = "nobodys_AAAAAAAAAAAAAAAAAAAAA"
each_route = pytest.mark.parametrize("route", ROUTES, ids=str)


def path_of(route: Route, organization: Organization) -> str:
    values = {"workspace_id": str(organization.workspace_id), "channel_id": "999999"}
    return route.path(**{name: values.get(name, NOBODYS) for name in route.parameters})


@each_route
def test_a_revoked_key_ends_at_once(route: Route, acme: Organization) -> None:
    issued = issue_api_key(organization=acme, name="short", now=timezone.now())
    revoke_api_key(api_key=issued.api_key, now=timezone.now(), actor="test")
    for method in METHODS:
        assert Api(issued.secret).send(method, path_of(route, acme), {}).status_code in (401, 404)


@each_route
def test_a_key_ends_when_it_expires(route: Route, acme: Organization) -> None:
    expires_at = timezone.now() + timedelta(hours=1)
    secret = issue_api_key(organization=acme, name="short", now=timezone.now(), expires_at=expires_at).secret
    before = {method: Api(secret).send(method, path_of(route, acme), {}).status_code for method in METHODS}
    assert 401 not in before.values()
    with time_machine.travel(expires_at + timedelta(seconds=1), tick=False):
        after = {method: Api(secret).send(method, path_of(route, acme), {}).status_code for method in METHODS}
    assert 401 in after.values()
    assert set(after.values()) <= {401, 404}


@each_route
def test_a_use_is_noted(route: Route, acme: Organization) -> None:
    issued = issue_api_key(organization=acme, name="fresh", now=timezone.now())
    for method in METHODS:
        Api(issued.secret).send(method, path_of(route, acme), {})
    assert ApiKey.objects.get(pk=issued.api_key.pk).last_used_at is not None


@each_route
def test_the_secret_is_in_no_log_whatever_happens(
    route: Route, acme: Organization, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = issue_api_key(organization=acme, name="canary", now=timezone.now()).secret
    api = Api(secret)
    with caplog.at_level(logging.DEBUG):
        for method in METHODS:
            api.send(method, path_of(route, acme), {"x": secret})
            api.send(method, f"{path_of(route, acme)}?access_token={secret}", b"{")
        monkeypatch.setattr("api.base.ContractView.initial", lambda *args, **rest: 1 / 0)
        for method in METHODS:
            api.send(method, path_of(route, acme), {"x": secret})
    assert caplog.records
    assert not [record for record in caplog.records if secret in caplog.handler.format(record)]


def test_the_secret_is_nowhere_in_the_database(acme: Organization, key_with: Callable[..., Api]) -> None:
    secret = issue_api_key(organization=acme, name="canary", now=timezone.now()).secret
    rows = [str(row) for model in apps.get_models() for row in model._base_manager.values()]
    assert any(secret[:8] in row for row in rows)
    assert not [row for row in rows if secret in row]
