"""Mail into the sandbox: the active receipt rules, what SES puts before a mail, S3, and the notification."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.conftest import eventually
from tests.sandbox.test_sns import check_signature
from tests.sandbox_process import SandboxProcess

MAIL = b"From: Sam <sam@elsewhere.example>\r\nTo: hi@acme.example\r\nSubject: Hi\r\nMessage-ID: <1@x>\r\n\r\nHello.\r\n"


class Inbox:
    """acme.example receives into a bucket and a queue; `rules` replaces the rules."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox, self.ses, self.s3 = sandbox, sandbox.client("ses"), sandbox.client("s3")
        self.sqs, sns = sandbox.client("sqs"), sandbox.client("sns")
        self.s3.create_bucket(Bucket="incoming")
        self.topic = sns.create_topic(Name="mail")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="mail")["QueueUrl"]
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:mail")
        self.ses.create_receipt_rule_set(RuleSetName="ours")
        self.ses.set_active_receipt_rule_set(RuleSetName="ours")

    def rule(self, name: str, *recipients: str, stop: bool = False, **more: Any) -> None:
        """One more rule at the end; its objects lie under its name."""
        s3 = {"BucketName": "incoming", "ObjectKeyPrefix": f"{name}/", "TopicArn": self.topic}
        actions = [{"S3Action": s3}, *([{"StopAction": {"Scope": "RuleSet"}}] if stop else [])]
        rule = {"Name": name, "Enabled": True, "Recipients": list(recipients), "Actions": actions, **more}
        there = self.ses.describe_receipt_rule_set(RuleSetName="ours").get("Rules", [])
        after = {"After": there[-1]["Name"]} if there else {}
        self.ses.create_receipt_rule(RuleSetName="ours", Rule=rule, **after)

    def send(self, *recipients: str, raw: bytes = MAIL) -> None:
        with smtplib.SMTP(*self.sandbox.smtp, timeout=10) as server:
            server.sendmail("sam@elsewhere.example", list(recipients), raw)

    def objects(self, prefix: str = "") -> list[bytes]:
        listed = self.s3.list_objects_v2(Bucket="incoming", Prefix=prefix).get("Contents", [])
        keys = [each["Key"] for each in listed if "AMAZON_SES_SETUP_NOTIFICATION" not in each["Key"]]
        return [self.s3.get_object(Bucket="incoming", Key=key)["Body"].read() for key in keys]

    def told(self, count: int = 1) -> list[dict[str, Any]]:
        """The receipt notifications, their signatures checked."""
        found: list[dict[str, Any]] = []

        def receive() -> bool:
            for message in self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
                envelope = json.loads(message["Body"])
                check_signature(envelope)
                assert envelope["Subject"] == "Amazon SES Email Receipt Notification"
                assert datetime.fromisoformat(envelope["Timestamp"]) <= datetime.now(UTC)
                found.append(json.loads(envelope["Message"]))
            return len(found) >= count

        eventually(receive)
        return found


@pytest.fixture
def inbox(sandbox: SandboxProcess, verified: Callable[..., None]) -> Inbox:
    verified("acme.example")
    return Inbox(sandbox)


def test_a_mail_is_stored_with_what_ses_puts_before_it(inbox: Inbox) -> None:
    inbox.rule("all")
    raw = MAIL + b"." * 2 + b"\r\n" + bytes(range(128, 256)) + b"\r\n" + b"x" * 5000 + b"\r\n"
    inbox.send("hi@acme.example", raw=raw)
    (stored,) = inbox.objects("all/")
    assert stored.endswith(raw)
    head = stored.removesuffix(raw).decode()
    assert head.startswith("Return-Path: <sam@elsewhere.example>\r\n")
    for field in ("Received: from", "for hi@acme.example;", "X-SES-Spam-Verdict: PASS", "Received-SPF:"):
        assert field in head


def test_the_notification_tells_the_envelope_the_verdicts_and_the_place(inbox: Inbox) -> None:
    inbox.rule("all")
    inbox.send("hi@acme.example", "you@acme.example")
    (told,) = inbox.told()
    mail, receipt = told["mail"], told["receipt"]
    assert told["notificationType"] == "Received"
    assert mail["source"] == "sam@elsewhere.example"
    assert mail["destination"] == ["hi@acme.example"]
    assert mail["commonHeaders"]["subject"] == "Hi"
    assert {"name": "Message-ID", "value": "<1@x>"} in mail["headers"]
    assert receipt["recipients"] == ["hi@acme.example", "you@acme.example"]
    assert receipt["spamVerdict"] == {"status": "PASS"}
    assert receipt["action"]["objectKey"] == f"all/{mail['messageId']}"
    (stored,) = inbox.objects("all/")
    assert b"\r\n for " not in stored


def test_recipient_conditions_are_those_of_ses(sandbox: SandboxProcess, inbox: Inbox) -> None:
    inbox.rule("mailbox", "hi@acme.example")
    inbox.rule("domain", "acme.example")
    inbox.rule("below", ".acme.example")
    inbox.rule("off", "acme.example", Enabled=False)
    for recipient, rules in (
        ("hi@acme.example", ["mailbox", "domain"]),
        ("Hi+label@acme.example", ["mailbox", "domain"]),
        ("you@acme.example", ["domain"]),
        ("hi@deep.acme.example", ["below"]),
    ):
        inbox.send(recipient)
        taken = [told["receipt"]["action"]["objectKeyPrefix"].rstrip("/") for told in inbox.told(len(rules))]
        assert sorted(taken) == sorted(rules), recipient


def test_a_stop_action_ends_the_line(inbox: Inbox) -> None:
    inbox.rule("first", "hi@acme.example", stop=True)
    inbox.rule("second")
    inbox.send("hi@acme.example", "you@acme.example")
    by_rule = {each["receipt"]["action"]["objectKeyPrefix"]: each["receipt"]["recipients"] for each in inbox.told(2)}
    assert by_rule == {"first/": ["hi@acme.example"], "second/": ["you@acme.example"]}


@pytest.mark.parametrize("recipient", ["hi@globex.example", "you@acme.example"])
def test_who_no_rule_takes_or_is_not_verified_is_refused(sandbox: SandboxProcess, inbox: Inbox, recipient: str) -> None:
    sandbox.client("sesv2").create_email_identity(EmailIdentity="globex.example")
    inbox.rule("some", "hi@acme.example", "globex.example")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        inbox.send(recipient)
    assert caught.value.recipients[recipient][0] == 550


def test_nothing_is_taken_while_no_rule_set_is_active(inbox: Inbox) -> None:
    inbox.rule("all")
    inbox.ses.set_active_receipt_rule_set()
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        inbox.send("hi@acme.example")


def test_a_rule_that_requires_tls_takes_nothing_in_the_clear(inbox: Inbox) -> None:
    inbox.rule("all", TlsPolicy="Require")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        inbox.send("hi@acme.example")
    with smtplib.SMTP(*inbox.sandbox.smtp, timeout=10) as server:
        server.starttls()
        server.sendmail("sam@elsewhere.example", ["hi@acme.example"], MAIL)
    assert len(inbox.objects("all/")) == 1


def test_a_mail_of_40_megabytes_is_taken_and_a_larger_one_is_not(inbox: Inbox) -> None:
    inbox.rule("all")
    line = b"x" * 998 + b"\r\n"
    inbox.send("hi@acme.example", raw=MAIL + line * 39_000)
    assert len(inbox.objects("all/")[0]) > 39_000_000
    with pytest.raises(smtplib.SMTPException):
        inbox.send("hi@acme.example", raw=MAIL + line * 43_000)


def test_mail_carries_the_real_time_when_the_clock_of_ses_was_moved(inbox: Inbox) -> None:
    inbox.rule("all")
    inbox.sandbox.control("POST", "/_sandbox/clock", {"advance_seconds": 73 * 3600})
    inbox.send("hi@acme.example")
    (note,) = inbox.told()
    for stamp in (note["mail"]["timestamp"], note["receipt"]["timestamp"]):
        assert datetime.fromisoformat(stamp) <= datetime.now(UTC)


def test_mail_of_the_control_route_has_the_verdicts_that_it_was_given(inbox: Inbox) -> None:
    inbox.rule("all")
    mail = {"from": "sam@x.example", "to": ["hi@acme.example"], "raw": MAIL.decode()}
    inbox.sandbox.control("POST", "/_sandbox/mail", {**mail, "verdicts": {"dmarc": "FAIL"}, "duplicate": 1})
    first, second = inbox.told(2)
    assert first == second
    assert first["receipt"]["dmarcVerdict"] == {"status": "FAIL"}
    assert first["receipt"]["dmarcPolicy"] == "none"
    answer = inbox.sandbox.control("POST", "/_sandbox/mail", {**mail, "announce": False})
    assert len(answer["ses_message_ids"]) == 1
    assert len(inbox.objects("all/")) == 2
    assert "Messages" not in inbox.sqs.receive_message(QueueUrl=inbox.queue)
