"""Mail on its way into S3: a put that fails is tried again, as SES does for four hours, and never lost in silence."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable

from sandbox.faults import Faults
from sandbox.stores import Buckets

logger = logging.getLogger("sandbox.deposits")
# AWS's name for the call, as faults know it when it is SES that calls.
OPERATION = "SES:PutObject"
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class PutFailed(Exception):
    """S3 did not take the object."""


class Deposits:
    """`put()` returns at once; `counts` holds SES's alarms: put_failures, put_expired, publish_failures."""

    def __init__(self, buckets: Buckets, faults: Faults) -> None:
        self._buckets, self._faults = buckets, faults
        self._generation = 0
        self._timers: set[threading.Timer] = set()
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def put(self, bucket: str, key: str, body: bytes, told: Callable[[], None]) -> None:
        """Store the object and call `told` once it is there, which may be later."""
        self._attempt(bucket, key, body, told, PAUSES, self._generation)

    def forget(self) -> None:
        with self._lock:
            self._generation += 1
            for timer in self._timers:
                timer.cancel()
            self._timers.clear()
            self.counts.clear()

    def _attempt(
        self,
        bucket: str,
        key: str,
        body: bytes,
        told: Callable[[], None],
        pauses: tuple[float, ...],
        generation: int,
    ) -> None:
        if generation != self._generation:
            return
        try:
            self._put(bucket, key, body)
        except PutFailed as failure:
            self.counts["put_failures"] += 1
            if not pauses:
                self.counts["put_expired"] += 1
                logger.error("gave up %s in %s: %s", key, bucket, failure)
                return
            logger.warning("%s in %s is tried again in %s s: %s", key, bucket, pauses[0], failure)
            arguments = (bucket, key, body, told, pauses[1:], generation)
            timer = threading.Timer(pauses[0], self._attempt, arguments)
            timer.daemon = True
            with self._lock:
                self._timers = {each for each in self._timers if each.is_alive()} | {timer}
                timer.start()
        else:
            told()

    def _put(self, bucket: str, key: str, body: bytes) -> None:
        fault = self._faults.take(OPERATION)
        if fault is not None:
            raise PutFailed(fault.message)
        if not self._buckets.has_bucket(bucket):
            raise PutFailed("there is no such bucket")
        self._buckets.put(bucket, key, body)
