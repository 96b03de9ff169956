"""Webhooks: added, tried, watched, changed, sent again and deleted, by those who may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from webhooks.endpoints import create_endpoint
from webhooks.events import emit
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outbox import deliver_due

pytestmark = pytest.mark.django_db
LIST = "dashboard:webhooks"


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def listener() -> Iterator[HTTPServer]:
    """Answers 200, and 500 at the address /broken."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(500 if self.path == "/broken" else 200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"okay")

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def address(listener: HTTPServer, path: str = "/hook") -> str:
    return f"http://127.0.0.1:{listener.server_address[1]}{path}"


def endpoint_at(organization: Organization, url: str = "http://127.0.0.1:9/hook") -> WebhookEndpoint:
    return create_endpoint(organization=organization, url=url, actor="test", now=timezone.now()).endpoint


def tell(organization: Organization, key: str = "one") -> WebhookDelivery:
    emit(organization=organization, type="inbox.created", key=key, data=lambda: {"id": key}, now=timezone.now())
    return WebhookDelivery.objects.latest("pk")


def page(client: Client, endpoint: WebhookEndpoint, query: str = "") -> str:
    return client.get(reverse("dashboard:webhook", args=[endpoint.public_id]) + query).content.decode()


def press(client: Client, name: str, public_id: str, **fields: str) -> str:
    return client.post(reverse(f"dashboard:{name}", args=[public_id]), fields, follow=True).content.decode()


def test_an_empty_list_says_what_it_is_for(signed_in: Client) -> None:
    shown = signed_in.get(reverse(LIST)).content.decode()
    assert "Nobody is told yet" in shown
    assert "Add a webhook" in shown


def test_one_is_added_and_its_secret_is_shown_once(signed_in: Client, acme: Organization) -> None:
    answer = signed_in.post(reverse(LIST), {"url": "http://127.0.0.1:9/hook", "events": ["message.received"]})
    secret = re.search(r'data-copy="(whsec_[^"]+)"', answer.content.decode())
    assert secret is not None
    assert "no-store" in answer["Cache-Control"]
    endpoint = WebhookEndpoint.objects.get(organization=acme)
    assert endpoint.events == ["message.received"]
    assert secret.group(1) not in page(signed_in, endpoint)
    assert endpoint.url in signed_in.get(reverse(LIST)).content.decode()


def test_nothing_ticked_means_everything(signed_in: Client) -> None:
    signed_in.post(reverse(LIST), {"url": "http://127.0.0.1:9/hook"})
    assert len(WebhookEndpoint.objects.get().events) > 10


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "ftp://x.example/", "https://169.254.169.254/", "nonsense", ""])
def test_an_address_that_may_not_be_called_is_refused_beside_its_field(signed_in: Client, url: str) -> None:
    answer = signed_in.post(reverse(LIST), {"url": url})
    assert answer.status_code == 422
    assert 'class="error"' in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_a_test_says_how_the_endpoint_answered(signed_in: Client, acme: Organization, listener: HTTPServer) -> None:
    good, broken = (endpoint_at(acme, address(listener, path)) for path in ("/hook", "/broken"))
    assert "It answered 200: it works." in press(signed_in, "test_webhook", good.public_id)
    assert "The test failed" in press(signed_in, "test_webhook", broken.public_id)


def test_the_log_shows_each_attempt_with_its_answer(
    signed_in: Client, acme: Organization, listener: HTTPServer
) -> None:
    endpoint = endpoint_at(acme, address(listener, "/broken"))
    told = tell(acme)
    deliver_due(now=timezone.now())
    shown = page(signed_in, endpoint)
    assert told.event_id in shown
    assert "<strong>500</strong>" in shown
    assert "okay" in shown
    assert "Tried again later" in shown
    assert 'hx-trigger="every 10s"' in shown
    assert told.event_id not in page(signed_in, endpoint, "?status=succeeded")
    fragment = signed_in.get(reverse("dashboard:webhook_deliveries", args=[endpoint.public_id])).content.decode()
    assert told.event_id in fragment
    assert "<html" not in fragment


def test_the_log_goes_on_behind_its_first_page(signed_in: Client, acme: Organization) -> None:
    endpoint = endpoint_at(acme)
    for number in range(31):
        tell(acme, f"n{number}")
    first = WebhookDelivery.objects.earliest("pk")
    shown = page(signed_in, endpoint)
    assert first.event_id not in shown
    after = re.search(r"\?after=(\d+)", shown)
    assert after is not None
    assert first.event_id in page(signed_in, endpoint, f"?after={after.group(1)}")


@pytest.mark.parametrize("query", ["?after=x", "?after=99999999999999999999", "?after=-1", "?status=%00", "?status=no"])
def test_a_strange_query_is_passed_over(signed_in: Client, acme: Organization, query: str) -> None:
    endpoint = endpoint_at(acme)
    told = tell(acme)
    assert told.event_id in page(signed_in, endpoint, query)


def test_one_is_sent_again_with_the_same_id(signed_in: Client, acme: Organization, listener: HTTPServer) -> None:
    endpoint_at(acme, address(listener))
    told = tell(acme)
    deliver_due(now=timezone.now())
    assert "with the same webhook-id" in press(signed_in, "replay_delivery", told.public_id)
    told.refresh_from_db()
    assert told.status == "pending"


def test_a_window_is_counted_before_it_is_sent_again(
    signed_in: Client, acme: Organization, listener: HTTPServer
) -> None:
    endpoint = endpoint_at(acme, address(listener))
    told = tell(acme)
    deliver_due(now=timezone.now())
    counted = press(signed_in, "replay_webhook", endpoint.public_id, hours="24")
    assert "Send 1 event again" in counted
    told.refresh_from_db()
    assert told.status == "succeeded"
    until = re.search(r'name="until" value="([^"]+)"', counted)
    assert until is not None
    press(signed_in, "replay_webhook", endpoint.public_id, hours="24", until=until.group(1).replace("&#x2B;", "+"))
    told.refresh_from_db()
    assert told.status == "pending"


def test_an_empty_window_says_so(signed_in: Client, acme: Organization) -> None:
    endpoint = endpoint_at(acme)
    shown = press(signed_in, "replay_webhook", endpoint.public_id, hours="1")
    assert "There was no event in that time." in shown


def test_it_is_changed_switched_off_and_on_and_deleted(signed_in: Client, acme: Organization) -> None:
    endpoint = endpoint_at(acme)
    press(signed_in, "change_webhook", endpoint.public_id, url="http://127.0.0.1:9/new", events="inbox.created")
    press(signed_in, "switch_webhook", endpoint.public_id, switch="off")
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.events, endpoint.is_enabled) == ("http://127.0.0.1:9/new", ["inbox.created"], False)
    assert "Switched off by the owner" in page(signed_in, endpoint)
    press(signed_in, "switch_webhook", endpoint.public_id, switch="on")
    endpoint.refresh_from_db()
    assert endpoint.is_enabled
    press(signed_in, "delete_webhook", endpoint.public_id)
    assert not WebhookEndpoint.objects.exists()


def test_nothing_ticked_means_everything_in_a_change_too(signed_in: Client, acme: Organization) -> None:
    endpoint = endpoint_at(acme)
    press(signed_in, "change_webhook", endpoint.public_id, url=endpoint.url, events="inbox.created")
    press(signed_in, "change_webhook", endpoint.public_id, url=endpoint.url)
    endpoint.refresh_from_db()
    assert len(endpoint.events) > 10


def test_what_staff_switched_off_stays_off(signed_in: Client, acme: Organization) -> None:
    endpoint = endpoint_at(acme)
    WebhookEndpoint.objects.update(status="disabled", disabled_reason="by_staff")
    assert "only they can enable it" in press(signed_in, "switch_webhook", endpoint.public_id, switch="on")


def test_a_new_secret_is_shown_and_the_old_one_signs_on(signed_in: Client, acme: Organization) -> None:
    endpoint = endpoint_at(acme)
    shown = press(signed_in, "new_webhook_secret", endpoint.public_id)
    assert "whsec_" in shown
    assert "The one before signs as well until" in shown


POSTS = [
    "change_webhook",
    "switch_webhook",
    "new_webhook_secret",
    "test_webhook",
    "replay_webhook",
    "delete_webhook",
]


@pytest.mark.parametrize("name", POSTS)
def test_who_only_looks_changes_nothing(client: Client, viewer: User, acme: Organization, name: str) -> None:
    endpoint = endpoint_at(acme)
    client.force_login(viewer)
    assert client.post(reverse(f"dashboard:{name}", args=[endpoint.public_id])).status_code == 403
    assert "Send a test" not in page(client, endpoint).replace("Press “Send a test”", "")


@pytest.mark.parametrize("name", [*POSTS, "webhook", "webhook_deliveries"])
def test_another_organizations_is_not_there(client: Client, outsider: User, acme: Organization, name: str) -> None:
    endpoint = endpoint_at(acme)
    client.force_login(outsider)
    ask = client.post if name in POSTS else client.get
    assert (
        ask(reverse(f"dashboard:{name}", args=[endpoint.public_id]), {"url": "http://127.0.0.1:9/"}).status_code == 404
    )


def test_another_organizations_delivery_is_not_there(client: Client, outsider: User, acme: Organization) -> None:
    endpoint_at(acme)
    told = tell(acme)
    client.force_login(outsider)
    assert client.post(reverse("dashboard:replay_delivery", args=[told.public_id])).status_code == 404
