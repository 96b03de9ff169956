"""Mail in: what rules do beside storing, which region takes it, and an S3 that fails for a while."""

from __future__ import annotations

import base64
import json
import smtplib
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import eventually
from tests.sandbox_process import SandboxProcess

Client = Callable[..., Any]
HELLO = b"From: Sam <sam@elsewhere.example>\r\nTo: hi@acme.example\r\nSubject: Hi\r\n\r\nHello.\r\n"


def send(sandbox: SandboxProcess, *recipients: str, raw: bytes = HELLO) -> None:
    with smtplib.SMTP(*sandbox.smtp, timeout=10) as server:
        server.sendmail("sam@elsewhere.example", list(recipients), raw)


def inject(sandbox: SandboxProcess, raw: bytes = HELLO, to: str = "hi@acme.example", **more: Any) -> list[str]:
    body = {"from": "sam@elsewhere.example", "to": [to], "raw_base64": base64.b64encode(raw).decode(), **more}
    found: list[str] = sandbox.control("POST", "/_sandbox/mail", body)["ses_message_ids"]
    return found


def told(client: Client, queue: str, region: str = "us-east-1") -> list[dict[str, Any]]:
    answer = client("sqs", region).receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
    return [json.loads(json.loads(message["Body"])["Message"]) for message in answer.get("Messages", [])]


def stored(client: Client, bucket: str, region: str = "us-east-1") -> list[bytes]:
    s3 = client("s3", region)
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys if "SETUP_NOTIFICATION" not in key]


@pytest.fixture
def place(verified: Callable[..., str], receiving: Callable[..., dict[str, str]]) -> dict[str, str]:
    verified()
    return receiving()


def test_ses_writes_its_verdicts_and_the_only_recipient_above_the_mail(
    sandbox: SandboxProcess, client: Client, place: dict[str, str]
) -> None:
    inject(sandbox, verdicts={"spam": "FAIL", "dmarc": "FAIL"})
    (mail,) = stored(client, place["bucket"])
    head = mail.removesuffix(HELLO).decode()
    fields = ["Return-Path", "Received", "X-SES-Spam-Verdict", "X-SES-Virus-Verdict", "Received-SPF"]
    names = [line.partition(":")[0] for line in head.splitlines() if not line.startswith(" ")]
    assert names == [*fields, "Authentication-Results", "X-SES-RECEIPT"]
    assert "X-SES-Spam-Verdict: FAIL" in head
    assert " for hi@acme.example;" in head
    (note,) = told(client, place["queue"])
    assert note["receipt"]["spamVerdict"] == {"status": "FAIL"}
    assert note["receipt"]["dmarcPolicy"] == "none"


def test_a_recipient_among_others_is_not_named_even_where_a_rule_took_it_alone(
    sandbox: SandboxProcess, client: Client, place: dict[str, str]
) -> None:
    action = {"BucketName": place["bucket"], "ObjectKeyPrefix": "one/"}
    rule = {"Name": "one", "Enabled": True, "Recipients": ["one@acme.example"], "Actions": [{"S3Action": action}]}
    client("ses").create_receipt_rule(RuleSetName="ours", Rule=rule)
    send(sandbox, "one@acme.example", "two@acme.example")
    mails = stored(client, place["bucket"])
    assert len(mails) == 2
    assert not any(b"\r\n for " in mail for mail in mails)


def test_a_notification_may_be_withheld_or_come_twice(
    sandbox: SandboxProcess, client: Client, place: dict[str, str]
) -> None:
    (silent,) = inject(sandbox, announce=False)
    assert told(client, place["queue"]) == []
    (twice,) = inject(sandbox, duplicate=1)
    notes = told(client, place["queue"])
    assert [note["mail"]["messageId"] for note in notes] == [twice, twice]
    assert silent != twice
    assert len(stored(client, place["bucket"])) == 2


def test_common_headers_are_decoded_and_the_rest_is_as_it_came(
    sandbox: SandboxProcess, client: Client, place: dict[str, str]
) -> None:
    raw = (
        b"From: =?UTF-8?Q?Andr=C3=A9?= <andre@elsewhere.example>\r\nTo: Hi <hi@acme.example>,\r\n you@acme.example\r\n"
        b"Cc: boss@acme.example\r\nSubject: =?UTF-8?B?w6Q=?=\r\nX-Raw: caf\xe9\r\n\r\nx"
    )
    inject(sandbox, raw)
    mail = told(client, place["queue"])[0]["mail"]
    assert mail["commonHeaders"]["from"] == ["André <andre@elsewhere.example>"]
    assert mail["commonHeaders"]["to"] == ["Hi <hi@acme.example>", "you@acme.example"]
    assert mail["commonHeaders"]["subject"] == "ä"
    assert mail["destination"] == ["hi@acme.example", "you@acme.example", "boss@acme.example"]
    assert {"name": "X-Raw", "value": "caf\ufffd"} in mail["headers"]
    assert not mail["headersTruncated"]


def test_headers_are_cut_at_ten_kilobytes(sandbox: SandboxProcess, client: Client, place: dict[str, str]) -> None:
    raw = b"Subject: Long\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(20)) + b"\r\nbody"
    inject(sandbox, raw)
    mail = told(client, place["queue"])[0]["mail"]
    assert mail["headersTruncated"]
    assert mail["headers"][0] == {"name": "Subject", "value": "Long"}
    assert 9 <= len(mail["headers"]) <= 11
    assert stored(client, place["bucket"])[0].endswith(raw)


def test_a_rule_adds_a_header_and_tells_the_whole_mail_to_a_topic(
    sandbox: SandboxProcess, client: Client, place: dict[str, str]
) -> None:
    actions = [
        {"AddHeaderAction": {"HeaderName": "X-Rule", "HeaderValue": "ours"}},
        {"S3Action": {"BucketName": place["bucket"]}},
        {"SNSAction": {"TopicArn": place["topic"], "Encoding": "Base64"}},
    ]
    rule = {"Name": "all", "Enabled": True, "Recipients": ["acme.example"], "Actions": actions}
    client("ses").update_receipt_rule(RuleSetName="ours", Rule=rule)
    inject(sandbox)
    (mail,) = stored(client, place["bucket"])
    assert mail.endswith(b"X-Rule: ours\r\n" + HELLO)
    (note,) = told(client, place["queue"])
    assert note["receipt"]["action"]["type"] == "SNS"
    assert base64.b64decode(note["content"]) == HELLO


@pytest.mark.parametrize("size", [0, 160_000])
def test_a_bounce_is_told_to_the_sender(
    sandbox: SandboxProcess, client: Client, place: dict[str, str], size: int
) -> None:
    bounce = {"SmtpReplyCode": "550", "StatusCode": "5.7.1", "Message": "Go away", "Sender": "a@acme.example"}
    actions = [{"SNSAction": {"TopicArn": place["topic"]}}, {"BounceAction": bounce}]
    rule = {"Name": "all", "Enabled": True, "Recipients": ["acme.example"], "Actions": actions}
    client("ses").update_receipt_rule(RuleSetName="ours", Rule=rule)
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(sandbox, "hi@acme.example", raw=HELLO + b"x" * 70 + b"\r\n" * (size // 2))
    assert caught.value.smtp_code == (552 if size else 550)


def test_the_mx_says_which_of_two_regions_takes_a_mail(
    sandbox: SandboxProcess, client: Client, verified: Callable[..., str], receiving: Callable[..., dict[str, str]]
) -> None:
    places = {}
    for region in ("eu-west-1", "us-east-1"):
        verified(region=region)
        places[region] = receiving(region)
    inject(sandbox)
    host = {"type": "MX", "name": "acme.example", "value": "10 inbound-smtp.us-east-1.amazonaws.com"}
    sandbox.control("POST", "/_sandbox/publish", {"records": [host]})
    inject(sandbox)
    inject(sandbox)
    assert [len(stored(client, places[region]["bucket"], region)) for region in places] == [1, 2]


def test_a_put_that_fails_is_counted_and_tried_again_and_told_only_then(
    sandbox: SandboxProcess, client: Client, place: dict[str, str]
) -> None:
    sandbox.control("POST", "/_sandbox/faults", {"operation": "SES:PutObject", "kind": "error"})
    send(sandbox, "hi@acme.example")
    assert stored(client, place["bucket"]) == []
    assert sandbox.control("GET", "/_sandbox/state")["receipts"] == {"put_failures": 1}
    (note,) = eventually(lambda: told(client, place["queue"]))
    (mail,) = stored(client, place["bucket"])
    assert mail.endswith(HELLO)
    assert note["receipt"]["recipients"] == ["hi@acme.example"]


def test_a_topic_that_is_gone_is_counted_and_the_mail_is_kept(
    sandbox: SandboxProcess, client: Client, place: dict[str, str]
) -> None:
    client("sns").delete_topic(TopicArn=place["topic"])
    send(sandbox, "hi@acme.example")
    assert len(stored(client, place["bucket"])) == 1
    assert sandbox.control("GET", "/_sandbox/state")["receipts"] == {"publish_failures": 1}
