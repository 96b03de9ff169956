"""What the sandbox's own tests stand on: its clients, a receiver for SNS, and a sandbox that may be stopped."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import pytest
from botocore.exceptions import ClientError

from tests.sandbox_process import SandboxProcess


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first truthy answer; the last one when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, int]:
    """(code, HTTP status) of the refusal; fails where the call is answered."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer: Any = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def make_sandbox(tmp_path: Path) -> Iterator[Callable[..., SandboxProcess]]:
    """Starts sandboxes on the same ports and folder, one after the other."""
    ports = {"aws_port": free_port(), "dns_port": free_port(), "smtp_port": free_port()}
    started: list[SandboxProcess] = []

    def make(*options: str) -> SandboxProcess:
        process = SandboxProcess(**ports, folder=tmp_path / "sandbox", options=options)
        process.start()
        started.append(process)
        return process

    yield make
    for process in started:
        process.kill()


@pytest.fixture
def ask(sandbox: SandboxProcess) -> Callable[..., dns.message.Message]:
    """One DNS question over UDP or TCP to one of the sandbox's addresses."""

    def question(
        name: str, type_: str, *, at: str = "127.0.0.1", tcp: bool = False, recursion: bool = True, edns: bool = True
    ) -> dns.message.Message:
        query = dns.message.make_query(name, type_, use_edns=0 if edns else -1)
        if not recursion:
            query.flags &= ~dns.flags.RD
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, at, port=sandbox.dns[1], timeout=2)

    return question


@pytest.fixture
def verified(sandbox: SandboxProcess) -> Callable[..., None]:
    """An identity that earned its verification by its DKIM records."""

    def make(name: str, region: str = "us-east-1") -> None:
        answer = sandbox.client("sesv2", region).create_email_identity(EmailIdentity=name)
        records = dkim_records(name, answer["DkimAttributes"]["Tokens"])
        sandbox.control("POST", "/_sandbox/publish", {"records": records})
        sandbox.control("POST", "/_sandbox/check")

    return make


def dkim_records(name: str, tokens: list[str]) -> list[dict[str, str]]:
    return [
        {"type": "CNAME", "name": f"{token}._domainkey.{name}", "value": f"{token}.dkim.amazonses.com"}
        for token in tokens
    ]


@dataclass
class Receiver:
    """An HTTP endpoint that SNS may post to: what came, as (headers, body), and what it answers."""

    status: int = 200
    posts: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    def of_type(self, type_: str) -> list[dict[str, Any]]:
        return [body for _, body in self.posts if body["Type"] == type_]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(told.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/sns"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()
