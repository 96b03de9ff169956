"""What SES says becomes a typed event, or is refused as a whole."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbound.ses_events import (
    Bounce,
    Complaint,
    Delivery,
    DeliveryDelay,
    MalformedEvent,
    Received,
    Reject,
    SetupNotice,
    UnknownEvent,
    parse_event,
)

MAIL: dict[str, Any] = {
    "timestamp": "2026-11-21T07:00:00.000Z",
    "source": "ann@example.org",
    "messageId": "o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1",
    "destination": ["bob@example.com"],
    "headersTruncated": False,
    "headers": [{"name": "Subject", "value": "Hi"}],
    "commonHeaders": {"from": ["ann@example.org"], "subject": "Hi"},
    "tags": {"ses:configuration-set": ["postern"]},
}
RECEIVED: dict[str, Any] = {
    "notificationType": "Received",
    "mail": MAIL,
    "receipt": {
        "timestamp": "2026-11-21T07:00:00.100Z",
        "processingTimeMillis": 222,
        "recipients": ["bob@example.com", "carol@example.com", "bob@example.com"],
        "spamVerdict": {"status": "PASS"},
        "virusVerdict": {"status": "FAIL"},
        "spfVerdict": {"status": "GRAY"},
        "dkimVerdict": {"status": "PROCESSING_FAILED"},
        "dmarcVerdict": {"status": "FAIL"},
        "dmarcPolicy": "reject",
        "action": {
            "type": "S3",
            "topicArn": "arn:aws:sns:eu-west-1:123456789012:postern-mail",
            "bucketName": "postern-mail",
            "objectKeyPrefix": "incoming/",
            "objectKey": "incoming/o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1",
        },
    },
}
SENT = {name: MAIL[name] for name in ("timestamp", "source", "messageId", "destination", "tags")}
AT = "2026-11-21T07:00:05.000Z"
FATES: dict[str, dict[str, Any]] = {
    "Bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {"emailAddress": "bob@example.com", "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 no"}
        ],
        "timestamp": AT,
        "feedbackId": "f",
    },
    "Complaint": {
        "complainedRecipients": [{"emailAddress": "bob@example.com"}],
        "timestamp": AT,
        "complaintFeedbackType": "abuse",
    },
    "Delivery": {"timestamp": AT, "recipients": ["bob@example.com"], "smtpResponse": "250 ok"},
    "DeliveryDelay": {
        "timestamp": AT,
        "delayType": "MailboxFull",
        "delayedRecipients": [{"emailAddress": "bob@example.com"}],
    },
    "Reject": {"reason": "Bad content"},
}


def changed(path: str, value: object) -> str:
    event = deepcopy(RECEIVED)
    at: dict[str, Any] = event
    *steps, last = path.split(".")
    for step in steps:
        at = at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return json.dumps(event)


def fate(kind: str, *, named: str = "eventType", **changes: Any) -> str:
    field = kind[0].lower() + kind[1:]
    return json.dumps({named: kind, "mail": SENT, field: FATES[kind] | changes})


def test_a_received_mail_comes_out_typed_with_the_raw_beside_it() -> None:
    event = parse_event(json.dumps(RECEIVED))
    assert isinstance(event, Received)
    assert event.ses_message_id == MAIL["messageId"]
    assert event.source == "ann@example.org"
    assert event.received_at == datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert event.recipients == ("bob@example.com", "carol@example.com")
    assert event.destination == ("bob@example.com",)
    verdicts = event.verdicts
    assert (verdicts.spam, verdicts.virus, verdicts.spf) == ("PASS", "FAIL", "GRAY")
    assert (verdicts.dkim, verdicts.dmarc, event.dmarc_policy) == ("PROCESSING_FAILED", "FAIL", "reject")
    assert (event.bucket, event.key) == ("postern-mail", RECEIVED["receipt"]["action"]["objectKey"])
    assert event.key_candidates == (event.key,)
    assert not event.headers_truncated
    assert event.raw == RECEIVED


def test_a_key_without_its_prefix_is_looked_for_under_the_prefix_too() -> None:
    event = parse_event(changed("receipt.action.objectKey", MAIL["messageId"]))
    assert isinstance(event, Received)
    assert event.key_candidates == (MAIL["messageId"], "incoming/" + MAIL["messageId"])


@pytest.mark.parametrize("verdict", ["spamVerdict", "virusVerdict", "spfVerdict", "dkimVerdict", "dmarcVerdict"])
@pytest.mark.parametrize("value", [..., None, {"status": "DISABLED"}, {"status": None}], ids=repr)
def test_a_verdict_that_ses_did_not_give_is_none(verdict: str, value: object) -> None:
    event = parse_event(changed(f"receipt.{verdict}", value))
    assert isinstance(event, Received)
    assert getattr(event.verdicts, verdict.removesuffix("Verdict")) is None


def test_the_null_sender_is_an_empty_source() -> None:
    event = parse_event(changed("mail.source", ""))
    assert isinstance(event, Received)
    assert event.source == ""


def test_half_characters_and_nuls_in_headers_do_not_lose_the_mail() -> None:
    text = json.dumps(RECEIVED).replace('"Hi"', r'"a\ud800b\u0000c\\u0000\ud83c\udf89"')
    event = parse_event(text)
    assert isinstance(event, Received)
    assert event.raw["mail"]["commonHeaders"]["subject"] == (  # type: ignore[index]
        "a\ufffdb\ufffdc\\u0000\N{PARTY POPPER}"
    )


def test_a_strangers_endless_to_header_does_not_lose_the_mail() -> None:
    event = parse_event(changed("mail.destination", ["x" * 5000, "a\r\nb"] * 1000))
    assert isinstance(event, Received)
    assert len(event.destination) == 1000
    assert event.destination[:2] == ("x" * 1000, "a  b")


MALFORMED: dict[str, str] = {
    "nothing": "",
    "text": "hello",
    "a list": "[]",
    "null": "null",
    "no type": "{}",
    "type as number": '{"notificationType": 1}',
    "endless type": json.dumps({"notificationType": "x" * 101}),
    "100,000 brackets": "[" * 100_000,
    "NaN": '{"notificationType": NaN}',
    "no mail": changed("mail", ...),
    "mail as list": changed("mail", []),
    "no receipt": changed("receipt", ...),
    "no action": changed("receipt.action", ...),
    "SNS action": changed("receipt.action.type", "SNS"),
    "no bucket": changed("receipt.action.bucketName", ...),
    "bucket with slash": changed("receipt.action.bucketName", "a/b"),
    "bucket as number": changed("receipt.action.bucketName", 7),
    "no key": changed("receipt.action.objectKey", ...),
    "empty key": changed("receipt.action.objectKey", ""),
    "key upwards": changed("receipt.action.objectKey", "incoming/../other/x"),
    "absolute key": changed("receipt.action.objectKey", "/etc/passwd"),
    "key with newline": changed("receipt.action.objectKey", "incoming/x\ny"),
    "endless key": changed("receipt.action.objectKey", "x" * 1025),
    "prefix as list": changed("receipt.action.objectKeyPrefix", []),
    "prefix upwards": changed("receipt.action.objectKeyPrefix", "../"),
    "no message id": changed("mail.messageId", ...),
    "message id upwards": changed("mail.messageId", "../x"),
    "message id of dots": changed("mail.messageId", ".."),
    "message id with newline": changed("mail.messageId", "x\n"),
    "endless message id": changed("mail.messageId", "x" * 201),
    "no recipients": changed("receipt.recipients", ...),
    "empty recipients": changed("receipt.recipients", []),
    "recipients as text": changed("receipt.recipients", "bob@example.com"),
    "recipient as number": changed("receipt.recipients", [1]),
    "recipient with newline": changed("receipt.recipients", ["a@b\r\nc"]),
    "endless recipient": changed("receipt.recipients", ["x" * 1001]),
    "too many recipients": changed("receipt.recipients", ["a@b"] * 1001),
    "source as object": changed("mail.source", {}),
    "destination as text": changed("mail.destination", "x"),
    "destination of numbers": changed("mail.destination", [1]),
    "no timestamp": changed("mail.timestamp", ...),
    "timestamp as number": changed("mail.timestamp", 1),
    "timestamp that is none": changed("mail.timestamp", "yesterday"),
    "timestamp out of range": changed("mail.timestamp", "0001-01-01T00:00:00+23:59"),
    "verdict as text": changed("receipt.spamVerdict", "PASS"),
    "verdict status as number": changed("receipt.spamVerdict", {"status": 1}),
    "policy as list": changed("receipt.dmarcPolicy", []),
    "bounce without recipients": fate("Bounce", bouncedRecipients=None),
    "bounce with text recipients": fate("Bounce", bouncedRecipients=["a"]),
    "bounce without time": fate("Bounce", timestamp=None),
    "bounce without type": fate("Bounce", bounceType=None),
    "delivery with object recipients": fate("Delivery", recipients=[{}]),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_ses_does_not_write_is_malformed(text: str) -> None:
    with pytest.raises(MalformedEvent):
        parse_event(text)


@pytest.mark.parametrize("named", ["notificationType", "eventType"])
@pytest.mark.parametrize(
    ("kind", "is_a"),
    [("Bounce", Bounce), ("Complaint", Complaint), ("Delivery", Delivery), ("DeliveryDelay", DeliveryDelay)],
)
def test_the_fate_of_a_sent_mail_is_read_in_both_dialects(kind: str, is_a: type, named: str) -> None:
    event = parse_event(fate(kind, named=named))
    assert isinstance(event, is_a)
    assert event.recipients == ("bob@example.com",)  # type: ignore[union-attr]
    assert event.occurred_at == datetime(2026, 11, 21, 7, 0, 5, tzinfo=UTC)  # type: ignore[union-attr]
    assert event.mail.ses_message_id == MAIL["messageId"]  # type: ignore[union-attr]
    assert event.mail.tags == {"ses:configuration-set": ("postern",)}  # type: ignore[union-attr]


def test_each_fate_has_its_own_words() -> None:
    bounce, complaint = parse_event(fate("Bounce")), parse_event(fate("Complaint"))
    delivery, delay, reject = (
        parse_event(fate("Delivery")),
        parse_event(fate("DeliveryDelay")),
        parse_event(fate("Reject")),
    )
    assert isinstance(bounce, Bounce)
    assert (bounce.bounce_type, bounce.bounce_subtype, bounce.diagnostics) == (
        "Permanent",
        "General",
        ("smtp; 550 no",),
    )
    assert isinstance(complaint, Complaint)
    assert complaint.feedback_type == "abuse"
    assert isinstance(delivery, Delivery)
    assert delivery.smtp_response == "250 ok"
    assert isinstance(delay, DeliveryDelay)
    assert delay.delay_type == "MailboxFull"
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.recipients) == ("Bad content", ("bob@example.com",))
    assert reject.occurred_at == datetime(2026, 11, 21, 7, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["Send", "Open", "Click", "Rendering Failure", "Subscription", "received", "x\ny"])
def test_events_that_we_have_no_use_for_are_unknown_not_malformed(kind: str) -> None:
    with pytest.raises(UnknownEvent) as unknown:
        parse_event(json.dumps({"eventType": kind, "mail": SENT}))
    assert "\n" not in unknown.value.event_type


@pytest.mark.parametrize(
    "text",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        "You have successfully subscribed your Amazon SNS topic 'arn:aws:sns:x' to receive 'Bounce' notifications",
        json.dumps({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have successfully"}),
        changed("receipt.action.objectKey", "incoming/AMAZON_SES_SETUP_NOTIFICATION"),
        changed("mail.messageId", "AMAZON_SES_SETUP_NOTIFICATION"),
    ],
)
def test_what_ses_says_at_set_up_is_a_notice(text: str) -> None:
    assert isinstance(parse_event(text), SetupNotice)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("../x\0"),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3),
    max_leaves=6,
)
PATHS = [
    "notificationType",
    *(
        "mail",
        "mail.timestamp",
        "mail.source",
        "mail.messageId",
        "mail.destination",
        "mail.tags",
        "mail.headersTruncated",
    ),
    *("receipt", "receipt.recipients", "receipt.spamVerdict", "receipt.spamVerdict.status", "receipt.dmarcPolicy"),
    *("receipt.action", "receipt.action.type", "receipt.action.bucketName", "receipt.action.objectKey"),
]


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(PATHS), value=JSON)
def test_any_value_anywhere_gives_an_event_or_one_of_two_refusals(path: str, value: object) -> None:
    try:
        event = parse_event(changed(path, value))
    except (MalformedEvent, UnknownEvent):
        return
    assert isinstance(event, Received | SetupNotice)
