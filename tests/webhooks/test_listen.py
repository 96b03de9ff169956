"""`manage.py listen`: events on the machine that one develops on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from threading import Event

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import Organization
from tests.webhooks.conftest import Receiver
from webhooks.endpoints import InvalidUrl, visible_deliveries, visible_endpoints
from webhooks.listening import LIVES, Forwarded, forward_waiting, listen, start_listening
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outbox import deliver_due
from webhooks.tidying import tidy

pytestmark = pytest.mark.django_db
Tell = Callable[..., list[WebhookDelivery]]


def test_what_happens_while_somebody_listens_is_passed_on_signed(
    acme: Organization, receiver: Receiver, tell: Tell
) -> None:
    made = start_listening(organization=acme, url=receiver.url, now=timezone.now())
    tell(key="1")
    tell(key="2")
    forwarded: list[Forwarded] = []
    forward_waiting(endpoint=made.endpoint, told=forwarded.append, now=timezone.now())
    assert [each.answer.status_code for each in forwarded] == [204, 204]
    for came in receiver.came:
        Webhook(made.secret).verify(came.body, came.headers)


def test_each_is_passed_on_once_whatever_the_local_address_answers(
    acme: Organization, receiver: Receiver, tell: Tell
) -> None:
    receiver.answer(500)
    endpoint = start_listening(organization=acme, url=receiver.url, now=timezone.now()).endpoint
    tell()
    for _ in range(2):
        forward_waiting(endpoint=endpoint, told=lambda _: None, now=timezone.now())
    assert len(receiver.came) == 1


def test_the_worker_leaves_a_listener_s_events_to_the_listener(
    acme: Organization, receiver: Receiver, tell: Tell
) -> None:
    start_listening(organization=acme, url=receiver.url, now=timezone.now())
    tell()
    assert (deliver_due(now=timezone.now()), receiver.came) == (0, [])


def test_the_organization_does_not_see_the_borrowed_endpoint(
    acme: Organization, receiver: Receiver, tell: Tell
) -> None:
    start_listening(organization=acme, url=receiver.url, now=timezone.now())
    tell()
    assert not visible_endpoints(organization=acme).exists()
    assert not visible_deliveries(organization=acme).exists()


def test_a_listener_that_was_killed_is_told_nothing_more_and_forgotten(
    acme: Organization, receiver: Receiver, tell: Tell
) -> None:
    start_listening(organization=acme, url=receiver.url, now=timezone.now())
    later = timezone.now() + LIVES + timedelta(seconds=1)
    assert tell(now=later) == []
    tidy(now=later)
    assert not WebhookEndpoint.objects.exists()


def test_whoever_stops_listening_leaves_nothing_behind(acme: Organization, receiver: Receiver, tell: Tell) -> None:
    endpoint = start_listening(organization=acme, url=receiver.url, now=timezone.now()).endpoint
    tell()
    stop = Event()
    listen(endpoint=endpoint, told=lambda _: stop.set(), stop=stop)
    assert len(receiver.came) == 1
    assert not WebhookEndpoint.objects.exists()


def test_an_address_that_can_not_be_read_is_refused(acme: Organization) -> None:
    with pytest.raises(InvalidUrl):
        start_listening(organization=acme, url="localhost:3000", now=timezone.now())


def test_the_command_wants_to_know_which_of_several_organizations(acme: Organization, globex: Organization) -> None:
    with pytest.raises(CommandError, match=f"several organizations.*{globex.public_id} .Globex."):
        call_command("listen", "http://localhost:3000/", stdout=StringIO())


def test_the_command_names_the_organizations_that_there_are(acme: Organization, globex: Organization) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("listen", "http://localhost:3000/", "--organization", "Acme", stdout=StringIO())
    assert str(refused.value) == (
        f"There is no organization Acme, but {acme.public_id} (Acme), {globex.public_id} (Globex)."
    )


def test_the_command_says_that_plain_http_will_do(acme: Organization) -> None:
    with pytest.raises(CommandError, match="url must begin with https:// or http://"):
        call_command("listen", "notaurl", stdout=StringIO())


def test_the_command_refuses_what_the_verb_refuses_in_one_line(acme: Organization) -> None:
    with pytest.raises(CommandError, match=r"events has 'no\.such'"):
        call_command("listen", "http://localhost:3000/", "--events", "no.such", stdout=StringIO())
