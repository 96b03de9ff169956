"""How much memory one large mail takes on its whole way: fetched from S3, parsed in the child, stored again in parts.

    .venv/bin/python -m benchmarks.mail_memory [MEGABYTES]

Prints the peak of the worker above what it had before, the peak of the parser's child, and their sum against the size
of the mail; exits with 1 where that is more than twice the mail. Linux only: the peaks are the kernel's own (VmHWM).
S3, SES and DNS are the sandbox's, over the real protocols; the database is SQLite in a folder that is removed again.
"""

from __future__ import annotations

import base64
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Organization  # noqa: E402
from aws.mail_store import put_file  # noqa: E402
from aws.pacing import person  # noqa: E402
from domains.facts import current_records  # noqa: E402
from domains.installation import set_up_region  # noqa: E402
from domains.registration import register_domain  # noqa: E402
from domains.verification import check_domain  # noqa: E402
from inbound import ingestion, queues  # noqa: E402
from inbound.models import InboundMessage  # noqa: E402
from tests import settings as ports  # noqa: E402
from tests.sandbox_process import SandboxProcess  # noqa: E402

MOST = 2.0
ATTACHMENTS = 3
REGION = "us-east-1"


def write_mail(path: Path, size: int) -> None:
    """A text and three attachments in base64, about `size` bytes, written without holding it in memory."""
    draw = random.Random(1)
    each = size // ATTACHMENTS // 78
    with path.open("wb") as file:
        file.write(
            b"From: Sam <sam@elsewhere.example>\r\nTo: help@shop.example\r\nSubject: Large\r\n"
            b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n'
        )
        for number in range(ATTACHMENTS):
            file.write(
                b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
                b'Content-Disposition: attachment; filename="%d.pdf"\r\n\r\n' % number
            )
            for _ in range(each):
                file.write(base64.b64encode(draw.randbytes(57)) + b"\r\n")
        file.write(b"--b--\r\n")


def memory(pid: int | str, field: str) -> int:
    """Bytes, of VmRSS or VmHWM; 0 for a process that has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def children(pid: str = "self") -> list[str]:
    """And theirs."""
    found: list[str] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += (task / "children").read_text().split()
    except OSError:
        return found  # a process or thread that has ended meanwhile
    return found + [each for child in found for each in children(child)]


@contextmanager
def watched_children() -> Iterator[dict[str, int]]:
    """The highest VmHWM of each child that is started meanwhile, looked at every few milliseconds."""
    peaks: dict[str, int] = {}
    known, ended = set(children()), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for pid in children():
                if pid not in known and b"parsing_child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    peaks[pid] = max(peaks.get(pid, 0), memory(pid, "VmHWM"))
            time.sleep(0.003)

    def watch_on() -> None:
        while not ended.is_set():
            try:
                watch()
            except OSError:
                continue  # a child that ended between two looks

    thread = threading.Thread(target=watch_on, daemon=True)
    thread.start()
    yield peaks
    ended.set()
    thread.join()


@contextmanager
def product() -> Iterator[SandboxProcess]:
    """The product's database and AWS side, with a verified domain shop.example; all of it ends with the block."""
    sandbox = SandboxProcess(
        aws_port=ports.AWS_PORT, dns_port=ports.DNS_PORT, smtp_port=ports.SMTP_PORT, folder=f"{ports.FOLDER}/sandbox"
    )
    sandbox.start()
    try:
        call_command("migrate", verbosity=0)
        set_up_region(region=REGION, caller=person(30), now=timezone.now())
        acme = Organization.objects.create(name="Acme")
        domain = register_domain(organization=acme, name="shop.example", actor="benchmark", now=timezone.now())
        records = [
            {"type": each.type, "name": each.name, "value": each.value, "priority": each.priority}
            for each in current_records(domain)
        ]
        sandbox.control("POST", "/_sandbox/publish", {"records": records})
        sandbox.control("POST", "/_sandbox/check")
        check_domain(domain=domain, actor="benchmark", now=timezone.now())
        yield sandbox
    finally:
        sandbox.stop()


def announce(sandbox: SandboxProcess) -> str:
    """A small mail that waits to be taken in; its SES message id."""
    mail = {"from": "sam@elsewhere.example", "to": ["help@shop.example"], "raw": "Subject: small\r\n\r\nx\r\n"}
    (ses_message_id,) = sandbox.control("POST", "/_sandbox/mail", mail)["ses_message_ids"]
    queues.drain(now=timezone.now())
    return str(ses_message_id)


def take_in(sandbox: SandboxProcess, mail: Path) -> tuple[int, int]:
    """Let the worker take in `mail`: (the worker's peak above what it had before, the whole peak of the child)."""
    announce(sandbox)
    ingestion.ingest_due(now=timezone.now())  # what is imported and opened once is no mail's memory
    key = f"{settings.INBOUND_PREFIX}{announce(sandbox)}"
    put_file(region=REGION, bucket=settings.INBOUND_BUCKET, key=key, path=mail)
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
    before = memory("self", "VmRSS")
    with watched_children() as peaks:
        ingestion.ingest_due(now=timezone.now())
    return memory("self", "VmHWM") - before, max(peaks.values(), default=0)


def main(megabytes: int) -> int:
    with tempfile.TemporaryDirectory(prefix="postern-mail-memory-") as folder, product() as sandbox:
        mail = Path(folder) / "mail"
        write_mail(mail, megabytes * 1_000_000)
        size = mail.stat().st_size
        worker, child = take_in(sandbox, mail)
        message = InboundMessage.objects.get(size=size)
        parts = list(message.attachments.values_list("size", flat=True))
    assert (message.parse_status, len(parts)) == ("ok", ATTACHMENTS), (message.parse_status, parts)
    assert child, "the child was not seen"
    ratio = (worker + child) / size
    print(f"mail               {size / 1e6:7.1f} MB, {ATTACHMENTS} attachments of {parts[0] / 1e6:.1f} MB")
    print(f"worker, extra peak {worker / 1e6:7.1f} MB")
    print(f"child, whole peak  {child / 1e6:7.1f} MB")
    print(f"together           {ratio:7.2f} x the mail (at most {MOST})")
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
