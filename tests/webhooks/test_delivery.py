"""One attempt against receivers of every temper: how it ends, and that it ends."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.webhooks.conftest import Receiver
from webhooks.delivery import MOST_INTERIM, MOST_KEPT, Answer, Call, attempt
from webhooks.targets import Network

Temper = Callable[[socket.socket], None]
Serve = Callable[[Temper], str]
# A second in place of fifteen: the deadline is one number, and the tests are many.
SECONDS = 1.0


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server that reads the request and then does with the connection as it likes; its URL."""
    listeners: list[socket.socket] = []

    def start(temper: Temper) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=run, args=(connection,), daemon=True).start()

        def run(connection: socket.socket) -> None:
            with connection:
                read_request(connection)
                try:
                    temper(connection)
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def call(loopback: tuple[Network, ...]) -> Callable[..., Answer]:
    def make(url: str, body: str = "{}", **headers: str) -> Answer:
        return attempt(Call(url, body, headers, loopback), seconds=SECONDS)

    return make


Make = Callable[..., Answer]


def read_request(connection: socket.socket) -> None:
    """To its end: what is closed with something unread is reset, and the answer lost with it."""
    asked = b""
    while not asked.endswith(b"{}"):
        asked += connection.recv(65536)


def says(text: bytes) -> Temper:
    return lambda connection: connection.sendall(text)


def drips(first: bytes, drop: bytes) -> Temper:
    def temper(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(drop)
            time.sleep(0.05)

    return temper


def pours(first: bytes, chunk: bytes) -> Temper:
    def temper(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(chunk)

    return temper


def hangs(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(status: int, receiver: Receiver, call: Make) -> None:
    receiver.answer(status)
    answer = call(receiver.url)
    assert (answer.is_success, answer.status_code, answer.error) == (True, status, "")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 400, 401, 404, 409, 410, 429, 500, 502, 503])
def test_anything_else_is_a_failure(status: int, receiver: Receiver, call: Make) -> None:
    receiver.answer(status, headers={"Location": receiver.url})
    answer = call(receiver.url)
    assert (answer.is_success, answer.status_code, len(receiver.came)) == (False, status, 1)
    assert answer.error.startswith(f"answered {status}")


@pytest.mark.parametrize(
    "temper",
    [
        hangs,
        drips(b"", b"H"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        drips(b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        drips(b"HTTP/1.1 103 Early Hints\r\n", b"X: y\r\n"),
    ],
    ids=[
        *("silence", "status", "headers", "body", "body-without-length", "chunks"),
        *("100-continue", "early-hints", "headers-of-early-hints"),
    ],
)
def test_whoever_is_slow_is_cut_off_at_the_deadline(temper: Temper, serve: Serve, call: Make) -> None:
    began = time.monotonic()
    answer = call(serve(temper))
    assert (answer.is_success, answer.error) == (False, "timed out after 15 s")
    assert time.monotonic() - began < SECONDS * 5


EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize(
    "interim",
    [
        EARLY_HINTS,
        b"HTTP/1.1 102 Processing\r\n\r\n" * 15,
        b"HTTP/1.1 100 Continue\r\n\r\n" + EARLY_HINTS + b"HTTP/1.1 199 What\r\nRetry-After: 9\r\n\r\n",
    ],
    ids=["early-hints", "processing", "several"],
)
@pytest.mark.parametrize(
    ("final", "status", "error", "response"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "", "ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, "", ""),
        (b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", 500, "answered 500", "no"),
    ],
    ids=["200", "204", "500"],
)
def test_an_interim_answer_is_read_past(
    interim: bytes, final: bytes, status: int, error: str, response: str, serve: Serve, call: Make
) -> None:
    answer = call(serve(says(interim + final)))
    assert (answer.status_code, answer.error, answer.response) == (status, error, response)
    assert answer.retry_after == ""


def test_switching_protocols_is_a_final_answer_and_a_failure(serve: Serve, call: Make) -> None:
    answer = call(serve(says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")))
    assert (answer.status_code, answer.error) == (101, "answered 101")


@pytest.mark.parametrize("interim", [EARLY_HINTS, b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["103", "100"])
def test_endless_interim_answers_are_a_failure_before_the_deadline(interim: bytes, serve: Serve, call: Make) -> None:
    answer = call(serve(pours(b"", interim * 1000)))
    assert (answer.status_code, answer.error) == (None, f"no final answer after {MOST_INTERIM} interim ones")


def test_an_interim_answer_and_then_nothing_is_a_closed_connection(serve: Serve, call: Make) -> None:
    answer = call(serve(says(EARLY_HINTS)))
    assert (answer.status_code, answer.error) == (None, "the connection was closed without an answer")


@pytest.mark.parametrize(
    "temper",
    [
        pours(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n", b"x" * 65536),
        pours(b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 65536),
        pours(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    ],
    ids=["length", "no-length", "chunks"],
)
def test_an_endless_answer_is_read_to_64_kilobytes_and_kept_to_one(temper: Temper, serve: Serve, call: Make) -> None:
    answer = call(serve(temper))
    assert (answer.is_success, answer.response) == (True, "x" * MOST_KEPT)


@pytest.mark.parametrize(
    ("temper", "error"),
    [
        (lambda connection: None, "the connection was closed without an answer"),
        (says(b"\x16\x03\x01\x00\x00"), "the answer is not HTTP"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "the answer is not HTTP"),
        (says(b"HTTP/1.1 abc OK\r\n\r\n"), "the answer is not HTTP"),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\n\r\n"), "the answer is not HTTP"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"), "the answer is not HTTP"),
    ],
    ids=["closed", "tls", "ssh", "status", "long-header", "many-headers"],
)
def test_what_is_no_answer_is_a_failure_in_words(temper: Temper, error: str, serve: Serve, call: Make) -> None:
    answer = call(serve(temper))
    assert (answer.status_code, answer.error) == (None, error)


def test_nothing_is_decompressed(serve: Serve, call: Make) -> None:
    bomb = gzip.compress(b"\x00" * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    answer = call(serve(says(head + bomb)))
    assert answer.is_success
    assert answer.response == bomb[:MOST_KEPT].decode(errors="replace").replace("\x00", "\ufffd")


def test_nobody_listening_is_a_refused_connection(call: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert call(f"http://127.0.0.1:{port}/").error == "the connection was refused"


def test_the_other_address_of_a_host_is_tried_when_one_refuses(receiver: Receiver, call: Make) -> None:
    answer = call(receiver.url.replace("127.0.0.1", "localhost"))
    assert answer.is_success
    assert receiver.came[0].headers["host"].startswith("localhost:")


def test_no_proxy_of_the_environment_is_used(
    receiver: Receiver, make_receiver: Callable[[], Receiver], call: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = make_receiver()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert call(receiver.url).is_success
    assert (len(receiver.came), proxy.came) == (1, [])


def test_what_is_sent_is_the_body_and_no_more_headers_than_needed(receiver: Receiver, call: Make) -> None:
    call(receiver.url, '{"a":"Größe"}', **{"webhook-id": "evt_1"})
    (came,) = receiver.came
    assert came.body == '{"a":"Größe"}'
    assert sorted(came.headers) == [
        "accept-encoding",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "webhook-id",
    ]


class Tls:
    """A server certificate for one name, made by an authority that a client may trust."""

    def __init__(self, folder: Path, name: str, *, ends: timedelta = timedelta(days=1)) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.path = folder / "server.pem"
        self.path.write_bytes(private + pem)
        self.trust = ssl.create_default_context(cadata=pem.decode())
        self.asked: list[str | None] = []

    def temper(self, connection: socket.socket) -> None:
        """Shake hands as a server, note the name that was asked for, and answer 200."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        context.sni_callback = lambda _, name, __: self.asked.append(name)
        with context.wrap_socket(connection, server_side=True) as wrapped:
            read_request(wrapped)
            wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def secure(loopback: tuple[Network, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Answer]]:
    """Call a TLS server on loopback by a public-looking name."""
    listener = socket.create_server(("127.0.0.1", 0))
    real = socket.getaddrinfo

    def start(temper: Temper, host: str = "hooks.example.com", trust: ssl.SSLContext | None = None) -> Answer:
        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    temper(connection)
                except (OSError, ssl.SSLError):
                    return

        threading.Thread(target=accept, daemon=True).start()
        port = listener.getsockname()[1]
        monkeypatch.setattr(socket, "getaddrinfo", lambda name, *rest, **named: real("127.0.0.1", *rest, **named))
        call = Call(f"https://{host}:{port}/", "{}", {}, loopback)
        return attempt(call, trust=trust, seconds=SECONDS)

    yield start
    listener.close()


def test_tls_is_spoken_under_the_name_though_the_address_is_called(
    secure: Callable[..., Answer], tmp_path: Path
) -> None:
    tls = Tls(tmp_path, "hooks.example.com")
    answer = secure(tls.temper, trust=tls.trust)
    assert (answer.status_code, answer.response, tls.asked) == (200, "ok", ["hooks.example.com"])


def test_a_certificate_for_another_name_is_not_accepted(secure: Callable[..., Answer], tmp_path: Path) -> None:
    tls = Tls(tmp_path, "other.example.com")
    answer = secure(tls.temper, trust=tls.trust)
    assert answer.error.startswith("the TLS certificate was not accepted: Hostname mismatch")


def test_an_expired_certificate_is_not_accepted(secure: Callable[..., Answer], tmp_path: Path) -> None:
    tls = Tls(tmp_path, "hooks.example.com", ends=timedelta(days=-1))
    answer = secure(tls.temper, trust=tls.trust)
    assert answer.error == "the TLS certificate was not accepted: certificate has expired"


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(secure: Callable[..., Answer], tmp_path: Path) -> None:
    answer = secure(Tls(tmp_path, "hooks.example.com").temper)
    assert answer.error.startswith("the TLS certificate was not accepted: self-signed certificate")


@pytest.mark.parametrize("temper", [hangs, drips(b"", b"\x16")], ids=["stall", "drip"])
def test_a_handshake_that_stalls_is_cut_off_at_the_deadline(temper: Temper, secure: Callable[..., Answer]) -> None:
    answer = secure(temper)
    assert (answer.status_code, answer.is_success) == (None, False)
    assert answer.duration_ms < SECONDS * 5000


def test_a_resolver_that_stalls_is_left_behind_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    stalled = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **named: [stalled.wait(10)][1:])
    answer = attempt(Call("https://hooks.example.com/", "{}", {}), seconds=0.2)
    stalled.set()
    assert answer.error == "timed out after 15 s"
