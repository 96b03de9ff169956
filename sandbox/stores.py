"""What SES and SNS of the sandbox need of moto's S3 and SQS, in this same process."""

from __future__ import annotations

import logging
from typing import Any

from sandbox.moto_stores import ACCOUNT
from sandbox.state import State

logger = logging.getLogger("sandbox.stores")
SETUP_NOTE = b"Congratulations! You have successfully set up email receiving with Amazon SES.\r\n"


class Buckets:
    """moto's buckets: they are global, whatever the region."""

    def __init__(self, state: State) -> None:
        self._state = state

    def _backend(self) -> Any:
        from moto.s3.models import s3_backends

        return s3_backends[ACCOUNT]["aws"]

    def has_bucket(self, name: str) -> bool:
        return name in self._backend().buckets

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self._backend().put_object(bucket, key, body)
        self._state.moto_changed()

    def set_up_note(self, action: dict[str, Any]) -> None:
        """SES tries the bucket out when a rule names it."""
        key = f"{action.get('ObjectKeyPrefix', '')}AMAZON_SES_SETUP_NOTIFICATION"
        self.put(action["BucketName"], key, SETUP_NOTE)


class Queues:
    """moto's queues, by ARN."""

    def __init__(self, state: State) -> None:
        self._state = state

    def send(self, arn: str, body: str) -> None:
        from moto.sqs.models import sqs_backends

        region, name = arn.split(":")[3], arn.split(":")[5]
        backend = sqs_backends[ACCOUNT][region]
        if name not in backend.queues:
            logger.warning("there is no queue %s", arn)
            return
        backend.send_message(name, body)
        self._state.moto_changed()
