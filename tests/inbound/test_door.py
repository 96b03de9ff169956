"""The SNS door over HTTP: what is genuine is stored once, all else is refused and leaves nothing."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import LazySettings
from django.core.handlers.wsgi import WSGIRequest
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize, NoMoreData
from pytest_django.live_server_helper import LiveServer

from aws.pacing import person
from domains import installation
from domains.installation import set_up_region
from domains.models import Installation
from inbound import door
from inbound.ingestion import ingest_due
from inbound.models import SnsNotification
from inbound.parked import run_again
from inbound.sns import MAX_BODY_BYTES
from inbound.sns_view import receive_sns
from tests.inbound.signing import Signer
from tests.sandbox_process import SandboxProcess

DOOR = "/inbound/sns"
ALLOWED = "arn:aws:sns:us-east-1:123456789012:postern-inbound"
FOREIGN = "arn:aws:sns:us-east-1:999999999999:postern-inbound"

Body = Callable[..., bytes]


@pytest.fixture
def topic(db: None) -> str:
    Installation.objects.create(region="us-east-1", topic_arn=ALLOWED)
    return ALLOWED


@pytest.fixture
def certificate_url(sandbox: SandboxProcess) -> str:
    return str(next(iter(json.loads((sandbox.folder / "trusted_certificates.json").read_text()))))


def _signed(signer: Signer, certificate_url: str) -> Body:
    def body(**fields: Any) -> bytes:
        stamp = timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return signer.body(
            **{"TopicArn": ALLOWED, "Timestamp": stamp, "SigningCertURL": certificate_url, "Message": "hello"} | fields
        )

    return body


@pytest.fixture
def signed(sandbox: SandboxProcess, certificate_url: str) -> Body:
    """A body signed with the sandbox's own key, as its SNS does it."""
    key = serialization.load_pem_private_key((sandbox.folder / "sns-key.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return _signed(Signer(key), certificate_url)


def post(client: Client, body: bytes, **headers: Any) -> HttpResponse:
    answer: HttpResponse = client.generic("POST", DOOR, body, "text/plain; charset=UTF-8", **headers)
    return answer


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_genuine_message_is_stored_with_what_was_signed(
    client: Client, topic: str, signed: Body, version: str
) -> None:
    assert post(client, signed(version=version, Message='{"a": "Grüße"}', Subject="Mail")).status_code == 200
    row = SnsNotification.objects.get()
    assert (row.message, row.topic_arn, row.state, row.source) == ('{"a": "Grüße"}', topic, "waiting", "sns")


def test_a_replay_is_answered_alike_and_stored_once(client: Client, topic: str, signed: Body) -> None:
    body = signed()
    assert [post(client, body).status_code for _ in range(3)] == [200, 200, 200]
    assert SnsNotification.objects.count() == 1


def test_a_message_id_that_comes_again_with_another_message_changes_nothing_and_is_logged(
    client: Client, topic: str, signed: Body, caplog: pytest.LogCaptureFixture
) -> None:
    body = signed(Message="first")
    assert [post(client, body).status_code for _ in range(2)] == [200, 200]
    assert "came again" not in caplog.text
    assert post(client, signed(Message="second")).status_code == 200
    assert SnsNotification.objects.get().message == "first"
    assert f"{json.loads(body)['MessageId']} came again with other contents" in caplog.text
    assert "second" not in caplog.text


@pytest.mark.parametrize("days", [1, 14])
def test_an_old_message_that_was_never_seen_is_taken_and_a_replay_is_not_twice(
    client: Client, topic: str, signed: Body, days: int
) -> None:
    sent_at = (timezone.now() - timedelta(days=days)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = signed(Timestamp=sent_at)
    assert [post(client, body).status_code for _ in range(2)] == [200, 200]
    assert SnsNotification.objects.count() == 1


def test_a_genuine_message_older_than_any_queue_is_kept_for_staff_and_has_no_effect(
    client: Client, topic: str, signed: Body
) -> None:
    body = signed(Timestamp="2020-01-01T00:00:00.000Z", Message="a late mail")
    assert [post(client, body).status_code for _ in range(2)] == [200, 200]
    kept = SnsNotification.objects.get()
    assert (kept.state, kept.message, kept.last_error) == ("parked", "a late mail", door.TOO_OLD)
    assert ingest_due(now=timezone.now()) == 0
    assert run_again(notification=kept, actor="staff", now=timezone.now())
    assert ingest_due(now=timezone.now()) == 1


def test_an_old_end_of_a_subscription_does_not_end_todays(client: Client, topic: str, signed: Body) -> None:
    Installation.objects.update(confirmed_at=timezone.now(), subscription_arn=f"{ALLOWED}:1")
    body = signed(kind="UnsubscribeConfirmation", Timestamp="2020-01-01T00:00:00.000Z")
    assert post(client, body).status_code == 200
    assert Installation.objects.get().subscription_arn == f"{ALLOWED}:1"


def test_a_fresh_notification_costs_one_statement_and_a_replay_one_to_compare(
    client: Client, topic: str, signed: Body, django_assert_num_queries: Callable[..., Any]
) -> None:
    body = signed(MessageId="fresh")
    # The very first reads the allow-list, which is kept for half a minute.
    post(client, signed())
    for statements in (1, 2):
        with django_assert_num_queries(statements):
            assert post(client, body).status_code == 200
    assert SnsNotification.objects.count() == 2


def test_a_forged_message_costs_no_statement(
    client: Client, topic: str, signed: Body, django_assert_num_queries: Callable[..., Any]
) -> None:
    post(client, signed())
    with django_assert_num_queries(0):
        assert post(client, _tampered(signed(), Message="forged")).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_the_same_notification_at_two_doors_at_once_is_stored_once(topic: str, signed: Body) -> None:
    body, gate, statuses = signed(), threading.Barrier(8), list[int]()

    def deliver() -> None:
        try:
            gate.wait(10)
            statuses.append(post(Client(), body).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [200] * 8
    assert SnsNotification.objects.count() == 1


def _tampered(body: bytes, **fields: Any) -> bytes:
    return json.dumps(json.loads(body) | fields).encode()


def _without(body: bytes, name: str) -> bytes:
    return json.dumps({each: value for each, value in json.loads(body).items() if each != name}).encode()


PEM = f"SimpleNotificationService-{'a' * 32}.pem"


def _certificate(region: str, user: str = "") -> str:
    return f"https://{user}sns.{region}.amazonaws.com/{PEM}"


REFUSED: dict[str, tuple[int, Callable[[Body], bytes]]] = {
    "message changed": (403, lambda signed: _tampered(signed(), Message="forged")),
    "message id changed": (403, lambda signed: _tampered(signed(), MessageId="other")),
    "subject added": (403, lambda signed: _tampered(signed(), Subject="x")),
    "signature of nothing": (403, lambda signed: _tampered(signed(), Signature="AAAA")),
    "other topic": (403, lambda signed: signed(TopicArn=FOREIGN)),
    "topic of our account that is not ours": (403, lambda signed: signed(TopicArn=ALLOWED + "x")),
    "signature version 3": (403, lambda signed: signed(version="3")),
    "version 2 said to be 1": (403, lambda signed: _tampered(signed(), SignatureVersion="1")),
    "certificate elsewhere": (403, lambda signed: signed(SigningCertURL="https://evil.example/SimpleNot.pem")),
    "certificate over http": (403, lambda signed: signed(SigningCertURL="http://sns.us-east-1.amazonaws.com/a.pem")),
    "garbage for a signature": (403, lambda signed: _tampered(signed(), Signature="Z2FyYmFnZQ==")),
    "signature not base64": (403, lambda signed: _tampered(signed(), Signature="%%%")),
    "version null": (403, lambda signed: _tampered(signed(), SignatureVersion=None)),
    "version as a number": (403, lambda signed: _tampered(signed(), SignatureVersion=1)),
    "version as a list": (403, lambda signed: _tampered(signed(), SignatureVersion=["1"])),
    "certificate of another region": (403, lambda signed: signed(SigningCertURL=_certificate("eu-west-1"))),
    "certificate in a bucket": (403, lambda signed: signed(SigningCertURL="https://b.s3.amazonaws.com/" + PEM)),
    "certificate with userinfo": (403, lambda signed: signed(SigningCertURL=_certificate("us-east-1", "a@"))),
    "topic of another partition": (403, lambda signed: signed(TopicArn=ALLOWED.replace("aws:", "aws-cn:", 1))),
    "topic with a line break": (400, lambda signed: signed(TopicArn=ALLOWED + "\n")),
    "a subscription of an evil URL, forged": (
        403,
        lambda signed: _tampered(signed(kind="SubscriptionConfirmation"), SubscribeURL="http://169.254.169.254/"),
    ),
    "a thousand brackets deep": (400, lambda signed: b"[" * 100_000),
    "NaN": (400, lambda signed: signed()[:-1] + b', "x": NaN}'),
    "a lone surrogate": (400, lambda signed: signed()[:-1] + rb', "x": "\ud800"}'),
    "a byte order mark": (400, lambda signed: b"\xef\xbb\xbf" + signed()),
    "gzip": (400, lambda signed: gzip.compress(signed())),
    "not JSON": (400, lambda signed: b"{"),
    "empty": (400, lambda signed: b""),
    "not UTF-8": (400, lambda signed: b'{"Type": "\xff"}'),
    "a list": (400, lambda signed: b"[]"),
    "a name twice": (400, lambda signed: signed()[:-1] + b', "Message": "again"}'),
    "an empty signature": (403, lambda signed: _tampered(signed(), Signature="")),
    "no signature": (403, lambda signed: _without(signed(), "Signature")),
    "no version": (403, lambda signed: _without(signed(), "SignatureVersion")),
    "no certificate": (403, lambda signed: _without(signed(), "SigningCertURL")),
    "unknown type": (400, lambda signed: _tampered(signed(), Type="Hello")),
    "too large": (413, lambda signed: signed(Message="x" * MAX_BODY_BYTES)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_ours_is_refused_and_nothing_stored(client: Client, topic: str, signed: Body, what: str) -> None:
    status, make = REFUSED[what]
    assert post(client, make(signed)).status_code == status
    assert not SnsNotification.objects.exists()


def test_a_forger_with_a_key_of_his_own_is_refused(client: Client, topic: str, certificate_url: str) -> None:
    forged = _signed(Signer(rsa.generate_private_key(65537, 2048)), certificate_url)
    assert post(client, forged()).status_code == 403
    assert not SnsNotification.objects.exists()


@pytest.mark.parametrize(
    ("header", "said"),
    [("message-type", "SubscriptionConfirmation"), ("message-id", "other"), ("topic-arn", FOREIGN)],
)
def test_headers_that_disagree_with_the_body_are_refused(
    client: Client, topic: str, signed: Body, header: str, said: str
) -> None:
    assert post(client, signed(), headers={f"x-amz-sns-{header}": said}).status_code == 403
    assert not SnsNotification.objects.exists()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_post_is_answered(client: Client, topic: str, method: str) -> None:
    assert client.generic(method, DOOR).status_code == 405


class _Endless:
    """A body in chunks as gunicorn hands it on: no length, and so many bytes as are asked for."""

    handed_out = 0

    def read(self, size: int) -> bytes:
        self.handed_out += size
        return b"x" * size

    readline = read


def _post_in_chunks(stream: _Endless | io.BytesIO) -> int:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": DOOR,
        "HTTP_HOST": "127.0.0.1",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
    }
    return receive_sns(WSGIRequest(environ)).status_code


def test_a_body_in_chunks_is_read_like_any_other(topic: str, signed: Body) -> None:
    assert _post_in_chunks(io.BytesIO(signed())) == 200
    assert SnsNotification.objects.exists()


@pytest.mark.parametrize(
    "error", [InvalidChunkSize(b"zz"), ChunkMissingTerminator(b"x"), NoMoreData(), OSError("reset")]
)
def test_a_body_in_broken_chunks_is_no_fault_of_ours(topic: str, error: Exception) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise error

    assert _post_in_chunks(Broken()) == 400
    assert not SnsNotification.objects.exists()


def test_an_endless_body_in_chunks_is_cut_at_the_limit(topic: str) -> None:
    stream = _Endless()
    assert _post_in_chunks(stream) == 413
    assert stream.handed_out == MAX_BODY_BYTES + 1


def test_a_length_that_is_no_number_is_no_fault_of_ours(client: Client, topic: str, signed: Body) -> None:
    assert post(client, signed(), CONTENT_LENGTH="many").status_code == 400
    assert not SnsNotification.objects.exists()


def test_a_message_from_the_future_is_asked_for_again(client: Client, topic: str, signed: Body) -> None:
    ahead = (timezone.now() + timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    answer = post(client, signed(Timestamp=ahead))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "20")
    assert not SnsNotification.objects.exists()


@pytest.mark.parametrize("contents", ['{"URL": "/nowhere.pem"}', "not JSON", "[1]"])
def test_a_certificate_that_can_not_be_had_is_our_fault(
    client: Client,
    topic: str,
    signed: Body,
    certificate_url: str,
    settings: LazySettings,
    tmp_path: Path,
    contents: str,
) -> None:
    file = tmp_path / "trusted.json"
    file.write_text(contents.replace("URL", certificate_url))
    settings.SNS_TRUSTED_CERTIFICATES = str(file)
    assert post(client, signed()).status_code == 503
    settings.SNS_TRUSTED_CERTIFICATES = str(tmp_path / "missing.json")
    assert post(client, signed()).status_code == 503
    assert not SnsNotification.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_topic_known", [True, False])
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_our_fault(
    client: Client, topic: str, signed: Body, error: type[Exception], is_topic_known: bool
) -> None:
    if is_topic_known:
        assert ALLOWED in door.topics

    def away(*_: object) -> None:
        raise error("server closed the connection unexpectedly")

    with connection.execute_wrapper(away):
        answer = post(client, signed())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "20")
    assert not SnsNotification.objects.exists()


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A URL that nobody may fetch, and the paths that were."""
    fetched: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fetched.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/confirm", fetched
    server.shutdown()
    server.server_close()


def _subscription(sandbox: SandboxProcess, endpoint: str) -> dict[str, Any]:
    found = sandbox.control("GET", "/_sandbox/state")["subscriptions"].values()
    return next(dict(each) for each in found if each["endpoint"] == endpoint)


def test_a_subscription_is_confirmed_by_the_api_and_its_url_never_fetched(
    client: Client,
    sandbox: SandboxProcess,
    topic: str,
    signed: Body,
    canary: tuple[str, list[str]],
) -> None:
    url, fetched = canary
    sns = sandbox.client("sns")
    sns.create_topic(Name="postern-inbound")
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/inbound/sns")
    waiting = _subscription(sandbox, "http://127.0.0.1:9/inbound/sns")
    assert not waiting["confirmed"]
    body = signed(kind="SubscriptionConfirmation", Token=waiting["token"], SubscribeURL=url)

    assert post(client, body).status_code == 200

    assert _subscription(sandbox, "http://127.0.0.1:9/inbound/sns")["confirmed"]
    assert Installation.objects.get().confirmed_at is not None
    assert fetched == []
    assert not SnsNotification.objects.exists()


def test_a_subscription_of_a_foreign_topic_is_not_confirmed(
    client: Client, sandbox: SandboxProcess, topic: str, signed: Body
) -> None:
    sandbox.control("DELETE", "/_sandbox/calls")
    body = signed(kind="SubscriptionConfirmation", TopicArn=FOREIGN)
    assert post(client, body).status_code == 403
    assert sandbox.control("GET", "/_sandbox/calls")["calls"] == []


def test_a_confirmation_that_aws_does_not_take_is_asked_for_again(
    client: Client, sandbox: SandboxProcess, topic: str, signed: Body
) -> None:
    sandbox.control("POST", "/_sandbox/faults", {"operation": "ConfirmSubscription", "kind": "error", "times": 9})
    assert post(client, signed(kind="SubscriptionConfirmation")).status_code == 503
    assert Installation.objects.get().confirmed_at is None


def test_an_end_of_the_subscription_is_noted(client: Client, topic: str, signed: Body) -> None:
    Installation.objects.update(confirmed_at=timezone.now(), subscription_arn=f"{ALLOWED}:1")
    assert post(client, signed(kind="UnsubscribeConfirmation")).status_code == 200
    assert Installation.objects.get().confirmed_at is None


@pytest.mark.django_db
def test_a_confirmation_that_comes_while_setting_up_is_not_forgotten(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def confirmed_at_once(row: Installation, **_: Any) -> str:
        Installation.objects.filter(pk=row.pk).update(subscription_arn="arn", confirmed_at=timezone.now())
        return "pending"

    monkeypatch.setattr(installation, "subscribe_door", confirmed_at_once)
    set_up_region(region="us-east-1", caller=person(30), now=timezone.now())
    row = Installation.objects.get()
    assert row.confirmed_at is not None
    assert (row.subscription_arn, bool(row.queue_url)) == ("arn", True)


@pytest.mark.django_db(transaction=True)
def test_setting_up_subscribes_the_running_door_and_mail_is_announced_to_it(
    sandbox: SandboxProcess, live_server: LiveServer, settings: LazySettings
) -> None:
    settings.PUBLIC_URL = live_server.url
    set_up_region(region="us-east-1", caller=person(30), now=timezone.now())
    _until(lambda: Installation.objects.filter(confirmed_at__isnull=False).exists())
    assert _subscription(sandbox, f"{live_server.url}{DOOR}")["confirmed"]

    sandbox.client("sns").publish(TopicArn=Installation.objects.get().topic_arn, Message="hello", Subject="Mail")

    _until(lambda: SnsNotification.objects.filter(message="hello").exists())


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
