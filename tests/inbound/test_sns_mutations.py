"""Thousands of mutations of signed messages: none is believed, none causes a connection, none is stored."""

from __future__ import annotations

import json
import random
import socket
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from domains.models import Installation
from inbound import certificates, door, sns
from inbound.certificates import CertificateUnavailable, UntrustedCertificateUrl
from inbound.models import SnsNotification
from tests.inbound.signing import TOPIC_ARN, Signer, certificate

SEED = 4510
MUTATIONS = 14_000
POSTS = 300
CERTIFICATE = "http://127.0.0.1:9/SimpleNotificationService-emulator.pem"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

Envelope = dict[str, Any]


@pytest.fixture
def genuine(db: None, settings: LazySettings, tmp_path: Path) -> list[Envelope]:
    """Messages of every type and version, with and without a subject, that the door believes."""
    (tmp_path / "key.pem").write_bytes(certificate(KEY))
    (tmp_path / "trusted.json").write_text(json.dumps({CERTIFICATE: str(tmp_path / "key.pem")}))
    settings.SNS_TRUSTED_CERTIFICATES = str(tmp_path / "trusted.json")
    Installation.objects.create(region="eu-west-1", topic_arn=TOPIC_ARN)
    stamp = timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {"Timestamp": stamp, "SigningCertURL": CERTIFICATE, "Message": '{"a": "Grüße Å"}\nMessageId\nx'}
    return [
        Signer(KEY).envelope(kind=kind, version=version, **(fields | extra), MessageId=f"{kind}-{version}-{len(extra)}")
        for kind in sns.TYPES
        for version in "12"
        for extra in ({}, {"Subject": "Mail\nTimestamp\n"})
    ]


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Any attempt to look up or reach a host."""
    tried: list[str] = []

    def refuse(*address: object, **_: object) -> None:
        tried.append(repr(address))
        raise OSError("the network is out of bounds")

    monkeypatch.setattr(certificates.socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


def signed_names(envelope: Envelope) -> list[str]:
    unsigned = (
        "SignatureVersion",
        "SigningCertURL",
        "Signature",
        "Subject" if envelope["Type"] != "Notification" else "",
    )
    return [name for name in envelope if name not in unsigned]


def flip(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    """One bit of one character of one field."""
    name = draw.choice(sorted(envelope))
    at = draw.randrange(len(envelope[name]))
    text = envelope[name]
    other = chr(ord(text[at]) ^ (1 << draw.randrange(7)))
    return json.dumps(envelope | {name: text[:at] + other + text[at + 1 :]}).encode()


def flip_byte(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    body = bytearray(json.dumps(envelope).encode())
    body[draw.randrange(len(body))] ^= 1 << draw.randrange(8)
    return bytes(body)


def drop(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    name = draw.choice(sorted(envelope))
    return json.dumps({key: value for key, value in envelope.items() if key != name}).encode()


def retype(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    name = draw.choice(sorted(envelope))
    value = envelope[name]
    others = [None, 0, 1, 2, True, [], {}, [value], {"": value}, {name: value}, 1.0, -0.0, 10**400, "", [value, value]]
    return json.dumps(envelope | {name: draw.choice(others)}).encode()


def say_twice(draw: random.Random, envelope: Envelope, all_of_them: list[Envelope]) -> bytes:
    """The same name again, before or after, with its own or another value, plain or escaped."""
    name, body = draw.choice(sorted(envelope)), json.dumps(envelope)
    value = draw.choice([envelope[name], draw.choice(all_of_them).get(name), "forged", ""])
    spelt = draw.choice([json.dumps(name), '"' + "".join(f"\\u{ord(each):04x}" for each in name) + '"'])
    again = f"{spelt}: {json.dumps(value)}"
    return (f"{{{again}, {body[1:]}" if draw.random() < 0.5 else f"{body[:-1]}, {again}}}").encode()


def swap(draw: random.Random, envelope: Envelope, all_of_them: list[Envelope]) -> bytes:
    """A value of another genuine message, its signature and version among them."""
    name, other = draw.choice(sorted(envelope)), draw.choice(all_of_them)
    return json.dumps(envelope | {name: other.get(name, "x")}).encode()


def swap_version(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    versions = ["1", "2", "3", "0", "01", "2 ", " 1", "1.0", "２", "²", "v2", "SHA256", "", "1\n", "null", "12"]
    wrong = [each for each in versions if each != envelope["SignatureVersion"]]
    return json.dumps(envelope | {"SignatureVersion": draw.choice(wrong)}).encode()


def shift_canonical(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    """The same characters under the signature, cut into fields elsewhere: values that take in the next name."""
    names = sorted(signed_names(envelope))
    first = draw.randrange(len(names) - 1)
    name, following = names[first], names[first + 1]
    taken = {name: f"{envelope[name]}\n{following}\n{envelope[following]}"}
    rest = {key: value for key, value in envelope.items() if key != following or draw.random() < 0.5}
    return json.dumps(rest | taken | {"Type": draw.choice(sns.TYPES)}).encode()


def untie_subject(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    """A subject that moves into the message, or out of it."""
    if envelope.get("Subject") is None:
        return json.dumps(envelope | {"Subject": draw.choice(["", "x", "\n", "Timestamp"])}).encode()
    moved = f"{envelope['MessageId']}\nSubject\n{envelope['Subject']}"
    return json.dumps({**envelope, "MessageId": moved, "Subject": None}).encode()


def normalise(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    """Text that looks the same to people."""
    name = draw.choice(sorted(signed_names(envelope)))
    form = draw.choice(["NFC", "NFD", "NFKC", "NFKD"])
    text = unicodedata.normalize(form, envelope[name])
    twins = {"a": "а", "e": "е", "o": "о", "-": "‐", ":": "：", ".": "․", "s": "ſ", "i": "ı", "N": "Ν", "1": "１"}
    if text == envelope[name]:
        text = "".join(twins.get(each, each) for each in text)
    if text == envelope[name]:
        text += "\u200b"
    return json.dumps(envelope | {name: text}, ensure_ascii=draw.random() < 0.5).encode()


def trail(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    name = draw.choice(sorted(envelope))
    mark = draw.choice(["\n", "\r\n", " ", "\t", "\0", "\u00a0", "\ufeff", "\u2028", "\x0b", "=", "%0a", "\\n"])
    value = mark + envelope[name] if draw.random() < 0.3 else envelope[name] + mark
    return json.dumps(envelope | {name: value}).encode()


def recase(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    """Names and values in another case: JSON's names are exact."""
    name = draw.choice(sorted(envelope))
    if draw.random() < 0.5:
        return json.dumps({(key.lower() if key == name else key): value for key, value in envelope.items()}).encode()
    return json.dumps(envelope | {name: envelope[name].swapcase()}).encode()


def lead_elsewhere(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    urls = [
        "http://127.0.0.1:9/SimpleNotificationService-emulator.pem?",
        "http://127.0.0.1:9//SimpleNotificationService-emulator.pem",
        "http://127.0.0.1:80/SimpleNotificationService-emulator.pem",
        "https://127.0.0.1:9/SimpleNotificationService-emulator.pem",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://evil.example/SimpleNotificationService-" + "a" * 32 + ".pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-" + "a" * 32 + ".pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-" + "a" * 32 + ".pem",
    ]
    topics = [
        TOPIC_ARN,
        TOPIC_ARN + "x",
        TOPIC_ARN.replace("1234", "9999"),
        TOPIC_ARN.replace("eu-west-1", "us-east-1"),
    ]
    return json.dumps(envelope | {"SigningCertURL": draw.choice(urls), "TopicArn": draw.choice(topics)}).encode()


def forge(draw: random.Random, envelope: Envelope, _: list[Envelope]) -> bytes:
    """Whole signatures that somebody else could make."""
    nothing = ["AA==", "A" * 344, envelope["Signature"][::-1], envelope["Signature"] * 2, envelope["Signature"][:-4]]
    return json.dumps(envelope | {"Signature": draw.choice(nothing), "Message": draw.choice(["x", "y"])}).encode()


WAYS: list[Callable[[random.Random, Envelope, list[Envelope]], bytes]] = [
    flip, flip_byte, drop, retype, say_twice, swap, swap_version, shift_canonical, untie_subject, normalise, trail,
    recase, lead_elsewhere, forge,
]  # fmt: skip


def is_believed(body: bytes) -> sns.SnsMessage | None:
    try:
        message = sns.parse_message(body)
        door.believe(message, now=timezone.now())
    except (sns.MalformedMessage, door.NotOurs, door.NotNow, UntrustedCertificateUrl, CertificateUnavailable):
        return None
    return message


def test_the_genuine_are_believed(genuine: list[Envelope], connections: list[str]) -> None:
    assert all(is_believed(json.dumps(each).encode()) for each in genuine)
    assert connections == []


def test_no_mutation_says_anything_that_was_not_signed(genuine: list[Envelope], connections: list[str]) -> None:
    """What is believed after a mutation is word for word a genuine message: only what is not signed was touched."""
    signed = {
        (sns.canonical_string(message), message.signature, message.signature_version)
        for message in (sns.parse_message(json.dumps(each).encode()) for each in genuine)
    }
    draw, accepted, made = random.Random(SEED), list[bytes](), Counter[str]()
    for number in range(MUTATIONS):
        way = WAYS[number % len(WAYS)]
        body = way(draw, draw.choice(genuine), genuine)
        message = is_believed(body)
        said = message and (sns.canonical_string(message), message.signature, message.signature_version)
        made[way.__name__ if message is None else "word for word"] += 1
        if message is not None and said not in signed:
            accepted.append(body)
    assert accepted == []
    assert connections == []
    # The mutations are real ones: most are refused, and every way was tried some hundred times.
    assert made["word for word"] < MUTATIONS / 10
    assert min(made[way.__name__] for way in WAYS) > 300, made


def test_mutations_at_the_door_leave_no_row(client: Client, genuine: list[Envelope], connections: list[str]) -> None:
    draw, answers = random.Random(SEED + 1), Counter[int]()
    notifications = [each for each in genuine if each["Type"] == "Notification"]
    for number in range(POSTS):
        body = WAYS[number % len(WAYS)](draw, draw.choice(notifications), notifications)
        if is_believed(body) is None:
            answers[client.generic("POST", "/inbound/sns", body, "text/plain; charset=UTF-8").status_code] += 1
    assert set(answers) == {400, 403}
    assert not SnsNotification.objects.exists()
    assert connections == []
