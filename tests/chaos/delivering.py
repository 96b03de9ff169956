"""Plays Amazon SES and SNS: puts objects into S3 and announces them, again and again until the door says 200."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.chaos.product import BUCKET
from tests.chaos.traffic import FORGED, Announcing, Forgery, Mail, forged, notification, signed
from tests.inbound.signing import Signer

SENDERS = 12
# SNS tries for an hour; the product is never away that long here.
TRIES = 240
PAUSE_SECONDS = 1.0


class Delivering:
    """`answers` counts the door's answers to what is genuine, and apart from them to what is forged."""

    def __init__(self, *, port: int, s3: Any, sqs: Any, signer: Signer, seed: int) -> None:
        self._port, self._s3, self._sqs, self._signer = port, s3, sqs, signer
        urls = sqs.list_queues()["QueueUrls"]
        (self._queue_url,) = (url for url in urls if not url.endswith("-dead-letters"))
        self._stranger = Signer(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        self._rng = random.Random(seed)
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self.to_forged: Counter[str] = Counter()
        self.deliveries = 0
        self.never_taken: list[str] = []

    def play(self, mails: Iterable[Mail], *, forged_share: float) -> None:
        """Deliver all, from a few threads at once; returns when each mail was announced as often as it should be."""
        with ThreadPoolExecutor(SENDERS) as pool:
            under_way: list[Future[None]] = []
            for mail in mails:
                under_way.append(pool.submit(self._mail, mail, self._rng.getrandbits(128)))
                if self._rng.random() < forged_share:
                    under_way.append(pool.submit(self._forgery, mail, self._rng.choice(list(Forgery))))
            for each in under_way:
                each.result()

    def _mail(self, mail: Mail, number: int) -> None:
        if mail.late_seconds and mail.announcing is not Announcing.NEVER:
            later = threading.Timer(mail.late_seconds, self._put, [mail])
            later.start()
        else:
            later = None
            self._put(mail)
        body = signed(self._signer, notification(mail, bucket=BUCKET), message_id=str(UUID(int=number)))
        if mail.announcing is Announcing.TWICE_AT_ONCE:
            twin = threading.Thread(target=self._announce, args=[mail, body])
            twin.start()
            self._announce(mail, body)
            twin.join()
        elif mail.announcing not in (Announcing.NEVER, Announcing.QUEUE_ALONE):
            self._announce(mail, body)
        if mail.announcing in (Announcing.QUEUE_ALONE, Announcing.BY_BOTH_WAYS):
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body.decode())
            with self._lock:
                self.deliveries += 1
        elif mail.announcing is Announcing.TWICE_APART:
            time.sleep(random.Random(number).uniform(0.5, 3))
            self._announce(mail, body)
        elif mail.announcing is Announcing.TWICE_UNDER_TWO_IDS:
            other = signed(self._signer, notification(mail, bucket=BUCKET), message_id=str(UUID(int=number ^ 1)))
            self._announce(mail, other)
        if later is not None:
            later.join()

    def _put(self, mail: Mail) -> None:
        """Amazon SES tries a put that fails for hours."""
        for tries in range(TRIES):
            try:
                self._s3.put_object(Bucket=BUCKET, Key=f"incoming/{mail.ses_message_id}", Body=mail.raw())
                return
            except (ClientError, BotoCoreError):
                if tries == TRIES - 1:
                    raise
                time.sleep(PAUSE_SECONDS)

    def _announce(self, mail: Mail, body: bytes) -> None:
        for _ in range(TRIES):
            answer = self._post(body)
            with self._lock:
                self.answers[answer] += 1
                self.deliveries += answer == "200"
            if answer == "200":
                return
            time.sleep(PAUSE_SECONDS)
        with self._lock:
            self.never_taken.append(mail.ses_message_id)

    def _forgery(self, mail: Mail, kind: Forgery) -> None:
        fake = Mail(f"{FORGED}-{mail.ses_message_id}", mail.recipients, mail.domains, Announcing.ONCE, 0.0)
        message = notification(fake, bucket=BUCKET)
        body = forged(kind, self._signer, self._stranger, message, message_id=f"{FORGED}-{mail.ses_message_id}")
        for _ in range(TRIES):
            answer = self._post(body)
            with self._lock:
                self.to_forged[answer] += 1
                self.deliveries += answer not in ("nobody", "503", "500")
            if answer not in ("nobody", "503", "500"):
                return
            time.sleep(PAUSE_SECONDS)

    def _post(self, body: bytes) -> str:
        """The status, or `nobody` where the connection broke."""
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
        try:
            line.request("POST", "/inbound/sns", body, {"Content-Type": "text/plain; charset=UTF-8"})
            answer = line.getresponse()
            answer.read()
            return str(answer.status)
        except (OSError, http.client.HTTPException):
            return "nobody"
        finally:
            line.close()
