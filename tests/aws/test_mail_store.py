"""The bucket and its objects."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from aws.clients import call, client
from aws.errors import AwsTimedOut, AwsUnavailable
from aws.mail_store import (
    ObjectMissing,
    ObjectTooLarge,
    copy_object,
    delete_object,
    ensure_bucket,
    fetch_to,
    iter_objects,
    object_size,
    put_file,
    read_range,
    stream,
)
from aws.pacing import background
from tests.aws.scripted_endpoint import Answer, ScriptedEndpoint

REGION = "eu-west-1"
BUCKET = "postern-store"
MAIL = b"From: a@example.com\r\n\r\n" + b"0123456789" * 100_000


@pytest.fixture
def bucket(sandbox: object) -> str:
    ensure_bucket(region=REGION, bucket=BUCKET, prefix="incoming/")
    return BUCKET


@pytest.fixture
def stored(bucket: str, tmp_path: Path) -> str:
    path = tmp_path / "mail.eml"
    path.write_bytes(MAIL)
    put_file(region=REGION, bucket=bucket, key="incoming/one", path=path)
    return "incoming/one"


def policy_of(bucket: str) -> dict[str, dict[str, object]]:
    answer = call(service="s3", region=REGION, operation="GetBucketPolicy", Bucket=bucket)
    return {statement["Sid"]: statement for statement in json.loads(answer["Policy"])["Statement"]}


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_bucket_is_made_in_any_region_and_adopted_the_second_time(sandbox: object, region: str) -> None:
    for _ in range(2):
        ensure_bucket(region=region, bucket=f"postern-{region}", prefix="incoming/")


def test_ses_may_put_under_the_prefix_alone(bucket: str) -> None:
    statement = policy_of(bucket)["postern-ses-put"]
    assert statement["Resource"] == f"arn:aws:s3:::{bucket}/incoming/*"
    assert statement["Action"] == "s3:PutObject"


def test_a_foreign_statement_of_the_bucket_stays(bucket: str) -> None:
    theirs = {"Sid": "theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::x/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    call(service="s3", region=REGION, operation="PutBucketPolicy", Bucket=bucket, Policy=policy)
    ensure_bucket(region=REGION, bucket=bucket, prefix="incoming/")
    assert set(policy_of(bucket)) == {"theirs", "postern-ses-put"}


def test_an_object_comes_back_byte_for_byte(stored: str, tmp_path: Path) -> None:
    path = tmp_path / "fetched.eml"
    fetched = fetch_to(region=REGION, bucket=BUCKET, key=stored, path=path, max_bytes=len(MAIL))
    assert path.read_bytes() == MAIL
    assert (fetched.size, fetched.sha256) == (len(MAIL), hashlib.sha256(MAIL).hexdigest())


def test_an_object_that_is_too_large_leaves_no_file(stored: str, tmp_path: Path) -> None:
    path = tmp_path / "fetched.eml"
    with pytest.raises(ObjectTooLarge):
        fetch_to(region=REGION, bucket=BUCKET, key=stored, path=path, max_bytes=len(MAIL) - 1)
    assert not path.exists()


def test_a_missing_object_is_missing_in_every_way(bucket: str, tmp_path: Path) -> None:
    assert object_size(region=REGION, bucket=bucket, key="no") is None
    with pytest.raises(ObjectMissing):
        fetch_to(region=REGION, bucket=bucket, key="no", path=tmp_path / "no", max_bytes=10)
    with pytest.raises(ObjectMissing):
        copy_object(region=REGION, bucket=bucket, source_key="no", key="yes")
    with pytest.raises(ObjectMissing):
        read_range(region=REGION, bucket=bucket, key="no", start=0, length=1)
    assert not (tmp_path / "no").exists()


def test_a_range_is_cut_at_the_end_of_the_object(stored: str) -> None:
    assert read_range(region=REGION, bucket=BUCKET, key=stored, start=0, length=5) == b"From:"
    assert read_range(region=REGION, bucket=BUCKET, key=stored, start=len(MAIL) - 3, length=10) == b"789"
    assert read_range(region=REGION, bucket=BUCKET, key=stored, start=len(MAIL), length=10) == b""


def test_a_stream_gives_the_whole_object_in_pieces(stored: str) -> None:
    chunks = list(stream(region=REGION, bucket=BUCKET, key=stored))
    assert len(chunks) > 1
    assert b"".join(chunks) == MAIL


def test_a_copy_is_an_object_of_its_own(stored: str) -> None:
    copy_object(region=REGION, bucket=BUCKET, source_key=stored, key="acme/one ü+")
    delete_object(region=REGION, bucket=BUCKET, key=stored)
    delete_object(region=REGION, bucket=BUCKET, key=stored)
    assert object_size(region=REGION, bucket=BUCKET, key=stored) is None
    assert object_size(region=REGION, bucket=BUCKET, key="acme/one ü+") == len(MAIL)


def test_a_listing_keeps_to_its_prefix_and_starts_behind_a_key(bucket: str, tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"x")
    for key in ("incoming/a", "incoming/b", "other/c"):
        put_file(region=REGION, bucket=bucket, key=key, path=path)
    listed = list(iter_objects(region=REGION, bucket=bucket, prefix="incoming/"))
    assert [(found.key, found.size) for found in listed] == [("incoming/a", 1), ("incoming/b", 1)]
    assert listed[0].last_modified.tzinfo is not None
    behind = iter_objects(region=REGION, bucket=bucket, prefix="incoming/", after="incoming/a")
    assert [found.key for found in behind] == ["incoming/b"]


def test_a_body_that_is_cut_short_leaves_no_file(scripted: ScriptedEndpoint, tmp_path: Path) -> None:
    scripted.answers = [Answer(body=b"half", headers={"Content-Length": "8"})]
    path = tmp_path / "cut"
    with pytest.raises(AwsUnavailable):
        fetch_to(region=REGION, bucket=BUCKET, key="k", path=path, max_bytes=100)
    assert not path.exists()


def test_a_long_listing_is_read_page_by_page(scripted: ScriptedEndpoint) -> None:
    line = "<Contents><Key>{}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
    first = f"<ListBucketResult><NextContinuationToken>t</NextContinuationToken>{line.format('a')}</ListBucketResult>"
    second = f"<ListBucketResult>{line.format('b')}</ListBucketResult>"
    scripted.answers = [Answer(body=first.encode()), Answer(body=second.encode())]
    assert [found.key for found in iter_objects(region=REGION, bucket=BUCKET, prefix="")] == ["a", "b"]
    assert "continuation-token=t" in scripted.requests[1][1]


def test_a_transfer_ends_with_the_callers_patience(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [Answer(body=b"x" * 1_000_000)]
    client("s3", REGION)  # making the first client takes longer than the patience below
    caller = background(2.0)
    chunks = stream(region=REGION, bucket=BUCKET, key="k", caller=caller)
    next(chunks)
    while caller.remaining > 0:
        pass
    with pytest.raises(AwsTimedOut):
        next(chunks)
