"""Mail that SES found a virus in, or takes for spam, is marked; its files take a deliberate click, programs a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, User
from aws.mail_store import ensure_bucket, put_file
from inbound.models import Attachment, InboundMessage
from tests.dashboard.rows import make_attachment, make_domain, make_message

pytestmark = pytest.mark.django_db

STORE = {"region": "us-east-1", "bucket": "postern-tests"}


@pytest.fixture
def signed_in(owner: User) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    return client


def stored(acme: Organization, folder: Path, **verdicts: str) -> tuple[InboundMessage, Attachment]:
    """A message with its raw mail and one attachment in S3."""
    ensure_bucket(**STORE, prefix="incoming/")
    (folder / "part").write_bytes(b"MZ")
    put_file(**STORE, key="k", path=folder / "part")
    message = make_message(make_domain(acme, status="active"), **STORE, key="k", **verdicts)
    return message, make_attachment(message)


def doors(message: InboundMessage, attachment: Attachment) -> list[str]:
    return [
        reverse("dashboard:attachment", args=[message.public_id, attachment.public_id]),
        reverse("dashboard:message_raw", args=[message.public_id]),
    ]


@pytest.mark.parametrize(("verdict", "words"), [("FAIL", "found a virus"), ("GRAY", "could not rule out a virus")])
def test_its_files_are_behind_a_warning_and_a_post(
    signed_in: Client, acme: Organization, sandbox: object, tmp_path: Path, verdict: str, words: str
) -> None:
    message, attachment = stored(acme, tmp_path, virus_verdict=verdict)
    page = signed_in.get(reverse("dashboard:message", args=[message.public_id])).content.decode()
    assert words in page
    # A link that says `download` would save the warning under the file's name.
    assert " download>" not in page
    for door in doors(message, attachment):
        warning = signed_in.get(door)
        assert words in warning.content.decode()
        assert "Content-Disposition" not in warning
        assert signed_in.post(door).status_code == 403
        token = warning.content.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        download = signed_in.post(door, {"csrfmiddlewaretoken": token})
        assert b"".join(download.streaming_content) == b"MZ"
        assert download["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("verdict", ["PASS", ""])
def test_other_files_are_one_click_away(
    signed_in: Client, acme: Organization, sandbox: object, tmp_path: Path, verdict: str
) -> None:
    message, attachment = stored(acme, tmp_path, virus_verdict=verdict)
    page = signed_in.get(reverse("dashboard:message", args=[message.public_id])).content.decode()
    assert page.count(" download>") == 2
    for door in doors(message, attachment):
        assert b"".join(signed_in.get(door).streaming_content) == b"MZ"


def test_anothers_suspect_file_is_not_found_rather_than_warned_of(
    client: Client, outsider: User, acme: Organization, sandbox: object, tmp_path: Path
) -> None:
    client.force_login(outsider)
    for door in doors(*stored(acme, tmp_path, virus_verdict="FAIL")):
        assert (client.get(door).status_code, client.post(door).status_code) == (404, 404)


def test_the_list_and_the_page_say_what_ses_says(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    spam = make_message(domain, 1, spam_verdict="FAIL")
    for number, fields in enumerate(({"virus_verdict": "FAIL"}, {"virus_verdict": "GRAY"}, {"spam_verdict": "GRAY"})):
        make_message(domain, 2 + number, **fields)
    page = signed_in.get(reverse("dashboard:messages")).content.decode()
    assert [page.count(f">{word}</span>") for word in ("Spam", "Virus", "Virus?")] == [1, 1, 1]
    opened = signed_in.get(reverse("dashboard:message", args=[spam.public_id])).content.decode()
    assert "takes this mail for spam" in opened


@pytest.mark.parametrize("verdict", ["FAIL", "GRAY", "PASS", ""])
def test_a_program_gets_the_file_and_is_told_the_verdict(
    client: Client, acme: Organization, acme_key: str, sandbox: object, tmp_path: Path, verdict: str
) -> None:
    message, attachment = stored(acme, tmp_path, virus_verdict=verdict)
    path = f"/api/email/messages/{message.public_id}"
    for tail in ("raw", f"attachments/{attachment.public_id}"):
        answer = client.get(f"{path}/{tail}", headers={"Authorization": f"Bearer {acme_key}"})
        assert b"".join(answer.streaming_content) == b"MZ"
        assert answer.headers.get("X-SES-Virus-Verdict", "") == verdict
