"""What it costs to take in one small mail: fetched from S3, parsed in a fork, stored again, its rows written.

    .venv/bin/python -m benchmarks.taking_in [MAILS]

Prints the processor's time a mail of the worker, and of the process that parses with all its forks; exits with 1 where
parsing in a process apart costs more than half of what the worker does itself. S3, SES and DNS are the sandbox's, over
the real protocols; the database is a new one where DATABASE_URL says (SQLite without it).
"""

from __future__ import annotations

import resource
import sys

from django.utils import timezone

from benchmarks.mail_memory import announce, product
from inbound import ingestion, nursery
from inbound.models import InboundMessage

MOST = 0.5


def processor(whose: int) -> float:
    """Seconds, of this process or of its children that have ended."""
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def main(mails: int) -> int:
    with product() as sandbox:
        announce(sandbox)
        ingestion.ingest_due(now=timezone.now())  # what is imported and opened once is no mail's cost
        nursery.end_idle()
        for _ in range(mails):
            announce(sandbox)
        before = InboundMessage.objects.count()
        worker, children = processor(resource.RUSAGE_SELF), processor(resource.RUSAGE_CHILDREN)
        while InboundMessage.objects.count() < before + mails:
            ingestion.ingest_due(now=timezone.now())
        worker = (processor(resource.RUSAGE_SELF) - worker) / mails
        nursery.end_idle()
        parser = (processor(resource.RUSAGE_CHILDREN) - children) / mails
    print(f"worker  {worker * 1000:6.1f} ms of processor a mail")
    print(f"parser  {parser * 1000:6.1f} ms, {parser / worker:.2f} of the worker's (at most {MOST})")
    return 0 if parser <= MOST * worker else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
