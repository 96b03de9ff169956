"""Mail in S3: the bucket that SES writes to, and reading, listing, copying and deleting objects.

Bodies are streamed. All functions raise AwsError; ObjectMissing and ObjectTooLarge are such.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aws.account import Account, account
from aws.clients import call
from aws.errors import AwsRefused, AwsUnavailable, out_of_time, translate
from aws.pacing import Caller, background
from aws.policies import ses_may, with_statement

logger = logging.getLogger(__name__)

_CHUNK = 256 * 1024
_TRANSFER_SECONDS = 120.0
_SES_STATEMENT = "postern-ses-put"


class ObjectMissing(AwsRefused):
    """There is no object of this key (yet)."""


class ObjectTooLarge(AwsRefused):
    """The object is larger than the caller is ready to read; nothing was kept of it."""


@dataclass(frozen=True)
class FetchedObject:
    """What was written to the file: bytes, and their SHA-256 in lower-case hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class StoredObject:
    """One line of a listing; `size` in bytes, `last_modified` aware."""

    key: str
    size: int
    last_modified: datetime


def ensure_bucket(*, region: str, bucket: str, prefix: str, caller: Caller | None = None) -> None:
    """Make the bucket where it is missing, adopt it where it is our account's, and let SES put objects under `prefix`.

    Other statements of its policy stay. Raises AwsRefused where the bucket is a stranger's. An emulator without bucket
    policies leaves the bucket as it is.
    """
    ours = account(region)
    if not _has_bucket(region, bucket, ours.account_id, caller):
        # us-east-1 is the one region that must not be named.
        place: dict[str, Any] = (
            {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        try:
            call(service="s3", region=region, operation="CreateBucket", caller=caller, Bucket=bucket, **place)
        except AwsRefused as refusal:
            if not refusal.is_already_exists:
                raise
    try:
        _ensure_policy(region, bucket, prefix, ours, caller)
    except AwsRefused as refusal:
        if not refusal.is_unsupported:
            raise
        logger.warning("the policy of the bucket %s stays as it is: %s", bucket, refusal)


def _ensure_policy(region: str, bucket: str, prefix: str, ours: Account, caller: Caller | None) -> None:
    statement = ses_may(
        sid=_SES_STATEMENT,
        action="s3:PutObject",
        resource=f"arn:{ours.partition}:s3:::{bucket}/{prefix}*",
        partition=ours.partition,
        account_id=ours.account_id,
    )
    policy = with_statement(_bucket_policy(region, bucket, caller), statement)
    if policy is not None:
        call(service="s3", region=region, operation="PutBucketPolicy", caller=caller, Bucket=bucket, Policy=policy)


def object_size(*, region: str, bucket: str, key: str, caller: Caller | None = None) -> int | None:
    """The object's length in bytes, None where there is none."""
    try:
        answer = call(service="s3", region=region, operation="HeadObject", caller=caller, Bucket=bucket, Key=key)
    except AwsRefused as refusal:
        if refusal.is_not_found:
            return None
        raise
    return int(answer["ContentLength"])


def fetch_to(
    *, region: str, bucket: str, key: str, path: Path, max_bytes: int, caller: Caller | None = None
) -> FetchedObject:
    """Write the whole object to `path`. Raises ObjectMissing, ObjectTooLarge, AwsUnavailable for a cut body.

    On any failure no file is left behind.
    """
    caller = caller or background(_TRANSFER_SECONDS)
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("wb") as file:
            for chunk in stream(region=region, bucket=bucket, key=key, max_bytes=max_bytes, caller=caller):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return FetchedObject(size=size, sha256=digest.hexdigest())


def stream(
    *, region: str, bucket: str, key: str, max_bytes: int | None = None, caller: Caller | None = None
) -> Iterator[bytes]:
    """The object's bytes, chunk by chunk (256 KB); ends in an error rather than short of the announced length.

    Raises ObjectMissing, ObjectTooLarge before the first chunk, AwsUnavailable, AwsTimedOut.
    """
    caller = caller or background(_TRANSFER_SECONDS)
    answer = _get(region, bucket, key, caller)
    length = int(answer["ContentLength"])
    body = answer["Body"]
    try:
        if max_bytes is not None and length > max_bytes:
            raise ObjectTooLarge(
                operation="GetObject", code="ObjectTooLarge", message=f"{key} has {length} bytes of {max_bytes}."
            )
        yield from _chunks(body, length, caller)
    finally:
        body.close()


def read_range(*, region: str, bucket: str, key: str, start: int, length: int, caller: Caller | None = None) -> bytes:
    """`length` bytes from `start`, fewer at the end, b"" beyond it. Raises ObjectMissing."""
    if length <= 0:
        return b""
    caller = caller or background(_TRANSFER_SECONDS)
    try:
        answer = _get(region, bucket, key, caller, Range=f"bytes={start}-{start + length - 1}")
    except AwsRefused as refusal:
        if refusal.code in {"InvalidRange", "416"}:
            return b""
        raise
    body = answer["Body"]
    try:
        return b"".join(_chunks(body, int(answer["ContentLength"]), caller))
    finally:
        body.close()


def iter_objects(
    *, region: str, bucket: str, prefix: str, after: str = "", caller: Caller | None = None
) -> Iterator[StoredObject]:
    """The objects under `prefix` whose keys sort behind `after`, in key order, 1,000 a call."""
    more: dict[str, Any] = {"StartAfter": after} if after else {}
    while True:
        answer = call(
            service="s3", region=region, operation="ListObjectsV2", caller=caller, Bucket=bucket, Prefix=prefix, **more
        )
        for found in answer.get("Contents") or ():
            yield StoredObject(key=found["Key"], size=found["Size"], last_modified=found["LastModified"])
        if not answer.get("NextContinuationToken"):
            return
        more = {"ContinuationToken": answer["NextContinuationToken"]}


def put_file(
    *,
    region: str,
    bucket: str,
    key: str,
    path: Path,
    content_type: str = "message/rfc822",
    caller: Caller | None = None,
) -> None:
    """Store a file as one object (S3 takes up to 5 GB in one put), over whatever stood at the key."""
    with path.open("rb") as file:
        call(
            service="s3",
            region=region,
            operation="PutObject",
            caller=caller or background(_TRANSFER_SECONDS),
            Bucket=bucket,
            Key=key,
            Body=file,
            ContentType=content_type,
        )


def copy_object(*, region: str, bucket: str, source_key: str, key: str, caller: Caller | None = None) -> None:
    """Copy within the bucket, over whatever stood at `key`. Raises ObjectMissing."""
    source = {"Bucket": bucket, "Key": source_key}
    try:
        call(
            service="s3",
            region=region,
            operation="CopyObject",
            caller=caller,
            Bucket=bucket,
            Key=key,
            CopySource=source,
        )
    except AwsRefused as refusal:
        raise _missing(refusal) from refusal


def delete_object(*, region: str, bucket: str, key: str, caller: Caller | None = None) -> None:
    """Delete the object; none there is done."""
    call(service="s3", region=region, operation="DeleteObject", caller=caller, Bucket=bucket, Key=key)


def _has_bucket(region: str, bucket: str, account_id: str, caller: Caller | None) -> bool:
    try:
        call(
            service="s3",
            region=region,
            operation="HeadBucket",
            caller=caller,
            Bucket=bucket,
            ExpectedBucketOwner=account_id,
        )
    except AwsRefused as refusal:
        if refusal.is_not_found:
            return False
        raise
    return True


def _bucket_policy(region: str, bucket: str, caller: Caller | None) -> str:
    try:
        answer = call(service="s3", region=region, operation="GetBucketPolicy", caller=caller, Bucket=bucket)
    except AwsRefused as refusal:
        if refusal.is_not_found:
            return ""
        raise
    return str(answer["Policy"])


def _get(region: str, bucket: str, key: str, caller: Caller, **parameters: Any) -> dict[str, Any]:
    try:
        return call(
            service="s3", region=region, operation="GetObject", caller=caller, Bucket=bucket, Key=key, **parameters
        )
    except AwsRefused as refusal:
        raise _missing(refusal) from refusal


def _missing(refusal: AwsRefused) -> AwsRefused:
    if not refusal.is_not_found:
        return refusal
    return ObjectMissing(operation=refusal.operation, code=refusal.code, message=refusal.message)


def _chunks(body: Any, length: int, caller: Caller) -> Iterator[bytes]:
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    seen = 0
    while True:
        if caller.remaining <= 0:
            raise out_of_time("GetObject")
        try:
            chunk = body.read(_CHUNK)
        except (BotoCoreError, HTTPError, OSError) as error:
            raise translate("GetObject", error) from error
        if not chunk:
            break
        seen += len(chunk)
        yield chunk
    if seen != length:
        raise AwsUnavailable(
            operation="GetObject", code="CutBody", message=f"The body ended after {seen} of {length} bytes."
        )
