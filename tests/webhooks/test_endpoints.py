"""Endpoints: made, changed, given a new secret, deleted; and their secrets at rest."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet, InvalidToken
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.encryption import decrypt, encrypt
from accounts.models import AuditEvent, Organization
from tests.webhooks.conftest import Receiver
from webhooks import endpoints
from webhooks.endpoints import (
    EndpointNotFound,
    EndpointQuotaReached,
    InvalidUrl,
    NewSecret,
    UnknownEventType,
    access_endpoint,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
)
from webhooks.events import BY_NAME_CATALOGUE, CATALOGUE
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outbox import deliver_due

pytestmark = pytest.mark.django_db
Subscribe = Callable[..., NewSecret]
Tell = Callable[..., list[WebhookDelivery]]
URL = "https://hooks.example.com/postern"


def make(organization: Organization, **fields: object) -> NewSecret:
    given: dict[str, object] = {"url": URL, **fields}
    return create_endpoint(organization=organization, actor="tests", now=timezone.now(), **given)  # type: ignore[arg-type]


def test_without_events_an_endpoint_gets_all_that_its_style_knows(acme: Organization) -> None:
    assert make(acme).endpoint.events == list(CATALOGUE)
    assert make(acme, style="by_name").endpoint.events == list(BY_NAME_CATALOGUE)


def test_events_are_kept_once_each_in_the_catalogues_order(acme: Organization) -> None:
    wanted = ["message.received", "domain.created", "message.received"]
    assert make(acme, events=wanted).endpoint.events == ["domain.created", "message.received"]


@pytest.mark.parametrize(
    "events",
    [[], ["*"], ["message"], ["message.received", "nothing.happened"], [None], [{}], "message.received", {}, 5],
)
def test_events_that_do_not_exist_are_refused(events: object, acme: Organization) -> None:
    with pytest.raises(UnknownEventType):
        make(acme, events=events)
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_of_the_other_style_hears_of_no_domain(acme: Organization) -> None:
    with pytest.raises(UnknownEventType):
        make(acme, style="by_name", events=["domain.created"])


@pytest.mark.parametrize("url", [None, 5, [], "", "https://127.1/", "https://10.0.0.1/", "ftp://example.com/"])
def test_an_address_that_may_not_be_called_is_refused_at_once(url: object, acme: Organization) -> None:
    with pytest.raises(InvalidUrl):
        make(acme, url=url)


def test_an_organization_has_no_more_endpoints_than_it_may(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 2)
    make(acme)
    make(acme)
    with pytest.raises(EndpointQuotaReached):
        make(acme)


def test_a_secret_has_256_random_bits(acme: Organization) -> None:
    first, second = make(acme).secret, make(acme).secret
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32
    assert first != second


def test_no_column_holds_the_secret_itself(acme: Organization) -> None:
    secret = make(acme).secret
    rotate_secret(endpoint=WebhookEndpoint.objects.get(), actor="tests", now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM webhooks_webhookendpoint")
        (row,) = cursor.fetchall()
    bare = secret.removeprefix("whsec_")
    assert not [column for column in row if bare in str(column)]
    assert not AuditEvent.objects.filter(details__icontains=bare).exists()


def test_the_first_key_encrypts_and_all_decrypt(settings: LazySettings) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.ENCRYPTION_KEYS = (old,)
    token = encrypt("whsec_1")
    settings.ENCRYPTION_KEYS = (new, old)
    assert decrypt(token) == "whsec_1"
    again = encrypt("whsec_1")
    settings.ENCRYPTION_KEYS = (new,)
    assert decrypt(again) == "whsec_1"
    with pytest.raises(InvalidToken):
        decrypt(token)


def test_both_secrets_verify_for_a_day_and_then_the_new_one_alone(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    made = subscribe(receiver)
    fresh = rotate_secret(endpoint=made.endpoint, actor="tests", now=timezone.now()).secret
    tell(key="during")
    deliver_due(now=timezone.now())
    during = receiver.came[-1]
    assert during.headers["webhook-signature"].count("v1,") == 2
    for secret in (made.secret, fresh):
        Webhook(secret).verify(during.body, during.headers)
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)):
        tell(key="after")
        deliver_due(now=timezone.now())
        after = receiver.came[-1]
        Webhook(fresh).verify(after.body, after.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(made.secret).verify(after.body, after.headers)


def test_a_second_rotation_within_the_day_leaves_the_original_secret_its_day(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    original = subscribe(receiver)
    start = timezone.now()
    between = rotate_secret(endpoint=original.endpoint, actor="tests", now=start).secret
    again = rotate_secret(endpoint=original.endpoint, actor="tests", now=start + timedelta(hours=23))
    assert again.endpoint.previous_secret_until == start + endpoints.ROTATION
    tell()
    deliver_due(now=timezone.now())
    came = receiver.came[-1]
    for secret in (original.secret, again.secret):
        Webhook(secret).verify(came.body, came.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(between).verify(came.body, came.headers)


def test_a_rotation_after_the_day_leaves_the_secret_before_it_a_day(acme: Organization) -> None:
    endpoint, start = make(acme).endpoint, timezone.now()
    first = rotate_secret(endpoint=endpoint, actor="tests", now=start).secret
    later = start + endpoints.ROTATION
    second = rotate_secret(endpoint=endpoint, actor="tests", now=later)
    assert endpoints.signing_keys(second.endpoint, now=later) == (second.secret, first)
    assert second.endpoint.previous_secret_until == later + endpoints.ROTATION


def test_after_a_lost_key_a_new_secret_signs_at_once(
    receiver: Receiver, subscribe: Subscribe, tell: Tell, settings: LazySettings
) -> None:
    settings.ENCRYPTION_KEYS = (Fernet.generate_key().decode(),)
    endpoint = subscribe(receiver).endpoint
    settings.ENCRYPTION_KEYS = (Fernet.generate_key().decode(),)
    fresh = rotate_secret(endpoint=endpoint, actor="tests", now=timezone.now()).secret
    tell()
    deliver_due(now=timezone.now())
    (came,) = receiver.came
    Webhook(fresh).verify(came.body, came.headers)


def test_another_organizations_endpoint_is_not_found(acme: Organization, globex: Organization) -> None:
    endpoint = make(acme).endpoint
    assert access_endpoint(organization=acme, public_id=endpoint.public_id) == endpoint
    for public_id in (endpoint.public_id, "whk_" + "x" * 21, "", "\x00", "x" * 40):
        with pytest.raises(EndpointNotFound):
            access_endpoint(organization=globex, public_id=public_id)


def test_a_change_is_made_whole_or_not_at_all(acme: Organization) -> None:
    endpoint = make(acme).endpoint
    with pytest.raises(UnknownEventType):
        change_endpoint(
            endpoint=endpoint, url="https://other.example.com/", events=["no"], actor="tests", now=timezone.now()
        )
    endpoint.refresh_from_db()
    assert endpoint.url == URL


def test_what_was_made_changed_and_deleted_is_audited(acme: Organization) -> None:
    endpoint = make(acme).endpoint
    now = timezone.now()
    change_endpoint(endpoint=endpoint, events=["inbox.created"], is_enabled=False, actor="tests", now=now)
    assert delete_endpoint(endpoint=endpoint, actor="tests", now=now)
    assert not delete_endpoint(endpoint=endpoint, actor="tests", now=now)
    actions = AuditEvent.objects.filter(subject=endpoint.public_id).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["webhook.created", "webhook.changed", "webhook.disabled", "webhook.deleted"]
