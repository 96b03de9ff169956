"""An SNS message is believed only if Amazon's key signed exactly what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from inbound import sns

from .signing import CERTIFICATE_URL, TOPIC_ARN, Signer

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SIGNER = Signer(KEY)
PUBLIC = KEY.public_key()


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", sns.TYPES)
def test_a_signed_message_of_every_type_and_version_is_believed(kind: str, version: str) -> None:
    message = sns.parse_message(SIGNER.body(kind=kind, version=version))
    assert message.type == kind
    assert sns.verify(message, PUBLIC)


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_subject_is_signed_where_there_is_one(version: str) -> None:
    message = sns.parse_message(SIGNER.body(version=version, Subject="Amazon SES Email Receipt Notification"))
    assert sns.verify(message, PUBLIC)
    assert not sns.verify(replace(message, subject=None), PUBLIC)
    assert not sns.verify(replace(message, subject="other"), PUBLIC)


def test_the_canonical_string_of_a_notification_is_that_of_the_guide() -> None:
    message = sns.parse_message(SIGNER.body(Message="m", Subject="s"))
    assert sns.canonical_string(message) == (
        b"Message\nm\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubject\ns\n"
        b"Timestamp\n2026-11-21T07:00:00.123Z\nTopicArn\n" + TOPIC_ARN.encode() + b"\nType\nNotification\n"
    )


def test_the_canonical_string_of_a_confirmation_is_that_of_the_guide() -> None:
    body = SIGNER.body(
        kind="SubscriptionConfirmation", Message="m", Subject="never signed", SubscribeURL="u", Token="t"
    )
    assert sns.canonical_string(sns.parse_message(body)) == (
        b"Message\nm\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubscribeURL\nu\n"
        b"Timestamp\n2026-11-21T07:00:00.123Z\nToken\nt\nTopicArn\n"
        + TOPIC_ARN.encode()
        + b"\nType\nSubscriptionConfirmation\n"
    )


def test_the_fields_come_out_as_they_were_sent() -> None:
    message = sns.parse_message(SIGNER.body(Subject=None))
    assert message.subject is None
    assert message.timestamp == datetime(2026, 11, 21, 7, 0, 0, 123000, tzinfo=UTC)
    assert (message.topic_arn, message.signing_cert_url) == (TOPIC_ARN, CERTIFICATE_URL)
    assert (message.token, message.subscribe_url) == ("", "")
    assert message.message == "Grüße \N{PARTY POPPER}\nsecond line"


FORGERIES: dict[str, dict[str, Any]] = {
    "message": {"message": "another"},
    "message id": {"message_id": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf325"},
    "topic": {"topic_arn": TOPIC_ARN + "2"},
    "time": {"timestamp_text": "2026-11-21T07:00:00.124Z"},
    "type": {"type": "UnsubscribeConfirmation"},
    "an added subject": {"subject": ""},
    "downgrade": {"signature_version": "1"},
    "version 3": {"signature_version": "3"},
    "no version": {"signature_version": ""},
    "version with a space": {"signature_version": "2 "},
    "empty signature": {"signature": b""},
    "short signature": {"signature": b"x"},
    "zeroes": {"signature": bytes(256)},
    "long signature": {"signature": bytes(4000)},
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_a_changed_message_is_not_believed(change: dict[str, Any]) -> None:
    message = sns.parse_message(SIGNER.body())
    assert sns.verify(message, PUBLIC)
    assert not sns.verify(replace(message, **change), PUBLIC)


def test_one_flipped_bit_of_the_signature_is_enough() -> None:
    message = sns.parse_message(SIGNER.body())
    for position in range(0, 256, 17):
        broken = bytearray(message.signature)
        broken[position] ^= 1
        assert not sns.verify(replace(message, signature=bytes(broken)), PUBLIC)


def test_another_key_does_not_verify() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert not sns.verify(sns.parse_message(SIGNER.body()), other.public_key())


def test_a_short_key_does_not_verify_even_its_own_signature() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert not sns.verify(sns.parse_message(Signer(short).body()), short.public_key())


def test_a_key_that_is_not_rsa_does_not_verify() -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert not sns.verify(sns.parse_message(SIGNER.body()), curve)  # type: ignore[arg-type]


def _without(name: str) -> bytes:
    envelope = SIGNER.envelope()
    del envelope[name]
    return json.dumps(envelope).encode()


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"hello",
    "not UTF-8": b'{"Type": "\xff"}',
    "byte order mark": b"\xef\xbb\xbf" + SIGNER.body(),
    "UTF-16": SIGNER.body().decode().encode("utf-16"),
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "an empty object": b"{}",
    "cut short": SIGNER.body()[:-2],
    "two objects": SIGNER.body() * 2,
    "a trailing comma": SIGNER.body()[:-1] + b",}",
    "NaN": SIGNER.body()[:-1] + b', "x": NaN}',
    "infinity": SIGNER.body()[:-1] + b', "x": Infinity}',
    "a lone surrogate": SIGNER.body()[:-1] + rb', "x": "\ud800"}',
    "a name twice": SIGNER.body()[:-1] + b', "TopicArn": "arn:aws:sns:eu-west-1:123456789012:mine"}',
    "a name twice, escaped": SIGNER.body()[:-1] + rb', "Topic\u0041rn": "x"}',
    "a name twice, deeper": SIGNER.body()[:-1] + b', "MessageAttributes": {"a": 1, "a": 2}}',
    "100,000 brackets": b"[" * 100_000,
    "1,000 brackets in a field": SIGNER.body()[:-1] + b', "x": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    "a number of 100,000 digits": SIGNER.body()[:-1] + b', "x": ' + b"9" * 100_000 + b"}",
    "513 KB": SIGNER.body(Message="x" * 513 * 1024),
    "unknown type": SIGNER.body().replace(b'"Notification"', b'"Advertisement"'),
    "type in capitals": SIGNER.body().replace(b'"Notification"', b'"NOTIFICATION"'),
    "version as number": SIGNER.body().replace(b'"SignatureVersion": "2"', b'"SignatureVersion": 2'),
    "version as list": SIGNER.body().replace(b'"SignatureVersion": "2"', b'"SignatureVersion": ["2"]'),
    "version null": SIGNER.body().replace(b'"SignatureVersion": "2"', b'"SignatureVersion": null'),
    "message as object": json.dumps(SIGNER.envelope() | {"Message": {}}).encode(),
    "message with NUL": SIGNER.body(Message="a\0b"),
    "subject as number": json.dumps(SIGNER.envelope() | {"Subject": 7}).encode(),
    "endless subject": SIGNER.body(Subject="s" * 2000),
    "empty signature": json.dumps(SIGNER.envelope() | {"Signature": ""}).encode(),
    "signature not base64": json.dumps(SIGNER.envelope() | {"Signature": "!!!!"}).encode(),
    "signature not ASCII": json.dumps(SIGNER.envelope() | {"Signature": "é"}).encode(),
    "signature as list": json.dumps(SIGNER.envelope() | {"Signature": []}).encode(),
    "topic of SQS": SIGNER.body(TopicArn="arn:aws:sqs:eu-west-1:123456789012:x"),
    "topic with newline": SIGNER.body(TopicArn=TOPIC_ARN + "\n"),
    "topic of no region": SIGNER.body(TopicArn="arn:aws:sns::123456789012:x"),
    "message id with slash": SIGNER.body(MessageId="../x"),
    "empty message id": SIGNER.body(MessageId=""),
    "endless message id": SIGNER.body(MessageId="a" * 101),
    "time without zone": SIGNER.body(Timestamp="2026-11-21T07:00:00"),
    "day that is none": SIGNER.body(Timestamp="2026-02-30T07:00:00.000Z"),
    "time as number": json.dumps(SIGNER.envelope() | {"Timestamp": 1}).encode(),
    "no token": json.dumps(SIGNER.envelope(kind="SubscriptionConfirmation") | {"Token": None}).encode(),
    "token with spaces": SIGNER.body(kind="SubscriptionConfirmation", Token="a b"),
    "no subscribe url": json.dumps(SIGNER.envelope(kind="SubscriptionConfirmation") | {"SubscribeURL": None}).encode(),
} | {
    f"without {name}": _without(name)
    for name in (
        "Type",
        "MessageId",
        "TopicArn",
        "Message",
        "Timestamp",
        "Signature",
        "SignatureVersion",
        "SigningCertURL",
    )
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_sns_does_not_send_is_malformed(body: bytes) -> None:
    with pytest.raises(sns.MalformedMessage):
        sns.parse_message(body)


def test_unknown_fields_and_message_attributes_are_let_through() -> None:
    envelope = SIGNER.envelope() | {
        "UnsubscribeURL": "https://x",
        "MessageAttributes": {"a": {"Type": "String", "Value": "b"}},
    }
    assert sns.verify(sns.parse_message(json.dumps(envelope).encode()), PUBLIC)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_malformed(body: bytes) -> None:
    with pytest.raises(sns.MalformedMessage):
        sns.parse_message(body)


GENUINE = SIGNER.envelope(Subject="s")


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(GENUINE)),
    value=st.one_of(
        st.text(max_size=40), st.none(), st.integers(), st.booleans(), st.lists(st.text(max_size=3), max_size=2)
    ),
)
def test_a_message_with_any_other_value_in_a_field_is_malformed_or_not_believed(name: str, value: object) -> None:
    body = json.dumps(GENUINE | {name: value}).encode()
    try:
        message = sns.parse_message(body)
    except sns.MalformedMessage:
        return
    is_the_same = value == GENUINE[name] or name == "SigningCertURL"
    assert sns.verify(message, PUBLIC) == is_the_same


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_message_with_any_byte_changed_is_malformed_or_says_the_same(data: st.DataObject) -> None:
    genuine = SIGNER.body(Message="m", Subject="s")
    changed = bytearray(genuine)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = sns.parse_message(bytes(changed))
    except sns.MalformedMessage:
        return
    if sns.verify(message, PUBLIC):
        # Only the certificate's address and the JSON's own blanks lie outside the signature.
        assert sns.canonical_string(message) == sns.canonical_string(sns.parse_message(genuine))


def test_the_region_is_that_of_the_topic() -> None:
    assert sns.region_of(TOPIC_ARN) == "eu-west-1"
    assert sns.region_of("arn:aws-us-gov:sns:us-gov-west-1:123456789012:t.fifo") == "us-gov-west-1"
    with pytest.raises(sns.MalformedMessage):
        sns.region_of("arn:aws:sns:eu-west-1:12:t")
