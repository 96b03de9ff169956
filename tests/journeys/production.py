"""The product as in production, on an AWS emulator that is not ours: its processes, and a signer that SNS is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.doomed_process import database_url
from tests.inbound.signing import CERTIFICATE_URL, Signer, certificate
from tests.running_product import NOT_OURS, ROOT, free_ports

BUCKET = "foreign-mail"
TOPIC = "arn:aws:sns:us-east-1:000000000000:elsewhere"
# On a machine that is busy with other tests the processes take their time to start.
PATIENCE_SECONDS = 180.0
PROCESSES = {
    "web": ("gunicorn", "config.wsgi"),
    "worker": ("celery", "-A", "config", "worker", "--concurrency", "2"),
    "beat": ("celery", "-A", "config", "beat"),
    "second beat": ("celery", "-A", "config", "beat"),
}


class Production:
    """Settings from the environment alone; `processes` by name while they run, one log for all of them."""

    def __init__(self, folder: Path, dns: tuple[str, int]) -> None:
        ports = free_ports()
        self.folder, self.url = folder, f"http://127.0.0.1:{ports['WEB_PORT']}"
        self.aws_port, self.aws_url = ports["AWS_PORT"], f"http://127.0.0.1:{ports['AWS_PORT']}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._signer = Signer(key)
        (folder / "cert.pem").write_bytes(certificate(key))
        (folder / "trusted.json").write_text(json.dumps({CERTIFICATE_URL: str(folder / "cert.pem")}))
        broker = os.environ["CELERY_BROKER_URL"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
        self._environment = kept | {
            "READ_DOT_ENV": "0",
            "SECRET_KEY": os.environ["SECRET_KEY"],
            "PUBLIC_URL": self.url,
            "POSTERN_VAR": str(folder),
            "DATABASE_URL": database_url(),
            "CELERY_BROKER_URL": broker.rpartition("/")[0] + "/14" if broker.startswith("redis") else "safefs://x",
            "CACHE_URL": os.environ.get("CACHE_URL", ""),
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ACCESS_KEY_ID": "foreign",
            "AWS_SECRET_ACCESS_KEY": "foreign",
            "SES_REGIONS": "us-east-1",
            "SES_CALLS_PER_SECOND": "100",
            "INBOUND_BUCKET": BUCKET,
            "SNS_TRUSTED_CERTIFICATES": str(folder / "trusted.json"),
            "SNS_ALLOWED_TOPICS": TOPIC,
            "DNS_RESOLVERS": f"{dns[0]}:{dns[1]}",
            "DNS_AUTHORITATIVE_PORT": str(dns[1]),
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{ports['WEB_PORT']}",
        }

    def manage(self, *command: str) -> str:
        run = [sys.executable, "manage.py", *command]
        done = subprocess.run(run, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, *command: str) -> None:
        with (self.folder / "log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    def stop(self) -> dict[str, int]:
        """The exit codes after a SIGTERM, by name."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        return {name: process.wait(60) for name, process in self.processes.items()}

    def log(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    def wait_until(self, is_so: Callable[[], Any], what: str) -> Any:
        """What `is_so` returns once it is true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := is_so()):
            assert time.monotonic() < deadline, f"{what} in {PATIENCE_SECONDS:g} s\n{self.log()[-5000:]}"
            time.sleep(0.1)
        return found

    def ask(self, method: str, path: str, key: str = "", body: object = None) -> Any:
        """The JSON of the answer, None while nobody answers; fails the test on a refusal."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        given = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=given, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{method} {path}: {refusal.status} {refusal.read().decode()}") from refusal
        except OSError:
            return None

    def announce(self, recipient: str, subject: str) -> str:
        """Store a mail as SES would, and say so as SNS would; what the product answers."""
        import boto3

        ses_message_id = uuid4().hex
        mail = f"From: sam@elsewhere.example\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nHello.\r\n"
        keys = {"aws_access_key_id": "foreign", "aws_secret_access_key": "foreign", "region_name": "us-east-1"}
        store = boto3.client("s3", endpoint_url=self.aws_url, **keys)
        store.put_object(Bucket=BUCKET, Key=f"incoming/{ses_message_id}", Body=mail.encode())
        # In whole seconds, as some emulators tell it: a moment before the domain's verification in the same second.
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        action = {"type": "S3", "topicArn": TOPIC, "bucketName": BUCKET, "objectKey": f"incoming/{ses_message_id}"}
        received = {
            "notificationType": "Received",
            "mail": {"timestamp": now, "source": "sam@elsewhere.example", "messageId": ses_message_id},
            "receipt": {"timestamp": now, "recipients": [recipient], "action": action},
        }
        body = self._signer.body(MessageId=str(uuid4()), TopicArn=TOPIC, Message=json.dumps(received), Timestamp=now)
        with urllib.request.urlopen(f"{self.url}/inbound/sns", data=body, timeout=30) as answer:
            return str(answer.read().decode().strip())


@contextmanager
def in_production(folder: Path, dns: tuple[str, int]) -> Iterator[Production]:
    """The emulator runs and AWS is set up; the product's processes are for the test to start."""
    production = Production(folder, dns)
    emulator = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", production.aws_port],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        production.wait_until(lambda: _answers(f"{production.aws_url}/moto-api/"), "the emulator answers")
        yield production
    finally:
        for process in production.processes.values():
            process.kill()
            process.wait(10)
        emulator.kill()
        emulator.wait(10)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False
