"""One call of AWS: what is repeated, what is not, and when patience ends."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from aws import clients
from aws.clients import call
from aws.errors import AwsRefused, AwsTimedOut, AwsUnavailable
from aws.models import CallBudget
from aws.pacing import Caller, background, person
from tests.aws.scripted_endpoint import Answer, ScriptedEndpoint, refusal

REGION = "eu-west-1"
THROTTLED = refusal("TooManyRequestsException", 429)


def create(caller: Caller | None = None) -> dict[str, Any]:
    return call(
        service="sesv2",
        region=REGION,
        operation="CreateEmailIdentity",
        caller=caller or person(60),
        EmailIdentity="example.com",
    )


def read(caller: Caller | None = None) -> dict[str, Any]:
    return call(
        service="sesv2",
        region=REGION,
        operation="GetEmailIdentity",
        caller=caller or person(60),
        EmailIdentity="example.com",
    )


def send() -> dict[str, Any]:
    return call(
        service="sesv2",
        region=REGION,
        operation="SendEmail",
        caller=person(60),
        FromEmailAddress="a@example.com",
        Content={"Raw": {"Data": b"x"}},
    )


@pytest.mark.parametrize("answer", [THROTTLED, refusal("ConcurrentModificationException", 500)])
def test_a_throttled_call_is_repeated_until_it_succeeds(scripted: ScriptedEndpoint, answer: Answer) -> None:
    scripted.answers = [answer, answer, Answer()]
    create()
    assert len(scripted.requests) == 3


def test_throttling_without_end_is_a_timeout_that_says_why(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [THROTTLED]
    with pytest.raises(AwsTimedOut, match="TooManyRequestsException"):
        create(person(0.5))


def test_a_5xx_is_tried_three_times(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [refusal("InternalServiceErrorException", 500)]
    with pytest.raises(AwsUnavailable, match="InternalServiceErrorException"):
        create()
    assert len(scripted.requests) == 3


def test_a_refusal_is_not_repeated(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [refusal("LimitExceededException", 400)]
    with pytest.raises(AwsRefused) as caught:
        create()
    assert caught.value.is_limit
    assert len(scripted.requests) == 1


def test_a_write_whose_answer_is_lost_is_not_repeated(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [Answer(is_lost=True), Answer()]
    with pytest.raises(AwsUnavailable) as caught:
        create()
    assert caught.value.is_outcome_unknown
    assert len(scripted.requests) == 1


def test_a_write_without_an_answer_in_time_is_not_repeated(
    scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "READ_SECONDS", 0.2)
    scripted.answers = [Answer(is_silent=True), Answer()]
    with pytest.raises(AwsTimedOut) as caught:
        create()
    assert caught.value.is_outcome_unknown
    assert len(scripted.requests) == 1


def test_a_read_whose_answer_is_lost_is_repeated_once(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [Answer(is_lost=True), Answer()]
    read()
    scripted.answers = [Answer(is_lost=True)]
    with pytest.raises(AwsUnavailable):
        read()
    assert len(scripted.requests) == 4


def test_a_read_without_an_answer_in_time_is_repeated_once(
    scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "READ_SECONDS", 0.2)
    scripted.answers = [Answer(is_silent=True)]
    with pytest.raises(AwsTimedOut):
        read()
    assert len(scripted.requests) == 2


def test_a_mail_is_not_sent_again_after_a_5xx(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [refusal("InternalServiceErrorException", 500)]
    with pytest.raises(AwsUnavailable):
        send()
    assert len(scripted.requests) == 1


def test_a_mail_that_was_throttled_is_sent_again(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [THROTTLED, Answer(body=b'{"MessageId": "m"}')]
    assert send()["MessageId"] == "m"


def test_a_caller_without_patience_asks_nothing(scripted: ScriptedEndpoint) -> None:
    with pytest.raises(AwsTimedOut):
        read(background(0))
    assert scripted.requests == []


def test_an_unreachable_endpoint_is_unavailable(scripted: ScriptedEndpoint, settings: Settings) -> None:
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:1"
    clients.forget_clients()
    with pytest.raises(AwsUnavailable) as caught:
        create()
    assert caught.value.code == "Unreachable"


def test_an_unsupported_operation_is_told_by_its_html_page(scripted: ScriptedEndpoint) -> None:
    page = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
    scripted.answers = [Answer(status=404, body=page, headers={"Content-Type": "text/html"})]
    with pytest.raises(AwsRefused) as caught:
        call(service="sesv2", region=REGION, operation="CreateTenant", caller=person(60), TenantName="t")
    assert caught.value.is_unsupported


@pytest.mark.parametrize("status", [404, 500])
def test_an_unsupported_xml_operation_is_told_by_its_html_page(scripted: ScriptedEndpoint, status: int) -> None:
    page = f"<!doctype html>\n<html lang=en>\n<title>{status} Whatever</title>\n<p>a & b<br></p>\n".encode()
    scripted.answers = [Answer(status=status, body=page, headers={"Content-Type": "text/html"})]
    with pytest.raises(AwsRefused) as caught:
        call(
            service="ses",
            region=REGION,
            operation="DeleteReceiptRule",
            caller=person(60),
            RuleSetName="s",
            RuleName="r",
        )
    assert caught.value.is_unsupported


@pytest.mark.django_db
def test_control_calls_take_slots_and_sends_do_not(scripted: ScriptedEndpoint, settings: Settings) -> None:
    settings.SES_CALLS_PER_SECOND = 900.0
    scripted.answers = [Answer(body=b'{"MessageId": "m"}')]
    send()
    assert not CallBudget.objects.exists()
    read()
    assert CallBudget.objects.get().region == REGION


@pytest.mark.django_db
def test_a_call_that_gets_no_slot_in_time_names_the_operation(scripted: ScriptedEndpoint, settings: Settings) -> None:
    settings.SES_CALLS_PER_SECOND = 1.0
    now = timezone.now()
    CallBudget.objects.create(region=REGION, next_slot_at=now + timedelta(seconds=60), updated_at=now)
    with pytest.raises(AwsTimedOut, match="GetEmailIdentity"):
        read(person(1))
    assert scripted.requests == []


def test_clients_are_made_once_a_service_and_region(scripted: ScriptedEndpoint) -> None:
    assert clients.client("ses", REGION) is clients.client("ses", REGION)
    assert clients.client("ses", REGION) is not clients.client("ses", "us-east-1")


def test_foreign_credentials_sign_the_call_and_stay_out_of_its_repr(scripted: ScriptedEndpoint) -> None:
    theirs = clients.Credentials("AKIATHEIRS", "their-secret", "their-token")
    assert clients.client("sts", REGION, theirs) is not clients.client("sts", REGION)
    assert "their-secret" not in repr(theirs)


def test_an_uploaded_file_is_sent_from_its_start_when_repeated(scripted: ScriptedEndpoint, tmp_path: Path) -> None:
    path = tmp_path / "mail.eml"
    path.write_bytes(b"From: a@example.com\r\n\r\nhello\r\n")
    busy = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>slower</Message></Error>"
    scripted.answers = [Answer(status=503, body=busy), Answer(body=b"")]
    with path.open("rb") as file:
        call(
            service="s3",
            region=REGION,
            operation="PutObject",
            caller=person(60),
            Bucket="mail",
            Key="k",
            Body=file,
        )
    assert [b"hello" in body for _, _, body in scripted.requests] == [True, True]


def test_a_deadline_is_outlived_by_one_read_timeout_at_most(
    scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "READ_SECONDS", 0.3)
    scripted.answers = [Answer(is_silent=True)]
    caller = person(0.1)
    with pytest.raises(AwsTimedOut):
        read(caller)
    assert len(scripted.requests) == 1
    assert caller.deadline < time.monotonic()


def test_the_gateway_is_imported_without_boto3() -> None:
    package = Path(clients.__file__).parent
    modules = sorted(path.stem for path in package.glob("[a-z]*.py") if path.stem != "admin")
    program = (
        "import sys, django; from django.conf import settings; settings.configure(INSTALLED_APPS=['aws']);"
        f"django.setup(); [__import__('aws.' + name) for name in {modules!r}];"
        "print([name for name in sys.modules if name in ('boto3', 'botocore')])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=package.parent,
    )
    assert (finished.stdout, finished.stderr) == ("[]\n", "")
