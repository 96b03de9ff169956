"""Faults on demand, the throttle and the log of calls."""

from __future__ import annotations

import contextlib
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.sandbox.conftest import refusal
from tests.sandbox_process import SandboxProcess

NAME = "acme.example"
Client = Callable[..., Any]


def fault(sandbox: SandboxProcess, operation: str, kind: str, **more: Any) -> None:
    sandbox.control("POST", "/_sandbox/faults", {"operation": operation, "kind": kind, **more})


def names(client: Client) -> list[str]:
    return [each["IdentityName"] for each in client("sesv2").list_email_identities()["EmailIdentities"]]


@pytest.fixture
def throttled(sandbox: SandboxProcess) -> Iterator[None]:
    sandbox.control("POST", "/_sandbox/throttle", {"on": True})
    yield
    sandbox.control("POST", "/_sandbox/throttle", {"on": False})


@pytest.mark.parametrize(
    ("service", "call", "parameters", "code", "status"),
    [
        ("sesv2", "create_email_identity", {"EmailIdentity": NAME}, "LimitExceededException", 400),
        ("sesv2", "get_account", {}, "TooManyRequestsException", 429),
        ("ses", "verify_domain_identity", {"Domain": NAME}, "Throttling", 400),
        ("sns", "list_topics", {}, "AuthorizationError", 403),
        ("sqs", "list_queues", {}, "OverLimit", 403),
        ("s3", "list_objects_v2", {"Bucket": "mail"}, "SlowDown", 503),
        ("route53", "list_hosted_zones", {}, "Throttling", 400),
        ("sts", "get_caller_identity", {}, "ExpiredToken", 403),
    ],
)
def test_an_error_comes_as_often_as_asked_in_every_services_own_form(
    sandbox: SandboxProcess, client: Client, service: str, call: str, parameters: Any, code: str, status: int
) -> None:
    client("s3").create_bucket(Bucket="mail")
    operation = "".join(word.capitalize() for word in call.split("_"))
    fault(sandbox, operation, "error", code=code, status=status, times=2)
    method = getattr(client(service), call)
    assert [refusal(method, **parameters) for _ in range(2)] == [(code, status)] * 2
    assert method(**parameters)["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(("kind", "made"), [("lose_answer", [NAME]), ("cut", [])])
def test_a_connection_ends_after_or_before_the_effect(
    sandbox: SandboxProcess, client: Client, kind: str, made: list[str]
) -> None:
    fault(sandbox, "CreateEmailIdentity", kind)
    with pytest.raises(ConnectionClosedError):
        client("sesv2").create_email_identity(EmailIdentity=NAME)
    assert names(client) == made


@pytest.mark.parametrize(("kind", "made"), [("lose_answer", ["mail"]), ("cut", [])])
def test_a_connection_to_s3_ends_too(sandbox: SandboxProcess, client: Client, kind: str, made: list[str]) -> None:
    fault(sandbox, "CreateBucket", kind)
    with pytest.raises(ConnectionClosedError):
        client("s3").create_bucket(Bucket="mail")
    assert [each["Name"] for each in client("s3").list_buckets()["Buckets"]] == made


def test_faults_are_listed_and_taken_back(sandbox: SandboxProcess, client: Client) -> None:
    fault(sandbox, "*", "error", code="Throttling")
    (listed,) = sandbox.control("GET", "/_sandbox/faults")["faults"]
    assert (listed["operation"], listed["code"], listed["times"]) == ("*", "Throttling", 1)
    sandbox.control("DELETE", "/_sandbox/faults")
    assert names(client) == []


@pytest.mark.parametrize("wrong", [{"kind": "explode"}, {"kind": "error", "times": 0}, {"kind": "error", "colour": 1}])
def test_a_fault_that_makes_no_sense_is_refused(sandbox: SandboxProcess, wrong: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="400"):
        sandbox.control("POST", "/_sandbox/faults", {"operation": "GetAccount", **wrong})


def test_calls_are_logged_with_what_became_of_them(sandbox: SandboxProcess, client: Client) -> None:
    client("sesv2", "eu-west-1").create_email_identity(EmailIdentity=NAME)
    refusal(client("sesv2", "eu-west-1").create_email_identity, EmailIdentity=NAME)
    client("s3").create_bucket(Bucket="mail")
    refusal(client("s3").get_object, Bucket="mail", Key="none")
    calls = sandbox.control("GET", "/_sandbox/calls")["calls"]
    assert [(call["operation"], call["region"], call["status"]) for call in calls] == [
        ("CreateEmailIdentity", "eu-west-1", 200),
        ("CreateEmailIdentity", "eu-west-1", 400),
        ("CreateBucket", "us-east-1", 200),
        ("GetObject", "us-east-1", 404),
    ]
    assert calls[1]["code"] == "AlreadyExistsException"
    assert calls[0]["parameters"]["EmailIdentity"] == NAME
    later = sandbox.control("GET", f"/_sandbox/calls?since={calls[2]['at']}")["calls"]
    assert later == calls[2:]
    sandbox.control("DELETE", "/_sandbox/calls")
    assert sandbox.control("GET", "/_sandbox/calls")["calls"] == []


def test_control_calls_are_throttled_by_region_and_sends_are_not(
    sandbox: SandboxProcess, client: Client, throttled: None
) -> None:
    client("sesv2").get_account()
    assert refusal(client("sesv2").get_account) == ("TooManyRequestsException", 429)
    assert refusal(client("ses").list_identities) == ("Throttling", 400)
    assert client("sesv2", "eu-west-1").get_account()["SendingEnabled"]
    assert refusal(
        client("sesv2").send_email,
        FromEmailAddress=f"a@{NAME}",
        Destination={"ToAddresses": ["b@globex.example"]},
        Content={"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
    ) == ("MessageRejected", 400)
    assert client("sns").list_topics()["Topics"] == []


def test_an_operation_that_the_sandbox_lacks_is_named(client: Client) -> None:
    assert refusal(client("sesv2").list_suppressed_destinations) == ("UnknownOperationException", 404)
    assert refusal(client("ses").get_send_statistics)[0] == "InvalidAction"


def test_the_index_page_names_every_control_route(sandbox: SandboxProcess) -> None:
    with urllib.request.urlopen(f"{sandbox.aws_url}/_sandbox/", timeout=5) as answer:
        page = answer.read().decode()
    words = [
        "ready",
        "state",
        "reset",
        "publish",
        "zones",
        "check",
        "clock",
        "account",
        "mail",
        "faults",
        "calls",
        "throttle",
    ]
    further = ["faults", "calls", "throttle"]
    assert [word for word in words + further if word not in page] == []


@pytest.mark.parametrize(
    ("service", "call", "parameters", "operation"),
    [
        ("s3", "list_buckets", {}, "ListBuckets"),
        ("s3", "list_objects_v2", {"Bucket": "b"}, "ListObjectsV2"),
        ("s3", "put_object", {"Bucket": "b", "Key": "a/b", "Body": b"x"}, "PutObject"),
        ("s3", "copy_object", {"Bucket": "b", "Key": "c", "CopySource": "b/a"}, "CopyObject"),
        ("s3", "delete_object", {"Bucket": "b", "Key": "a/b"}, "DeleteObject"),
        ("s3", "abort_multipart_upload", {"Bucket": "b", "Key": "a", "UploadId": "u"}, "AbortMultipartUpload"),
        ("s3", "create_multipart_upload", {"Bucket": "b", "Key": "c"}, "CreateMultipartUpload"),
        ("s3", "get_bucket_lifecycle_configuration", {"Bucket": "b"}, "GetBucketLifecycleConfiguration"),
        ("route53", "get_change", {"Id": "C1"}, "GetChange"),
        ("route53", "get_hosted_zone", {"Id": "Z1"}, "GetHostedZone"),
        ("route53", "list_hosted_zones_by_name", {"DNSName": "a.example"}, "ListHostedZonesByName"),
        ("route53", "list_resource_record_sets", {"HostedZoneId": "Z1"}, "ListResourceRecordSets"),
        ("sqs", "list_queues", {}, "ListQueues"),
        ("sts", "get_caller_identity", {}, "GetCallerIdentity"),
    ],
)
def test_calls_to_every_service_are_logged_by_aws_name(
    sandbox: SandboxProcess, client: Client, service: str, call: str, parameters: dict[str, Any], operation: str
) -> None:
    with contextlib.suppress(ClientError):
        getattr(client(service), call)(**parameters)
    (logged,) = sandbox.control("GET", "/_sandbox/calls")["calls"]
    assert (logged["service"], logged["operation"]) == (service, operation)
