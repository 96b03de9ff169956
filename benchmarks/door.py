"""What one notification costs at the SNS door, against the least work that still verifies, deduplicates and stores.

    .venv/bin/python -m benchmarks.door [ROUNDS]

Both are asked in one process, turn by turn, with the same signed messages and through the same Django handler; what
the handler and the client cost by themselves is taken off. Prints the processor's time for each and the median of the
rounds' ratios, the thread that rings for the worker included. The database is a new one where DATABASE_URL says
(SQLite without it); exits with 1 where the door costs more than twice the least.
"""

from __future__ import annotations

import base64
import gc
import json
import logging
import os
import statistics
import sys
import time
from pathlib import Path
from uuid import uuid4

import django
import orjson

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from cryptography.exceptions import InvalidSignature  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: E402
from cryptography.hazmat.primitives.hashes import SHA256  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402
from django.utils import timezone  # noqa: E402

from config.doors import DOORS  # noqa: E402
from inbound.models import SnsNotification  # noqa: E402
from tests.inbound.signing import CERTIFICATE_URL, SIGNED, TOPIC_ARN, Signer, certificate  # noqa: E402

MOST = 2.0
SLICE = 100
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


def least(request: HttpRequest) -> HttpResponse:
    """One signature, one statement."""
    envelope = orjson.loads(request.body)
    if envelope["TopicArn"] != TOPIC_ARN or envelope["SigningCertURL"] != CERTIFICATE_URL:
        return HttpResponse(status=403)
    text = "".join(f"{name}\n{envelope[name]}\n" for name in SIGNED["Notification"] if name in envelope)
    try:
        KEY.public_key().verify(base64.b64decode(envelope["Signature"]), text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return HttpResponse(status=403)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO least (id, at, message) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [envelope["MessageId"], str(timezone.now()), envelope["Message"]],
        )
    return HttpResponse()


def notification() -> bytes:
    """A mail's, of the size that SES's are."""
    message_id = uuid4().hex
    mail = {"timestamp": "2026-11-21T07:00:00.000Z", "source": "sam@elsewhere.example", "messageId": message_id}
    headers = [{"name": f"X-Header-{number}", "value": "v" * 60} for number in range(20)]
    action = {"type": "S3", "topicArn": TOPIC_ARN, "bucketName": "mail", "objectKey": f"incoming/{message_id}"}
    receipt = {"timestamp": mail["timestamp"], "recipients": ["help@shop.example"], "action": action}
    message = json.dumps({"notificationType": "Received", "mail": {**mail, "headers": headers}, "receipt": receipt})
    stamp = timezone.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return Signer(KEY).body(MessageId=str(uuid4()), Message=message, Timestamp=stamp)


def cost(client: Client, path: str, bodies: list[bytes]) -> float:
    """Milliseconds of the processor for one request."""
    gc.collect()
    began = time.process_time()
    for body in bodies:
        answer = client.post(path, body, content_type="text/plain; charset=UTF-8")
        assert answer.status_code == 200, (path, answer.status_code, answer.content)
    return (time.process_time() - began) * 1000 / len(bodies)


def measure(rounds: int) -> float:
    client = Client(headers={"host": "localhost"})
    DOORS.update({"/nothing": nothing, "/least": least})
    paths = ["/nothing", "/least", "/inbound/sns"]
    for path in paths:
        cost(client, path, [notification() for _ in range(20)])
    costs: dict[str, list[float]] = {path: [] for path in paths}
    for number in range(rounds):
        for path in paths[number % 3 :] + paths[: number % 3]:
            costs[path].append(cost(client, path, [notification() for _ in range(SLICE)]))
    asked = (rounds + 1) * SLICE - SLICE + 20
    assert SnsNotification.objects.count() == asked, "one row a notification"
    handler = statistics.median(costs["/nothing"])
    ratios = [
        (door - handler) / (floor - handler)
        for door, floor in zip(costs["/inbound/sns"], costs["/least"], strict=True)
        if floor > handler
    ]
    print(f"{connection.vendor}, {rounds} rounds of {SLICE}, processor time a request above a view that does nothing:")
    print(f"  the least  {statistics.median(costs['/least']) - handler:.2f} ms")
    print(f"  the door   {statistics.median(costs['/inbound/sns']) - handler:.2f} ms")
    print(f"  ratio      {statistics.median(ratios):.2f} (fails above {MOST})")
    return statistics.median(ratios)


def main(arguments: list[str]) -> int:
    logging.disable(logging.ERROR)
    pem, trusted = Path(settings.POSTERN_VAR) / "cert.pem", Path(settings.POSTERN_VAR) / "trusted.json"
    pem.write_bytes(certificate(KEY))
    trusted.write_text(json.dumps({CERTIFICATE_URL: str(pem)}))
    settings.SNS_TRUSTED_CERTIFICATES = str(trusted)
    settings.SNS_ALLOWED_TOPICS = (TOPIC_ARN,)
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE least (id varchar(100) PRIMARY KEY, at varchar(40), message text)")
        return 0 if measure(int(arguments[0]) if arguments else 9) <= MOST else 1
    finally:
        teardown_databases(databases, verbosity=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
