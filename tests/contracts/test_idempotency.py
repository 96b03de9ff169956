"""Idempotency-Key: a creating request that is sent again is answered again, and creates once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone
from time_machine import travel

from accounts.api_keys import issue_api_key
from accounts.models import ApiKey, Organization
from api.authentication import Caller
from api.contracts import CONTRACTS
from api.idempotency import LEASE, LIFETIME, begin, forget_old, hash_of, is_once, settle
from api.models import IdempotencyKey
from api.openapi import routes_of
from api.tasks import forget_idempotency_keys
from channels.models import EmailAccount
from config.beat import SCHEDULE
from domains.models import Domain
from tests.contracts.conftest import Api
from tests.sandbox_process import SandboxProcess
from webhooks.models import WebhookEndpoint

pytestmark = pytest.mark.django_db

DOMAINS, INBOXES, WEBHOOKS = "/api/email/domains", "/api/email/inboxes", "/api/email/webhooks"
HOOK = {"url": "https://example.com/hook"}


def send(api: Api, path: str, body: object, key: str = "key-1") -> Any:
    api.headers["Idempotency-Key"] = key
    return api.post(path, body)


def said(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def verified(acme: Organization, make_domain: Callable[..., Domain]) -> Domain:
    return make_domain(acme, "shop.example", status="active")


@pytest.fixture
def in_flight(api: Api, acme: Organization) -> IdempotencyKey:
    """A request for a webhook that has no answer yet."""
    return IdempotencyKey.objects.create(
        api_key=ApiKey.objects.get(organization=acme),
        route=WEBHOOKS,
        key="key-1",
        body_hash=hash_of(HOOK),
        created_at=timezone.now(),
        leased_until=timezone.now() + LEASE,
    )


def test_a_domain_is_registered_once(sandbox: SandboxProcess, api: Api) -> None:
    first = send(api, DOMAINS, {"domain": "shop.example"})
    again = send(api, DOMAINS, {"domain": "shop.example"})
    assert said(again) == said(first)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert Domain.objects.count() == 1


def test_an_inbox_is_made_once(verified: Domain, api: Api) -> None:
    first, again = (send(api, INBOXES, {"email": "a@shop.example"}) for _ in range(2))
    assert said(again) == said(first)
    assert (first.status_code, EmailAccount.objects.count()) == (201, 1)


def test_a_webhook_is_made_once_and_its_secret_said_again(api: Api) -> None:
    first, again = (send(api, WEBHOOKS, HOOK) for _ in range(2))
    assert said(again) == said(first)
    assert again.json()["secret"].startswith("whsec_")
    assert WebhookEndpoint.objects.count() == 1


def test_a_secret_is_rotated_once(api: Api) -> None:
    path = f"{WEBHOOKS}/{api.post(WEBHOOKS, HOOK).json()['id']}/rotate-secret"
    first, again = (send(api, path, {}) for _ in range(2))
    assert first.json()["secret"] == again.json()["secret"]


def test_every_post_that_answers_201_in_the_home_api_takes_the_key() -> None:
    home = next(contract for contract in CONTRACTS if contract.name == "email_domains")
    for route in routes_of(home):
        creates = "POST" in route.view.operations and 201 in route.view.operations["POST"].answers
        assert is_once(getattr(route.view, "post", None)) or not creates, route.template


def test_a_stored_answer_is_encrypted(api: Api) -> None:
    secret = send(api, WEBHOOKS, HOOK).json()["secret"]
    (row,) = IdempotencyKey.objects.all()
    assert row.status == 201
    assert secret not in row.answer_encrypted
    assert "whsec_" not in str(IdempotencyKey.objects.values().get())


def test_the_order_of_the_fields_does_not_matter(api: Api) -> None:
    first = send(api, WEBHOOKS, b'{"url": "https://example.com/", "events": ["domain.created"]}')
    again = send(api, WEBHOOKS, b'{"events":["domain.created"],"url":"https://example.com/"}')
    assert said(again) == said(first)


def test_another_body_is_refused(api: Api) -> None:
    send(api, WEBHOOKS, HOOK)
    answer = send(api, WEBHOOKS, {"url": "https://example.com/other"})
    assert code(answer) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert WebhookEndpoint.objects.count() == 1


def test_a_refusal_is_said_again_too(verified: Domain, api: Api) -> None:
    first = send(api, INBOXES, {"email": "a@nowhere.example"})
    again = send(api, INBOXES, {"email": "a@nowhere.example"})
    assert code(first) == code(again) == (404, "DOMAIN_NOT_FOUND")
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
def test_what_is_no_request_uses_up_no_key(body: bytes, api: Api) -> None:
    assert send(api, WEBHOOKS, body).status_code == 400
    assert send(api, WEBHOOKS, HOOK).status_code == 201


def test_in_flight_is_a_conflict(in_flight: IdempotencyKey, api: Api) -> None:
    assert code(send(api, WEBHOOKS, HOOK)) == (409, "IDEMPOTENCY_KEY_IN_FLIGHT")
    assert not WebhookEndpoint.objects.exists()


def test_in_flight_with_another_body_is_refused_as_such(in_flight: IdempotencyKey, api: Api) -> None:
    assert code(send(api, WEBHOOKS, {})) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_a_request_that_died_frees_its_key_when_the_lease_ends(in_flight: IdempotencyKey, api: Api) -> None:
    with travel(timezone.now() + LEASE, tick=True):
        assert send(api, WEBHOOKS, HOOK).status_code == 201
        assert send(api, WEBHOOKS, HOOK)["Idempotent-Replayed"] == "true"


def test_who_outlives_the_lease_writes_over_nobody_s_answer(in_flight: IdempotencyKey) -> None:
    caller = Caller(api_key=in_flight.api_key, now=timezone.now() + LEASE)
    ours = begin(caller=caller, route=WEBHOOKS, key="key-1", body_hash=in_flight.body_hash)
    for status in (201, 500):
        settle(in_flight, HttpResponse("late", status=status))
    assert IdempotencyKey.objects.get().status is None
    settle(ours, HttpResponse("in time", status=201))
    assert IdempotencyKey.objects.get().status == 201


@pytest.mark.parametrize("fault", ["LimitExceededException", "TooManyRequestsException", "InternalFailure"])
def test_after_a_failure_at_ses_the_request_runs_again(fault: str, sandbox: SandboxProcess, api: Api) -> None:
    wanted = {"operation": "CreateEmailIdentity", "kind": "error", "code": fault, "times": 100}
    sandbox.control("POST", "/_sandbox/faults", wanted)
    assert send(api, DOMAINS, {"domain": "shop.example"}).status_code >= 500
    sandbox.control("DELETE", "/_sandbox/faults")
    answer = send(api, DOMAINS, {"domain": "shop.example"})
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer


def test_after_a_quota_the_request_runs_again(sandbox: SandboxProcess, api: Api, settings: Any) -> None:
    settings.MAX_DOMAINS = 0
    assert send(api, DOMAINS, {"domain": "shop.example"}).status_code == 429
    settings.MAX_DOMAINS = 5
    assert send(api, DOMAINS, {"domain": "shop.example"}).status_code == 201


def test_after_a_fault_of_ours_the_request_runs_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("api.home.webhooks.create_endpoint", lambda **rest: 1 / 0)
        assert code(send(api, WEBHOOKS, HOOK)) == (500, "INTERNAL_ERROR")
    assert send(api, WEBHOOKS, HOOK).status_code == 201


def test_a_key_lives_a_day(api: Api) -> None:
    first = send(api, WEBHOOKS, HOOK)
    with travel(timezone.now() + LIFETIME, tick=True):
        assert send(api, WEBHOOKS, HOOK).json()["id"] != first.json()["id"]


def test_a_key_is_the_route_s(api: Api, verified: Domain) -> None:
    assert send(api, WEBHOOKS, HOOK).status_code == 201
    assert send(api, INBOXES, {"email": "a@shop.example"}).status_code == 201


def test_a_key_is_the_api_key_s(api: Api, stranger: Api, key_with: Callable[..., Api]) -> None:
    made = {send(caller, WEBHOOKS, HOOK).json()["id"] for caller in (api, stranger, key_with())}
    assert len(made) == 3


def test_without_the_permission_nothing_is_said_again(api: Api, acme: Organization) -> None:
    send(api, WEBHOOKS, HOOK)
    ApiKey.objects.filter(organization=acme).update(scopes=["Webhook.view"])
    assert code(send(api, WEBHOOKS, HOOK)) == (403, "FORBIDDEN")


@pytest.mark.parametrize("key", ["k", "a key", "k" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "~!@#$%^&*()"])
def test_a_key_is_any_printable_text(key: str, api: Api) -> None:
    assert send(api, WEBHOOKS, HOOK, key).status_code == 201
    assert send(api, WEBHOOKS, HOOK, key)["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "k" * 256, "schlüssel", "k\x7f", "k\x00", " k"])
def test_what_is_no_key_is_said_so(key: str, api: Api) -> None:
    answer = send(api, WEBHOOKS, HOOK, key)
    assert code(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["details"] == {"field": "Idempotency-Key"}
    assert not WebhookEndpoint.objects.exists()


def test_without_a_key_nothing_is_kept(api: Api) -> None:
    assert {api.post(WEBHOOKS, HOOK).status_code for _ in range(2)} == {201}
    assert WebhookEndpoint.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


def test_old_keys_are_forgotten_and_young_ones_kept(in_flight: IdempotencyKey) -> None:
    assert forget_old(now=in_flight.created_at + LIFETIME - timedelta(seconds=1)) == 0
    assert forget_old(now=in_flight.created_at + LIFETIME) == 1


def test_the_clock_forgets_old_keys(in_flight: IdempotencyKey) -> None:
    assert SCHEDULE["forget-idempotency-keys"]["task"] == forget_idempotency_keys.name
    with travel(timezone.now() + LIFETIME):
        forget_idempotency_keys()
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [DOMAINS, INBOXES, WEBHOOKS])
def test_many_at_the_same_moment_make_one(
    path: str, sandbox: SandboxProcess, acme: Organization, make_domain: Callable[..., Domain]
) -> None:
    make_domain(acme, "shop.example", status="active")
    secret = issue_api_key(organization=acme, name="many", now=timezone.now()).secret
    body = {DOMAINS: {"domain": "new.example"}, INBOXES: {"email": "a@shop.example"}, WEBHOOKS: HOOK}[path]
    together, answers = threading.Barrier(8), []

    def ask() -> None:
        caller = Api(secret)
        together.wait(10)
        answers.append(send(caller, path, body))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    statuses = sorted(answer.status_code for answer in answers)
    fresh = [answer for answer in answers if answer.status_code == 201 and "Idempotent-Replayed" not in answer]
    assert len(fresh) == 1, statuses
    assert set(statuses) <= {201, 409}
    made = {
        DOMAINS: Domain.objects.filter(name="new.example"),
        INBOXES: EmailAccount.objects,
        WEBHOOKS: WebhookEndpoint.objects,
    }
    assert made[path].count() == 1
    assert said(send(Api(secret), path, body)) == said(fresh[0])
