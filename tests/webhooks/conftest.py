"""Receivers: real HTTP servers on loopback that answer as they are told and remember what came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from webhooks.endpoints import NewSecret, create_endpoint
from webhooks.events import emit
from webhooks.models import WebhookDelivery
from webhooks.targets import Network


@dataclass(frozen=True)
class Came:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Receiver:
    """A customer's system. `answers` are used up in order, the last one for ever: (status, headers, body)."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=lambda: [(204, {}, b"")])
    came: list[Came] = field(default_factory=list)
    # Set to let waiting requests go; how many were being served at once is kept.
    gate: threading.Event = field(default_factory=threading.Event)
    at_once: int = 0
    most_at_once: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, *statuses: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.answers = [(status, headers or {}, body) for status in statuses]

    def take(self, came: Came) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            self.came.append(came)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.gate.wait(20)
        with self.lock:
            self.at_once -= 1
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is not news."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, headers, text = receiver.take(
                Came(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            )
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def make_receiver() -> Iterator[Callable[[], Receiver]]:
    servers: list[_Server] = []
    receivers: list[Receiver] = []

    def make() -> Receiver:
        receiver = Receiver()
        receiver.gate.set()
        server = _Server(("127.0.0.1", 0), _handler(receiver))
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        receivers.append(receiver)
        return receiver

    yield make
    for receiver in receivers:
        receiver.gate.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver(make_receiver: Callable[[], Receiver]) -> Receiver:
    return make_receiver()


@pytest.fixture
def subscribe(acme: Organization) -> Callable[..., NewSecret]:
    """An endpoint of acme at a receiver, for every event unless some are named."""

    def make(receiver: Receiver, *events: str, **fields: Any) -> NewSecret:
        wanted = list(events) or None
        return create_endpoint(
            organization=acme, url=receiver.url, events=wanted, actor="tests", now=timezone.now(), **fields
        )

    return make


@pytest.fixture
def tell(acme: Organization) -> Callable[..., list[WebhookDelivery]]:
    """Emit an event of acme; its outbox rows."""

    def one(type: str = "inbox.created", key: str = "1", *, now: datetime | None = None, **told: object) -> Any:
        emit(organization=acme, type=type, key=key, data=lambda: {"id": key, **told}, now=now or timezone.now())
        return list(WebhookDelivery.objects.filter(endpoint__organization=acme, type=type).order_by("pk"))

    return one


@pytest.fixture
def loopback() -> tuple[Network, ...]:
    """What an installation allows where its webhooks may call this machine."""
    return (ip_network("127.0.0.0/8"), ip_network("::1/128"))
