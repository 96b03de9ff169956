"""Ring a Celery task once the current transaction has committed.

The database is the queue of record and a sweep finds what nobody rang for, so a broker that is away delays work but
never fails the request that made it. Tasks are named by text: whoever rings need not import who answers.
"""

from __future__ import annotations

import logging
import time

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

QUIET_SECONDS = 5.0


class _Broker:
    """When it was found away, so that not every request has to find out for itself."""

    away_until = 0.0


def ring(task: str, *args: int | str) -> None:
    """Send the task of this name with `args` (ids only) after commit; a broker that can not be reached is logged."""

    def send() -> None:
        if time.monotonic() < _Broker.away_until:
            return
        try:
            current_app.send_task(task, args=args, retry=False)
        except (OperationalError, OSError) as error:
            _Broker.away_until = time.monotonic() + QUIET_SECONDS
            logger.warning("could not ring %s, the sweep will find it: %s", task, error)

    transaction.on_commit(send)
