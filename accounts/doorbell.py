"""Ring a Celery task once the current transaction has committed.

The database is the queue of record and a sweep finds what nobody rang for, so a broker that is away or slow delays work
but never the request that made it: a thread of its own does the ringing, and what is rung for meanwhile is rung once.
Tasks are named by text: whoever rings need not import who answers.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from importlib import import_module

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

QUIET_SECONDS = 5.0
# Between two rounds of ringing: under load, one ring for all that came in meanwhile.
PAUSE_SECONDS = 0.5
LAST_RINGS_SECONDS = 5.0


class _Ringer:
    """The names that wait to be rung, and the daemon thread that rings them."""

    def __init__(self) -> None:
        self._wanted: set[str] = set()
        self._changed = threading.Condition()
        self._is_ringing = False
        self._thread: threading.Thread | None = None

    def want(self, task: str) -> None:
        with self._changed:
            self._wanted.add(task)
            if self._thread is None or not self._thread.is_alive():
                _load()
                self._thread = threading.Thread(target=self._ring_for_ever, name="doorbell", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def finish(self, timeout: float) -> None:
        """Wait until all that was wanted has been rung for, at most `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._wanted and not self._is_ringing, timeout)

    def _ring_for_ever(self) -> None:
        while True:
            with self._changed:
                self._is_ringing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._wanted))
                tasks, self._wanted, self._is_ringing = sorted(self._wanted), set(), True
            pause = PAUSE_SECONDS
            for task in tasks:
                if not _send(task):
                    pause = QUIET_SECONDS
                    break
            with self._changed:
                # A process that ends does not wait for a broker that is away.
                self._is_ringing = False
                self._changed.notify_all()
            time.sleep(pause)


def _load() -> None:
    """What sending needs, so that the thread's first ring takes nothing from the requests beside it."""
    for name in ("celery.app.task", "celery.canvas", "celery.result", "celery.events.dispatcher"):
        import_module(name)
    # The client of this broker's kind; it is not connected.
    _ = current_app.connection_for_write().transport


def _send(task: str) -> bool:
    try:
        current_app.send_task(task, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("could not ring %s, the sweep will find it: %s", task, error)
        return False
    except Exception:
        # The thread rings for everybody: a fault with one task must not end it.
        logger.exception("could not ring %s, the sweep will find it", task)
    return True


class _Bell:
    ringer = _Ringer()


def _begin_anew() -> None:
    # A fork takes no thread along.
    _Bell.ringer = _Ringer()


os.register_at_fork(after_in_child=_begin_anew)
atexit.register(lambda: _Bell.ringer.finish(LAST_RINGS_SECONDS))


def ring(task: str) -> None:
    """Send the task of this name after commit; a broker that can not be reached is logged."""
    transaction.on_commit(lambda: _Bell.ringer.want(task))
