"""Faults on demand, the log of calls, throttling, and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.sandbox.conftest import refusal
from tests.sandbox_process import SandboxProcess


def add_fault(sandbox: SandboxProcess, operation: str, kind: str, **more: Any) -> None:
    sandbox.control("POST", "/_sandbox/faults", {"operation": operation, "kind": kind, **more})


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("sesv2", "GetAccount", {}),
        ("ses", "DescribeActiveReceiptRuleSet", {}),
        ("sns", "ListTopics", {}),
        ("s3", "ListBuckets", {}),
        ("s3", "HeadBucket", {"Bucket": "none"}),
        ("s3", "GetObject", {"Bucket": "none", "Key": "none"}),
        ("sqs", "CreateQueue", {"QueueName": "q"}),
        ("sts", "GetCallerIdentity", {}),
        ("route53", "ListHostedZonesByName", {}),
        ("route53", "GetHostedZone", {"Id": "Z1"}),
        ("route53", "GetChange", {"Id": "C1"}),
    ],
)
def test_an_error_comes_as_often_as_told_in_the_services_own_form(
    sandbox: SandboxProcess, service: str, operation: str, parameters: dict[str, str]
) -> None:
    from botocore import xform_name

    add_fault(sandbox, operation, "error", code="AccessDenied", status=403, times=2)
    call = getattr(sandbox.client(service), xform_name(operation))
    # A HEAD has no body to say more than its status.
    expected = "403" if operation.startswith("Head") else "AccessDenied"
    assert refusal(call, **parameters) == (expected, 403)
    assert refusal(call, **parameters) == (expected, 403)
    assert sandbox.control("GET", "/_sandbox/faults") == {"faults": []}


def test_so_many_calls_go_by_first_as_told(sandbox: SandboxProcess) -> None:
    add_fault(sandbox, "GetCallerIdentity", "error", code="AccessDenied", skip=2)
    client = sandbox.client("sts")
    for _ in range(2):
        client.get_caller_identity()
    assert refusal(client.get_caller_identity) == ("AccessDenied", 400)
    client.get_caller_identity()


def test_a_lost_answer_has_had_its_effect(sandbox: SandboxProcess) -> None:
    v2, s3 = sandbox.client("sesv2"), sandbox.client("s3")
    add_fault(sandbox, "CreateEmailIdentity", "lose_answer")
    with pytest.raises(ConnectionClosedError):
        v2.create_email_identity(EmailIdentity="acme.example")
    assert v2.get_email_identity(EmailIdentity="acme.example")
    add_fault(sandbox, "CreateBucket", "lose_answer")
    with pytest.raises(ConnectionClosedError):
        s3.create_bucket(Bucket="incoming")
    assert s3.head_bucket(Bucket="incoming")


def test_a_delayed_answer_is_late(sandbox: SandboxProcess) -> None:
    add_fault(sandbox, "*", "delay", seconds=0.3)
    started = time.monotonic()
    sandbox.client("sts").get_caller_identity()
    assert time.monotonic() - started >= 0.3


def test_faults_can_be_taken_back_and_must_make_sense(sandbox: SandboxProcess) -> None:
    add_fault(sandbox, "*", "error")
    sandbox.control("DELETE", "/_sandbox/faults")
    sandbox.client("sts").get_caller_identity()
    with pytest.raises(RuntimeError, match="400"):
        add_fault(sandbox, "*", "explosion")


def test_the_log_tells_which_calls_came(sandbox: SandboxProcess) -> None:
    sandbox.control("DELETE", "/_sandbox/calls")
    sandbox.client("sesv2", "eu-west-1").create_email_identity(EmailIdentity="acme.example")
    sandbox.client("sqs").create_queue(QueueName="q")
    first, second = sandbox.control("GET", "/_sandbox/calls")["calls"]
    assert (first["service"], first["operation"], first["region"]) == ("sesv2", "CreateEmailIdentity", "eu-west-1")
    assert first["parameters"]["EmailIdentity"] == "acme.example"
    assert (second["service"], second["operation"]) == ("sqs", "CreateQueue")


def test_one_control_call_a_second_and_region_when_throttled(make_sandbox: Callable[..., SandboxProcess]) -> None:
    sandbox = make_sandbox("--throttle")
    v1, v2 = sandbox.client("ses"), sandbox.client("sesv2")
    v2.get_account()
    assert refusal(v2.get_account) == ("TooManyRequestsException", 429)
    assert refusal(v1.describe_active_receipt_rule_set) == ("Throttling", 400)
    sandbox.client("sesv2", "eu-west-1").get_account()
    mail = {"FromEmailAddress": "a@a.example", "Content": {"Raw": {"Data": b""}}}
    with pytest.raises(ClientError) as caught:
        v2.send_email(**mail)
    assert "TooManyRequests" not in str(caught.value)


def test_the_clock_only_goes_forward(sandbox: SandboxProcess) -> None:
    before = sandbox.control("GET", "/_sandbox/clock")
    after = sandbox.control("POST", "/_sandbox/clock", {"advance_seconds": 3600})
    assert before["ahead_seconds"] == 0
    assert after["now"] - before["now"] >= 3600
    with pytest.raises(RuntimeError, match="400"):
        sandbox.control("POST", "/_sandbox/clock", {"advance_seconds": -1})


def test_an_operation_that_is_not_here_is_refused_as_unknown(sandbox: SandboxProcess) -> None:
    assert refusal(sandbox.client("sesv2").list_contact_lists)[1] == 404
    assert refusal(sandbox.client("ses").list_templates) == ("InvalidAction", 400)
