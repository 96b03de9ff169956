"""boto3 clients by service and region, and the one way to call them: paced, with a deadline, errors in our words."""

from __future__ import annotations

import io
import random
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings

from aws.errors import AwsError, AwsTimedOut, AwsUnavailable, out_of_time, translate
from aws.pacing import Caller, background, take_slot

CONNECT_SECONDS = 3
READ_SECONDS = 7
_CONTROL_SERVICES = frozenset({"ses", "sesv2"})
_READS = ("Describe", "Get", "Head", "List")
# A second SendEmail is a second mail: it is repeated only when SES certainly did nothing with the first.
_NEVER_TWICE = frozenset({"SendEmail", "Publish"})
_MOST_FAILURES = 3
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 8.0

_lock = threading.Lock()


@dataclass(frozen=True)
class Credentials:
    """Somebody else's keys, temporary or not; without them the installation's own (standard AWS_* names) are used."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id}, ...)"


def client(service: str, region: str, credentials: Credentials | None = None) -> Any:
    """The process's client of a service in a region, made on first use; boto3 itself is imported only then."""
    # Making a client is not thread-safe in boto3; using one is.
    with _lock:
        return _make(service, region, credentials)


def forget_clients() -> None:
    """Drop every cached client: for a changed endpoint or changed keys."""
    with _lock:
        _make.cache_clear()


@lru_cache(maxsize=64)
def _make(service: str, region: str, credentials: Credentials | None) -> Any:
    # Slow to import: only a process that calls AWS pays for it.
    import boto3
    from botocore.config import Config

    endpoint = settings.AWS_ENDPOINT_URL
    keys: dict[str, Any] = {}
    if credentials is not None:
        keys = {"aws_access_key_id": credentials.access_key_id, "aws_secret_access_key": credentials.secret_access_key}
        if credentials.session_token:
            keys["aws_session_token"] = credentials.session_token
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=20,
        # A bucket name can not become a host name at an endpoint that is an address.
        s3={"addressing_style": "path"} if endpoint else {},
    )
    session = boto3.session.Session(region_name=region, **keys)
    make: Any = session.client
    return make(service, config=config, endpoint_url=endpoint or None)


def call(
    *,
    service: str,
    region: str,
    operation: str,
    caller: Caller | None = None,
    is_paced: bool | None = None,
    credentials: Credentials | None = None,
    **parameters: Any,
) -> dict[str, Any]:
    """Call one AWS operation by its AWS name (`CreateEmailIdentity`) and return its answer.

    `is_paced` left out means: every SES call but a send. Throttling is repeated with growing, jittered pauses for as
    long as the caller has patience; 5xx and lost connections three times. A write whose answer did not come in time
    is never repeated here, because it may have been done: it raises AwsTimedOut, and `ensure_*` finds out.
    Raises AwsRefused, AwsUnavailable, AwsTimedOut. It outlives the deadline by one read timeout (7 s) at most.
    """
    caller = caller or background()
    if is_paced is None:
        is_paced = service in _CONTROL_SERVICES and operation not in _NEVER_TWICE
    last: AwsUnavailable | None = None
    failures = attempt = 0
    while True:
        if caller.remaining <= 0:
            raise out_of_time(operation, last)
        if is_paced:
            _take_slot(operation, region, caller, last)
        try:
            return _once(service, region, operation, credentials, parameters)
        except AwsUnavailable as error:
            last = error
        failures += not last.is_throttled
        if not _may_repeat(operation, last, failures):
            raise last
        attempt += 1
        pause = _pause_seconds(attempt)
        if pause >= caller.remaining:
            raise out_of_time(operation, last) if last.is_throttled else last
        time.sleep(pause)


def _take_slot(operation: str, region: str, caller: Caller, last: AwsError | None) -> None:
    try:
        take_slot(region=region, caller=caller)
    except AwsTimedOut as error:
        raise out_of_time(operation, last) from error


def _once(
    service: str, region: str, operation: str, credentials: Credentials | None, parameters: dict[str, Any]
) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    body = parameters.get("Body")
    if isinstance(body, io.IOBase):
        # A repeated upload starts again from the first byte.
        body.seek(0)
    try:
        method = getattr(client(service, region, credentials), _method_name(operation))
        answer: dict[str, Any] = method(**parameters)
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        raise translate(operation, error) from error
    return answer


def _may_repeat(operation: str, error: AwsUnavailable, failures: int) -> bool:
    if error.is_throttled:
        return True
    if operation in _NEVER_TWICE and error.is_outcome_unknown:
        return False
    if isinstance(error, AwsTimedOut) or error.code == "ConnectionLost":
        # A silent AWS costs ten seconds a try: one more look for a read, nothing for a write.
        return operation.startswith(_READS) and failures < 2
    return failures < _MOST_FAILURES


def _pause_seconds(attempt: int) -> float:
    whole = min(_FIRST_PAUSE_SECONDS * 2.0**attempt, _LONGEST_PAUSE_SECONDS)
    return random.uniform(whole / 2, whole)  # noqa: S311 - jitter, no secret


def _method_name(operation: str) -> str:
    from botocore import xform_name

    return str(xform_name(operation))
