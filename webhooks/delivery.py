"""One attempt: resolve the host, check every address, connect to the checked one, and read what it answers.

No redirect, no proxy, no cookie, no decompression; 15 s in all, however slowly the bytes come.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, parse_headers

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse

from webhooks.targets import Address, ForbiddenTarget, Network, Target, check_address, parse_target

DEADLINE_SECONDS = 15.0
MOST_READ = 64 * 1024
MOST_KEPT = 1024
# A host that has another address is not waited for until the end.
CONNECT_SECONDS = 5.0
MOST_ADDRESSES = 4
# Enough for one that says every second that it is still at work.
MOST_INTERIM = 50
USER_AGENT = "Postern-Webhooks/1.0"
TIMED_OUT = f"timed out after {DEADLINE_SECONDS:.0f} s"


@dataclass(frozen=True)
class Call:
    """What is sent where; `allowed` are the networks that may be called though they are not public."""

    url: str
    body: str
    headers: Mapping[str, str]
    allowed: Sequence[Network] = ()


@dataclass(frozen=True)
class Answer:
    """How an attempt ended: an HTTP status, or an error in words when there was none or it was no success.

    `response` is the beginning of the answer's body as text; `retry_after` its header of that name, verbatim.
    """

    status_code: int | None
    error: str
    duration_ms: int
    response: str = ""
    retry_after: str = ""

    @property
    def is_success(self) -> bool:
        return not self.error

    @property
    def is_gone(self) -> bool:
        """410: the endpoint asks never to be called again."""
        return self.status_code == 410


class _Failed(Exception):
    """The attempt got no answer, for the reason that the text gives the customer."""


class _Clock:
    """The one deadline of an attempt; when it passes, the connection is cut under whoever waits for it."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._guard: socket.socket | None = None
        self._watchdog = threading.Timer(seconds, self._cut)
        self._watchdog.daemon = True
        self._watchdog.start()

    @property
    def remaining(self) -> float:
        return self._end - time.monotonic()

    @property
    def is_over(self) -> bool:
        return self.remaining <= 0

    def guard(self, connection: socket.socket) -> None:
        """Watch this connection. A duplicate, since wrapping it in TLS takes the descriptor from the first object."""
        with self._lock:
            if self._guard is not None:
                self._guard.close()
            self._guard = connection.dup()

    def _cut(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            # Already closed is what the cut is for.
            if self._guard is not None:
                self._guard.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._watchdog.cancel()
        with self._lock:
            if self._guard is not None:
                self._guard.close()
                self._guard = None


class _FinalResponse(HTTPResponse):
    """Reads past interim answers (RFC 9110 section 15.2), of which http.client knows 100 alone and that without end."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MOST_INTERIM + 1):
            # There is no other place between two answers; the types know nothing of it.
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)
        raise _Failed(f"no final answer after {MOST_INTERIM} interim ones")


class _GuardedHttp(HTTPConnection):
    response_class = _FinalResponse
    clock: _Clock

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self.clock.guard(connection)
        return connection


class _GuardedHttps(HTTPSConnection):
    response_class = _FinalResponse
    clock: _Clock

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self.clock.guard(connection)
        return connection


@lru_cache(maxsize=1)
def _public_trust() -> ssl.SSLContext:
    """The system's certificate authorities, read once: that takes longer than a handshake."""
    return ssl.create_default_context()


def attempt(call: Call, *, trust: ssl.SSLContext | None = None, seconds: float = DEADLINE_SECONDS) -> Answer:
    """POST the body once and say how it ended; raises nothing that an endpoint can cause."""
    started, clock = time.monotonic(), _Clock(seconds)
    status_code: int | None = None
    response, retry_after = "", ""
    try:
        target = parse_target(call.url, allowed=call.allowed)
        addresses = resolve(target, allowed=call.allowed, seconds=clock.remaining)
        with contextlib.closing(_connect(target, addresses, clock, trust or _public_trust())) as connection:
            headers = {"Host": target.host_header, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
            connection.request(
                "POST",
                target.path,
                body=call.body.encode(),
                headers={**headers, "Content-Type": "application/json", **call.headers},
                preload_content=False,
                decode_content=False,
            )
            answer = connection.getresponse()
            status_code, retry_after = answer.status, answer.headers.get("Retry-After", "")[:100]
            response = _beginning(answer)
        error = TIMED_OUT if clock.is_over else complaint_of(status_code)
    except (ForbiddenTarget, _Failed) as failure:
        error = f"url {failure}" if isinstance(failure, ForbiddenTarget) else str(failure)
    except (HTTPError, HTTPException, OSError, ValueError) as failure:
        error = TIMED_OUT if clock.is_over else _in_words(failure)
    finally:
        clock.stop()
    return Answer(status_code, error, round((time.monotonic() - started) * 1000), response, retry_after)


def complaint_of(status_code: int) -> str:
    """What is wrong with this status; empty for 2xx."""
    if 200 <= status_code < 300:
        return ""
    if 300 <= status_code < 400:
        return f"answered {status_code}: redirects are not followed"
    return f"answered {status_code}"


def resolve(target: Target, *, allowed: Sequence[Network], seconds: float) -> list[Address]:
    """Every address of the host, each of them one that may be called; raises ForbiddenTarget, _Failed."""
    if target.address is not None:
        check_address(target.address, target=target, allowed=allowed)
        return [target.address]
    found: Future[list[Address]] = Future()
    # The C library's resolver knows no deadline: it is left behind when ours has passed.
    threading.Thread(target=_look_up, args=(target, found), name="webhook-dns", daemon=True).start()
    try:
        addresses = found.result(timeout=max(0.0, seconds))
    except FutureTimeout:
        raise _Failed(TIMED_OUT) from None
    for address in addresses:
        check_address(address, target=target, allowed=allowed)
    return addresses[:MOST_ADDRESSES]


def _look_up(target: Target, found: Future[list[Address]]) -> None:
    try:
        rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        found.set_result(list(dict.fromkeys(ipaddress.ip_address(str(row[4][0])) for row in rows)))
    except (OSError, ValueError):
        found.set_exception(_Failed("the host name was not found"))


def _connect(
    target: Target, addresses: Sequence[Address], clock: _Clock, trust: ssl.SSLContext
) -> HTTPConnection | HTTPSConnection:
    """A connection to one of the checked addresses, under the name of the target."""
    last: Exception = _Failed("the host name has no address")
    for number, address in enumerate(addresses, start=1):
        patience = clock.remaining if number == len(addresses) else min(CONNECT_SECONDS, clock.remaining)
        if patience <= 0:
            break
        connection: _GuardedHttp | _GuardedHttps
        if target.scheme == "https":
            connection = _GuardedHttps(
                address.compressed, target.port, timeout=patience, ssl_context=trust, server_hostname=target.host
            )
        else:
            connection = _GuardedHttp(address.compressed, target.port, timeout=patience)
        connection.clock = clock
        try:
            connection.connect()
        except (NewConnectionError, ConnectTimeoutError) as error:
            connection.close()
            last = error
            continue
        except BaseException:
            connection.close()
            raise
        _demand_peer(connection.sock, address)
        # From here on the bytes may come slowly, to the end of the attempt and no further.
        connection.sock.settimeout(max(0.01, clock.remaining))
        return connection
    raise last


def _demand_peer(connection: socket.socket | None, address: Address) -> None:
    """What was checked is what we speak to, whatever lies between the check and the connection."""
    if connection is None or ipaddress.ip_address(connection.getpeername()[0]) != address:
        raise _Failed("could not connect")


def _beginning(answer: BaseHTTPResponse) -> str:
    """The first KB as text, after at most MOST_READ bytes; PostgreSQL keeps no NUL."""
    body = answer.read(MOST_READ, decode_content=False)
    return body[:MOST_KEPT].decode(errors="replace").replace("\x00", "\ufffd")


def _in_words(failure: Exception) -> str:
    """The kind of failure and no more: a resolver's or a socket's own text can tell of our network."""
    cause = failure.__cause__ or failure
    match cause:
        case ssl.SSLCertVerificationError():
            return f"the TLS certificate was not accepted: {cause.verify_message}"[:200]
        case ssl.SSLError():
            return "the TLS handshake failed"
        case ConnectionRefusedError():
            return "the connection was refused"
        case TimeoutError() | ConnectTimeoutError() | ReadTimeoutError():
            return "the connection timed out"
        case NewConnectionError():
            return "could not connect"
        case ConnectionError():
            return "the connection was closed without an answer"
        case HTTPException() | HTTPError() | ValueError():
            return "the answer is not HTTP"
    return "could not connect"
