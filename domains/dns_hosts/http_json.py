"""One call of a JSON API within a deadline: no redirect, no proxy, and a bound on what is read."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

MOST_BYTES = 8 * 1024 * 1024


class CallFailed(Exception):
    """There is no answer: `was_sent` where the host may have acted all the same, `is_late` where time ran out."""

    def __init__(self, message: str, *, was_sent: bool, is_late: bool) -> None:
        super().__init__(message)
        self.was_sent, self.is_late = was_sent, is_late


@dataclass(frozen=True)
class JsonAnswer:
    """`body` is None where the answer is no JSON, as a proxy's error page is not."""

    status: int
    body: Any


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """The system's certificate authorities, read once."""
    return ssl.create_default_context()


def call_json(method: str, url: str, *, headers: Mapping[str, str], body: object = None, seconds: float) -> JsonAnswer:
    """Raises CallFailed. The deadline holds for all of it, however slowly the bytes come."""
    if seconds <= 0:
        raise CallFailed("no time is left", was_sent=False, is_late=True)
    address = urlsplit(url)
    kind: type[HTTPConnection] = HTTPSConnection if address.scheme == "https" else HTTPConnection
    more: dict[str, Any] = {"ssl_context": _trust()} if address.scheme == "https" else {}
    connection = kind(address.hostname or "", address.port, timeout=seconds, **more)
    is_late, was_sent = threading.Event(), False
    # The socket's own timeout starts afresh with each byte; this one does not.
    watchdog = threading.Timer(seconds, _hang_up, [connection, is_late])
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.connect()
        was_sent = True
        connection.request(
            method,
            address.path + (f"?{address.query}" if address.query else ""),
            body=None if body is None else json.dumps(body).encode(),
            headers={**headers, "Accept-Encoding": "identity", "Content-Type": "application/json"},
            preload_content=False,
        )
        response = connection.getresponse()
        raw = response.read(MOST_BYTES + 1, decode_content=False)
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        timed_out = is_late.is_set() or isinstance(error, TimeoutError | ConnectTimeoutError)
        raise CallFailed(_in_words(error), was_sent=was_sent, is_late=timed_out) from error
    finally:
        watchdog.cancel()
        connection.close()
    if is_late.is_set() or len(raw) > MOST_BYTES:
        raise CallFailed("the answer is cut off", was_sent=True, is_late=is_late.is_set())
    return JsonAnswer(response.status, _parsed(raw))


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _in_words(error: Exception) -> str:
    """The kind of failure: the error's own text can tell of our network."""
    if isinstance(error, NewConnectionError | ConnectTimeoutError | ssl.SSLError):
        return "no connection"
    return "no answer"


def _hang_up(connection: object, is_late: threading.Event) -> None:
    is_late.set()
    sock = getattr(connection, "sock", None)
    # Already closed is what the hang-up is for.
    with contextlib.suppress(OSError):
        if isinstance(sock, ssl.SSLSocket):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        elif sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
