"""The certificates that Amazon SNS signs with: fetched once, checked, and kept within bounds.

What makes a certificate Amazon's is that Amazon's own host served it over verified TLS, which is what AWS relies on;
its issuer is not looked at. A certificate that cannot be had may be our own fault, so the caller answers 503 and SNS
tries again.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .sns import MIN_KEY_BITS, certificate_url_matches

DEADLINE_SECONDS = 5.0
MAX_CERTIFICATE_BYTES = 64 * 1024
# A longer key would make each verification cost the processor too much.
MAX_KEY_BITS = 8192
CLOCK_SKEW = timedelta(minutes=10)
KEEP_SECONDS = 24 * 3600.0
KEEP_FAILURE_SECONDS = 30.0
MAX_KEPT = 16
# Fetches of URLs that have never held a certificate: so many at once, then one each so many seconds. Whoever knows
# our topic could otherwise make us ask Amazon for one invented certificate after another.
UNKNOWN_URL_BURST = 8
UNKNOWN_URL_SECONDS = 5.0


class UntrustedCertificateUrl(Exception):
    """The message names a certificate that SNS would not: it is certainly not Amazon's."""


class CertificateUnavailable(Exception):
    """The certificate could not be had or is not usable now, perhaps by our own fault: try again later."""


def public_key_for(url: str, *, topic_arn: str, trusted: Mapping[str, str]) -> RSAPublicKey:
    """Return the public key of the certificate at `url`, for a message of `topic_arn`.

    `trusted` maps further certificate URLs to PEM files (the sandbox, an emulator); those are read, never fetched.
    Raise UntrustedCertificateUrl without any network call, or CertificateUnavailable after at most 5 s.
    """
    return _store.public_key_for(url, topic_arn=topic_arn, trusted=trusted)


def download(url: str, *, tls: ssl.SSLContext | None = None) -> bytes:
    """Get at most MAX_CERTIFICATE_BYTES from an https URL within DEADLINE_SECONDS in all, by no proxy, no redirect.

    Raise CertificateUnavailable.
    """
    # Only the worker that meets a new certificate pays for loading an HTTP client.
    from http.client import HTTPException

    from urllib3.connection import HTTPSConnection
    from urllib3.exceptions import HTTPError

    address = urlsplit(url)
    connection = HTTPSConnection(
        address.hostname or "",
        address.port,
        timeout=DEADLINE_SECONDS,
        ssl_context=tls or ssl.create_default_context(),
    )
    # The socket's own timeout starts afresh with each byte; this one does not.
    is_late = threading.Event()
    watchdog = threading.Timer(DEADLINE_SECONDS, _hang_up, [connection, is_late])
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.request("GET", address.path, headers={"Accept-Encoding": "identity"}, preload_content=False)
        response = connection.getresponse()
        if response.status != 200:
            raise CertificateUnavailable(f"the certificate's host answered {response.status}")
        body = response.read(MAX_CERTIFICATE_BYTES + 1, decode_content=False)
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        raise CertificateUnavailable(f"the certificate could not be fetched: {error}") from error
    finally:
        watchdog.cancel()
        connection.close()
    if is_late.is_set():
        raise CertificateUnavailable("the certificate's host does not answer in time")
    if len(body) > MAX_CERTIFICATE_BYTES:
        raise CertificateUnavailable("the certificate is larger than a certificate is")
    return body


def _hang_up(connection: object, is_late: threading.Event) -> None:
    is_late.set()
    sock = getattr(connection, "sock", None)
    # Already closed is what the hang-up is for.
    with contextlib.suppress(OSError):
        if isinstance(sock, ssl.SSLSocket):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        elif sock is not None:
            sock.shutdown(socket.SHUT_RDWR)


def read_certificate(pem: bytes, *, now: datetime) -> tuple[RSAPublicKey, datetime]:
    """Return the key of the one certificate in `pem` and the moment it ends; raise CertificateUnavailable."""
    if pem.count(b"-----BEGIN ") != 1:
        raise CertificateUnavailable("this is not one certificate in PEM")
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
        starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateUnavailable(f"the certificate cannot be read: {error}") from error
    if not isinstance(key, RSAPublicKey) or not MIN_KEY_BITS <= key.key_size <= MAX_KEY_BITS:
        raise CertificateUnavailable("the certificate's key is not an RSA key of an accepted length")
    if not starts - CLOCK_SKEW <= now <= ends + CLOCK_SKEW:
        raise CertificateUnavailable("the certificate is not valid at this time")
    return key, ends


@dataclass(slots=True)
class _Kept:
    key: RSAPublicKey
    until: float
    ends: datetime


@dataclass(slots=True)
class _Flight:
    """A fetch under way, which everybody who needs the same certificate waits for."""

    deadline: float
    result: Future[RSAPublicKey] = field(default_factory=Future)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class CertificateStore:
    """Keeps the keys of at most MAX_KEPT certificates; one instance serves a process, from any thread."""

    def __init__(
        self,
        *,
        fetch: Callable[[str], bytes] = download,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._fetch, self._clock, self._now = fetch, clock, now
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._failures: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._flights: dict[str, _Flight] = {}
        self._tokens, self._refilled_at = float(UNKNOWN_URL_BURST), clock()

    def public_key_for(self, url: str, *, topic_arn: str, trusted: Mapping[str, str]) -> RSAPublicKey:
        """See the function of this name."""
        path = trusted.get(url)
        if path is not None:
            return self._from_file(path)
        if not certificate_url_matches(url, topic_arn):
            raise UntrustedCertificateUrl("the certificate is not at an address of SNS in the topic's region")
        return self._from_network(url)

    def _from_file(self, path: str) -> RSAPublicKey:
        try:
            # The sandbox makes itself a new key when its folder is emptied: a changed file is another certificate.
            name = f"{path}?{os.stat(path).st_mtime_ns}"
            key = self._find_kept(name)
            if key is None:
                with open(path, "rb") as file:
                    key = self._keep(name, file.read(MAX_CERTIFICATE_BYTES))
        except OSError as error:
            raise CertificateUnavailable(f"the trusted certificate cannot be read: {error}") from error
        return key

    def _from_network(self, url: str) -> RSAPublicKey:
        key = self._find_kept(url)
        if key is not None:
            return key
        flight = self._board(url)
        try:
            return flight.result.result(timeout=max(0.0, flight.deadline - self._clock()))
        except FutureTimeout:
            raise CertificateUnavailable("the certificate's host does not answer in time") from None

    def _find_kept(self, name: str) -> RSAPublicKey | None:
        with self._lock:
            return self._fresh(name)

    def _fresh(self, name: str) -> RSAPublicKey | None:
        kept = self._kept.get(name)
        # An entry past its time stays as the mark that this URL once held a certificate: it needs no token.
        if kept is None or kept.until <= self._clock() or kept.ends + CLOCK_SKEW < self._now():
            return None
        self._kept.move_to_end(name)
        return kept.key

    def _keep(self, name: str, pem: bytes) -> RSAPublicKey:
        key, ends = read_certificate(pem, now=self._now())
        with self._lock:
            self._kept[name] = _Kept(key, self._clock() + KEEP_SECONDS, ends)
            self._kept.move_to_end(name)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return key

    def _board(self, url: str) -> _Flight:
        with self._lock:
            flight = self._flights.get(url)
            if flight is not None:
                return flight
            key = self._fresh(url)
            if key is not None:
                # It landed while we waited for the lock.
                flight = _Flight(self._clock())
                flight.result.set_result(key)
                return flight
            # Looked up, never renewed: asking again while it lasts does not make it last.
            failed_until, reason = self._failures.get(url, (0.0, ""))
            if self._clock() < failed_until:
                raise CertificateUnavailable(reason)
            if url not in self._kept:
                self._take_token()
            flight = self._flights[url] = _Flight(self._clock() + DEADLINE_SECONDS)
        threading.Thread(target=self._fly, args=(url, flight), name="sns-certificate", daemon=True).start()
        return flight

    def _take_token(self) -> None:
        now = self._clock()
        earned = (now - self._refilled_at) / UNKNOWN_URL_SECONDS
        self._tokens, self._refilled_at = min(float(UNKNOWN_URL_BURST), self._tokens + earned), now
        if self._tokens < 1:
            raise CertificateUnavailable("too many unknown certificates were asked for")
        self._tokens -= 1

    def _fly(self, url: str, flight: _Flight) -> None:
        try:
            key = self._keep(url, self._fetch(url))
        except BaseException as error:  # noqa: BLE001 - those who wait are told, whatever it was
            failure = error if isinstance(error, CertificateUnavailable) else CertificateUnavailable(repr(error))
            with self._lock:
                self._failures[url] = (self._clock() + KEEP_FAILURE_SECONDS, str(failure))
                while len(self._failures) > MAX_KEPT:
                    self._failures.popitem(last=False)
                del self._flights[url]
            flight.result.set_exception(failure)
        else:
            with self._lock:
                self._failures.pop(url, None)
                del self._flights[url]
            flight.result.set_result(key)


_store = CertificateStore()
