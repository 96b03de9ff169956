"""Only Amazon's own certificates are fetched, once, within bounds; nothing else causes a single packet."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from inbound import certificates
from inbound.certificates import (
    CertificateStore,
    CertificateUnavailable,
    UntrustedCertificateUrl,
    download,
    public_key_for,
)
from inbound.sns import certificate_url_matches

from .signing import CERTIFICATE_URL, TOPIC_ARN, certificate, private_pem

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = certificate(KEY)
NAME = "SimpleNotificationService-" + "0123456789abcdef" * 2 + ".pem"
HOST = "sns.eu-west-1.amazonaws.com"

GOOD = [
    (f"https://{HOST}/{NAME}", TOPIC_ARN),
    (f"https://{HOST}/SimpleNotificationService-{'a' * 64}.pem", TOPIC_ARN),
    (f"https://sns.us-gov-west-1.amazonaws.com/{NAME}", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:t"),
    (f"https://sns.cn-north-1.amazonaws.com.cn/{NAME}", "arn:aws-cn:sns:cn-north-1:123456789012:t"),
    (f"https://sns.ap-southeast-3.amazonaws.com/{NAME}", "arn:aws:sns:ap-southeast-3:123456789012:t.fifo"),
]

BAD = [
    "",
    " ",
    NAME,
    f"//{HOST}/{NAME}",
    f"http://{HOST}/{NAME}",
    f"HTTPS://{HOST}/{NAME}",
    f"ftp://{HOST}/{NAME}",
    f"file:///{NAME}",
    f"https:/{HOST}/{NAME}",
    f"https:{HOST}/{NAME}",
    f"https:\\\\{HOST}\\{NAME}",
    f"https://{HOST}\\{NAME}",
    f"https://{HOST}.evil.com/{NAME}",
    f"https://{HOST}evil.com/{NAME}",
    f"https://evil.com/{HOST}/{NAME}",
    f"https://evil.com/{NAME}",
    f"https://evil.com?https://{HOST}/{NAME}",
    f"https://evil.com#https://{HOST}/{NAME}",
    f"https://evil{HOST}/{NAME}",
    f"https://evil.{HOST}/{NAME}",
    f"https://sns.evil.amazonaws.com.evil.com/{NAME}",
    f"https://bucket.s3.amazonaws.com/{NAME}",
    f"https://s3.amazonaws.com/bucket/{NAME}",
    f"https://s3.eu-west-1.amazonaws.com/{NAME}",
    f"https://sns.s3.amazonaws.com/{NAME}",
    f"https://sns.eu-west-1.s3.amazonaws.com/{NAME}",
    f"https://sns-eu-west-1.amazonaws.com/{NAME}",
    f"https://sns.amazonaws.com/{NAME}",
    f"https://sns..amazonaws.com/{NAME}",
    f"https://sns.us-east-1.amazonaws.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com.cn/{NAME}",
    f"https://sns.eu-west-1.amazonaws.co/{NAME}",
    f"https://sns.eu-west-1.amazonaws.community/{NAME}",
    f"https://snsxeu-west-1.amazonaws.com/{NAME}",
    f"https://sns.eu-west-1xamazonaws.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com./{NAME}",
    f"https://SNS.eu-west-1.amazonaws.com/{NAME}",
    f"https://sns.EU-WEST-1.amazonaws.com/{NAME}",
    f"https://sns.eu-west-1。amazonaws.com/{NAME}",
    f"https://ѕns.eu-west-1.amazonaws.com/{NAME}",
    f"https://sns.eu-west-１.amazonaws.com/{NAME}",
    f"https://{HOST}@evil.com/{NAME}",
    f"https://{HOST}:443@evil.com/{NAME}",
    f"https://user@{HOST}/{NAME}",
    f"https://user:pass@{HOST}/{NAME}",
    f"https://{HOST}:443/{NAME}",
    f"https://{HOST}:8443/{NAME}",
    f"https://{HOST}//{NAME}",
    f"https://{HOST}/./{NAME}",
    f"https://{HOST}/x/../{NAME}",
    f"https://{HOST}/..//{NAME}",
    f"https://{HOST}/x/{NAME}",
    f"https://{HOST}/{NAME}/",
    f"https://{HOST}/{NAME}/x",
    f"https://{HOST}/{NAME}?x=1",
    f"https://{HOST}/{NAME}#x",
    f"https://{HOST}/{NAME};x",
    f"https://{HOST}/{NAME}%00",
    f"https://{HOST}/{NAME}\n",
    f"\nhttps://{HOST}/{NAME}",
    f" https://{HOST}/{NAME}",
    f"https://{HOST}/{NAME} ",
    f"https://{HOST}\n/{NAME}",
    f"https://{HOST}\t/{NAME}",
    f"https://{HOST}\0/{NAME}",
    f"https://{HOST}/%53impleNotificationService-{'a' * 32}.pem",
    f"https://{HOST}/simplenotificationservice-{'a' * 32}.pem",
    f"https://{HOST}/SimpleNotificationService-{'A' * 32}.pem",
    f"https://{HOST}/SimpleNotificationService-{'g' * 32}.pem",
    f"https://{HOST}/SimpleNotificationService-{'a' * 31}.pem",
    f"https://{HOST}/SimpleNotificationService-{'a' * 65}.pem",
    f"https://{HOST}/SimpleNotificationService-.pem",
    f"https://{HOST}/SimpleNotificationService-{'a' * 32}.PEM",
    f"https://{HOST}/SimpleNotificationService-{'a' * 32}xpem",
    f"https://{HOST}/SimpleNotificationService-{'a' * 32}.pem.exe",
    f"https://{HOST}/SimpleNotificationService{'a' * 32}.pem",
    f"https://{HOST}/Other-{'a' * 32}.pem",
    f"https://{HOST}/?Action=ConfirmSubscription",
    f"https://{HOST}",
    "https://169.254.169.254/latest/meta-data",
    f"https://127.0.0.1/{NAME}",
    f"https://[::1]/{NAME}",
]


@pytest.fixture
def tripwire(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Any attempt to look up or reach a host is noted, and fails."""
    touched: list[str] = []

    def refuse(*address: object, **_: object) -> None:
        touched.append(repr(address))
        raise OSError("the network is out of bounds")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return touched


@pytest.mark.parametrize(("url", "topic"), GOOD)
def test_the_addresses_of_sns_are_accepted(url: str, topic: str) -> None:
    assert certificate_url_matches(url, topic)


@pytest.mark.parametrize("url", BAD, ids=range(len(BAD)))
def test_every_other_address_is_refused_without_touching_the_network(url: str, tripwire: list[str]) -> None:
    with pytest.raises(UntrustedCertificateUrl):
        public_key_for(url, topic_arn=TOPIC_ARN, trusted={"https://elsewhere.example/x.pem": "/nowhere"})
    assert tripwire == []


def test_the_tripwire_works(tripwire: list[str]) -> None:
    with pytest.raises(CertificateUnavailable):
        download(CERTIFICATE_URL)
    assert len(tripwire) == 1


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "arn:aws:sns:us-east-1:123456789012:t",
        "arn:aws-cn:sns:eu-west-1:123456789012:t",
        "arn:aws-iso:sns:eu-west-1:123456789012:t",
        "arn:aws:sqs:eu-west-1:123456789012:t",
        "arn:aws:sns:eu-west-1.amazonaws.com/x:123456789012:t",
        TOPIC_ARN + "\n",
    ],
)
def test_a_topic_that_does_not_go_with_the_address_refuses_it(topic: str) -> None:
    assert not certificate_url_matches(CERTIFICATE_URL, topic)


def test_a_chinese_region_needs_its_partition_and_its_suffix() -> None:
    arn = "arn:aws:sns:cn-north-1:123456789012:t"
    assert not certificate_url_matches(f"https://sns.cn-north-1.amazonaws.com/{NAME}", arn)
    assert not certificate_url_matches(f"https://sns.cn-north-1.amazonaws.com.cn/{NAME}", arn)


# What a certificate must be.


def no_certificate() -> dict[str, bytes]:
    now = datetime.now(UTC)
    return {
        "nothing": b"",
        "HTML": b"<html>not here</html>",
        "two of them": PEM + PEM,
        "with its private key": PEM + private_pem(KEY),
        "only a private key": private_pem(KEY),
        "broken": PEM.replace(b"MII", b"MIX", 1),
        "elliptic curve": certificate(ec.generate_private_key(ec.SECP256R1())),
        "1024 bits": certificate(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        "expired": certificate(KEY, starts=now - timedelta(days=9), ends=now - timedelta(minutes=11)),
        "not yet valid": certificate(KEY, starts=now + timedelta(hours=3), ends=now + timedelta(days=9)),
    }


@pytest.mark.parametrize("pem", no_certificate().values(), ids=no_certificate())
def test_what_is_not_one_usable_certificate_is_unavailable(pem: bytes) -> None:
    with pytest.raises(CertificateUnavailable):
        certificates.read_certificate(pem, now=datetime.now(UTC))


@pytest.mark.parametrize("skew", [timedelta(minutes=-9), timedelta(minutes=9)])
def test_a_clock_may_be_some_minutes_off(skew: timedelta) -> None:
    now = datetime.now(UTC)
    starts, ends = (
        (now - timedelta(days=1), now + skew) if skew < timedelta() else (now + skew, now + timedelta(days=1))
    )
    assert certificates.read_certificate(certificate(KEY, starts=starts, ends=ends), now=now)


# How they are kept.


class Shelf:
    """A store with a clock that stands still and a host that counts."""

    def __init__(self, answer: Callable[[str], bytes] = lambda url: PEM) -> None:
        self.time = 0.0
        self.asked: list[str] = []
        self.answer = answer
        self.now = datetime.now(UTC)
        self.store = CertificateStore(fetch=self.fetch, clock=lambda: self.time, now=lambda: self.now)

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return self.answer(url)

    def get(self, number: int = 0) -> rsa.RSAPublicKey:
        url = f"https://{HOST}/SimpleNotificationService-{number:032x}.pem"
        return self.store.public_key_for(url, topic_arn=TOPIC_ARN, trusted={})

    def fails(self, number: int = 0) -> bool:
        try:
            self.get(number)
        except CertificateUnavailable:
            return True
        return False


def broken(url: str) -> bytes:
    raise CertificateUnavailable("no route")


def test_a_certificate_is_fetched_once_a_day() -> None:
    shelf = Shelf()
    assert shelf.get() is shelf.get()
    shelf.time = 86_399
    shelf.get()
    assert len(shelf.asked) == 1
    shelf.time = 86_401
    shelf.get()
    assert len(shelf.asked) == 2


def test_a_kept_certificate_is_not_used_past_its_own_end() -> None:
    shelf = Shelf()
    shelf.get()
    shelf.now += timedelta(days=1, minutes=11)
    assert shelf.fails()
    assert len(shelf.asked) == 2


def test_a_failure_is_remembered_for_thirty_seconds_and_no_flood_prolongs_it() -> None:
    shelf = Shelf(broken)
    assert shelf.fails()
    shelf.answer = lambda url: PEM
    for second in range(30):
        shelf.time = second
        assert shelf.fails()
    assert len(shelf.asked) == 1
    shelf.time = 30
    assert not shelf.fails()


def test_an_unforeseen_fault_of_the_fetch_is_unavailable_too() -> None:
    def explode(url: str) -> bytes:
        raise RuntimeError("bug")

    assert Shelf(explode).fails()


def test_sixteen_are_kept_the_longest_unused_goes() -> None:
    shelf = Shelf()
    for number in range(17):
        shelf.time += 60
        shelf.get(number)
    shelf.get(16)
    shelf.get(1)
    assert len(shelf.asked) == 17
    shelf.time += 60
    shelf.get(0)
    assert len(shelf.asked) == 18


def test_invented_certificates_are_asked_for_only_at_a_slow_pace() -> None:
    shelf = Shelf(broken)
    assert all(shelf.fails(number) for number in range(1000))
    assert len(shelf.asked) == certificates.UNKNOWN_URL_BURST
    shelf.time += certificates.UNKNOWN_URL_SECONDS
    assert all(shelf.fails(number) for number in range(1000, 2000))
    assert len(shelf.asked) == certificates.UNKNOWN_URL_BURST + 1


def test_a_flood_of_invented_certificates_hinders_no_known_one() -> None:
    shelf = Shelf(lambda url: PEM if url.endswith("0.pem") else broken(url))
    shelf.get(0)
    assert all(shelf.fails(number) for number in range(1, 100) if number % 16)
    shelf.get(0)
    shelf.time = 86_401
    assert all(shelf.fails(number) for number in range(101, 200) if number % 16)
    assert not shelf.fails(0)


def test_many_at_once_share_one_fetch() -> None:
    waiting = threading.Barrier(8, timeout=10)
    arrived = threading.Event()

    def slowly(url: str) -> bytes:
        arrived.wait(10)
        return PEM

    shelf = Shelf(slowly)

    def ask(_: int) -> rsa.RSAPublicKey:
        if waiting.wait() == 0:
            arrived.set()
        return shelf.get()

    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(ask, range(8)))
    assert len(shelf.asked) == 1
    assert all(key is keys[0] for key in keys)


def test_nobody_waits_longer_than_the_deadline() -> None:
    never = threading.Event()
    store = CertificateStore(fetch=lambda url: PEM if never.wait(30) else b"", clock=iter(range(0, 100, 6)).__next__)
    with pytest.raises(CertificateUnavailable, match="in time"):
        store.public_key_for(CERTIFICATE_URL, topic_arn=TOPIC_ARN, trusted={})
    never.set()


# Trusted files.


def test_a_trusted_address_is_read_from_its_file(tmp_path: Path, tripwire: list[str]) -> None:
    url, path = "http://127.0.0.1:5555/SimpleNotificationService-x.pem", tmp_path / "a.pem"
    path.write_bytes(PEM)
    key = public_key_for(url, topic_arn=TOPIC_ARN, trusted={url: str(path)})
    assert key.public_numbers() == KEY.public_key().public_numbers()
    assert public_key_for(url, topic_arn=TOPIC_ARN, trusted={url: str(path)}) is key
    assert tripwire == []


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.pem"
    path.write_bytes(PEM)
    store = CertificateStore(fetch=broken)
    store.public_key_for("x", topic_arn=TOPIC_ARN, trusted={"x": str(path)})
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(certificate(other))
    import os

    os.utime(path, ns=(1, 1))
    key = store.public_key_for("x", topic_arn=TOPIC_ARN, trusted={"x": str(path)})
    assert key.public_numbers() == other.public_key().public_numbers()


def test_a_missing_trusted_file_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(CertificateUnavailable):
        public_key_for("x", topic_arn=TOPIC_ARN, trusted={"x": str(tmp_path / "none")})


# The fetch itself, against a real TLS server.


class Host:
    """Answers each connection with the given bytes, then with what `after` sends."""

    def __init__(self, folder: Path) -> None:
        name, key = folder / "host.pem", folder / "host.key"
        name.write_bytes(certificate(KEY, host="localhost"))
        key.write_bytes(private_pem(KEY))
        self.tls = ssl.create_default_context(cafile=str(name))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(name, key)
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listener.getsockname()[1]}/x.pem"
        self.answer: Callable[[ssl.SSLSocket], None] = lambda connection: None
        self.requests: list[bytes] = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(plain, server_side=True) as connection:
                    self.requests.append(connection.recv(65_536))
                    self.answer(connection)
            except OSError:
                plain.close()

    def says(self, status: bytes, body: bytes = b"", headers: bytes = b"") -> None:
        reply = b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n" % len(body) + headers + b"\r\n" + body
        self.answer = lambda connection: connection.sendall(reply)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    serving = Host(tmp_path)
    yield serving
    serving.listener.close()


def test_a_certificate_is_downloaded(host: Host) -> None:
    host.says(b"200 OK", PEM)
    assert download(host.url, tls=host.tls) == PEM
    assert host.requests[0].startswith(b"GET /x.pem HTTP/1.1\r\n")


def test_no_redirect_is_followed(host: Host) -> None:
    host.says(b"302 Found", headers=b"Location: " + host.url.encode() + b"\r\n")
    with pytest.raises(CertificateUnavailable, match="302"):
        download(host.url, tls=host.tls)
    assert len(host.requests) == 1


@pytest.mark.parametrize("status", [b"404 Not Found", b"403 Forbidden", b"500 Oops", b"204 No Content"])
def test_any_other_answer_is_unavailable(host: Host, status: bytes) -> None:
    host.says(status, PEM)
    with pytest.raises(CertificateUnavailable):
        download(host.url, tls=host.tls)


def test_a_large_answer_is_not_read_to_its_end(host: Host) -> None:
    host.says(b"200 OK", b"x" * 70_000)
    with pytest.raises(CertificateUnavailable, match="larger"):
        download(host.url, tls=host.tls)


def test_what_is_no_http_is_unavailable(host: Host) -> None:
    host.answer = lambda connection: connection.sendall(b"\0\1\2 hello\r\n\r\n")
    with pytest.raises(CertificateUnavailable):
        download(host.url, tls=host.tls)


def test_a_host_that_is_not_verified_is_unavailable(host: Host) -> None:
    host.says(b"200 OK", PEM)
    with pytest.raises(CertificateUnavailable):
        download(host.url)
    with pytest.raises(CertificateUnavailable):
        download(host.url.replace("localhost", "127.0.0.1"), tls=host.tls)


def test_a_proxy_in_the_environment_is_not_asked(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    host.says(b"200 OK", PEM)
    assert download(host.url, tls=host.tls) == PEM


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"], ids=["headers", "body"])
def test_a_host_that_drips_is_hung_up_on(host: Host, start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "DEADLINE_SECONDS", 0.5)
    gone = threading.Event()

    def drip(connection: ssl.SSLSocket) -> None:
        connection.sendall(start)
        try:
            while True:
                connection.sendall(b"H")
                time.sleep(0.05)
        except OSError:
            gone.set()

    host.answer = drip
    with pytest.raises(CertificateUnavailable):
        download(host.url, tls=host.tls)
    assert gone.wait(10)
