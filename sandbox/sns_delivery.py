"""Delivery of SNS messages: over HTTP in the background with retries, into SQS at once, dead letters kept."""

from __future__ import annotations

import heapq
import itertools
import json
import logging
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3

logger = logging.getLogger("sandbox.sns")
SECONDS = 15.0
# SNS waits 20 s three times; nobody wants to wait as long for a laptop.
RETRIES = (1.0, 2.0, 5.0)
# A subscription may be made before the web process listens.
CONFIRMATION_RETRIES = (0.5, 0.5, 1.0, 1.0, 2.0, 2.0, 5.0, 5.0) + (15.0,) * 20


class QueueStore(Protocol):
    def send(self, arn: str, body: str) -> None:
        """Put a message into the queue, which may not be there."""


@dataclass(frozen=True)
class Attempt:
    """One message on its way to one endpoint, the pauses that it may still take, and the world it belongs to."""

    arn: str
    subscription: dict[str, Any]
    message: dict[str, Any]
    pauses: tuple[float, ...]
    generation: int


class Delivery:
    """Posts from a pool; what waits for its next attempt holds no thread. `counts` tells what became of messages.

    `forget()` drops what waits, so that a reset sandbox says nothing of its past.
    """

    def __init__(self, queues: QueueStore) -> None:
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="sns")
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=SECONDS), maxsize=16)
        self._queues = queues
        self._generation = 0
        self._waiting: list[tuple[float, int, Attempt]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._is_stopping = False
        self.counts: Counter[str] = Counter()
        threading.Thread(target=self._keep_time, name="sns-retries", daemon=True).start()

    def forget(self) -> None:
        with self._changed:
            self._generation += 1
            self._waiting.clear()
            self.counts.clear()

    def stop(self) -> None:
        self.forget()
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def to_queue(self, arn: str, body: str) -> None:
        self._queues.send(arn, body)
        self.counts["queued"] += 1

    def post(
        self, arn: str, subscription: dict[str, Any], message: dict[str, Any], *, is_patient: bool = False
    ) -> None:
        pauses = CONFIRMATION_RETRIES if is_patient else RETRIES
        self._pool.submit(self._attempt, Attempt(arn, dict(subscription), message, pauses, self._generation))

    def _keep_time(self) -> None:
        """Hand each waiting attempt to the pool when its pause is over."""
        with self._changed:
            while not self._is_stopping:
                pause = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if pause is not None and pause <= 0:
                    self._pool.submit(self._attempt, heapq.heappop(self._waiting)[2])
                else:
                    self._changed.wait(pause)

    def _attempt(self, attempt: Attempt) -> None:
        if attempt.generation != self._generation:
            return
        status = self._send(attempt)
        if 200 <= status < 300:
            self.counts["delivered"] += 1
        elif attempt.pauses and not (400 <= status < 500 and status != 429):
            later = Attempt(attempt.arn, attempt.subscription, attempt.message, attempt.pauses[1:], attempt.generation)
            with self._changed:
                if attempt.generation == self._generation:
                    due = time.monotonic() + attempt.pauses[0]
                    heapq.heappush(self._waiting, (due, next(self._numbers), later))
                    self._changed.notify()
        else:
            self._give_up(attempt)

    def _send(self, attempt: Attempt) -> int:
        """The endpoint's HTTP status; 0 where it could not be reached."""
        message, is_raw = attempt.message, attempt.subscription["attributes"].get("RawMessageDelivery") == "true"
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": message["Type"],
            "x-amz-sns-message-id": message["MessageId"],
            "x-amz-sns-topic-arn": message["TopicArn"],
        }
        body = json.dumps(message, indent=2)
        if message["Type"] != "SubscriptionConfirmation":
            headers["x-amz-sns-subscription-arn"] = attempt.arn
        if message["Type"] == "Notification" and is_raw:
            headers["x-amz-sns-rawdelivery"] = "true"
            body = message["Message"]
        endpoint = attempt.subscription["endpoint"]
        try:
            return int(self._http.request("POST", endpoint, body=body.encode(), headers=headers, redirect=False).status)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            logger.info("%s could not be reached: %s", endpoint, error)
            return 0

    def _give_up(self, attempt: Attempt) -> None:
        self.counts["failed"] += 1
        policy = json.loads(attempt.subscription["attributes"].get("RedrivePolicy") or "{}")
        if policy.get("deadLetterTargetArn"):
            self._queues.send(policy["deadLetterTargetArn"], json.dumps(attempt.message))
            self.counts["dead_letters"] += 1
