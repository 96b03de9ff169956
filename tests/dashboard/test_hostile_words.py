"""Subjects, senders and file names that turn the text around, hide, or fill the page."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, User
from inbound.models import InboundMessage, Thread
from tests.dashboard.rows import make_attachment, make_domain, make_message

pytestmark = pytest.mark.django_db
TURNS = "\u202e"
LONG = "Lorem " * 833 + "the end"


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def message(acme: Organization) -> InboundMessage:
    """Whose every shown word turns around."""
    made = make_message(
        make_domain(acme, status="active"),
        subject=f"{TURNS}evil",
        from_name=f"{TURNS}Jana",
        from_email=f"{TURNS}jana@elsewhere.example",
        text=f"{TURNS}Where is it?",
    )
    attachment = make_attachment(made)
    attachment.filename = f"a{TURNS}fdp.exe"
    attachment.save(update_fields=["filename"])
    return made


def pages_of(client: Client, message: InboundMessage) -> tuple[str, str]:
    return (
        client.get(reverse("dashboard:messages")).content.decode(),
        client.get(reverse("dashboard:message", args=[message.public_id]), {"view": "html"}).content.decode(),
    )


def test_no_page_turns_around(signed_in: Client, message: InboundMessage) -> None:
    for page in pages_of(signed_in, message):
        assert TURNS not in page
        assert "<bdi>evil</bdi>" in page
        assert "<bdi>Jana</bdi>" in page


def test_a_subject_of_which_nothing_is_seen_is_no_subject(signed_in: Client, message: InboundMessage) -> None:
    InboundMessage.objects.update(subject=f"{TURNS}\u200b", from_name=TURNS)
    for page in pages_of(signed_in, message):
        assert "<bdi>(no subject)</bdi>" in page
        assert "<bdi>jana@elsewhere.example</bdi>" in page


def test_a_long_subject_is_cut_and_there_in_full_on_its_page(signed_in: Client, message: InboundMessage) -> None:
    InboundMessage.objects.update(subject=LONG)
    in_list, page = pages_of(signed_in, message)
    assert "the end" not in in_list
    heading = page.partition("<h1")[2].partition("</h1>")[0]
    assert len(heading) < 200
    assert "The whole subject" in page
    assert page.count("the end") == 1


def test_staff_see_no_turned_or_endless_words_either(
    admin_client: Client, message: InboundMessage, acme: Organization
) -> None:
    Thread.objects.create(organization=acme, subject=f"{TURNS}evil {LONG}")
    InboundMessage.objects.update(subject=f"{TURNS}evil {LONG}")
    for model in ("inboundmessage", "thread", "attachment", "recipient"):
        page = admin_client.get(reverse(f"admin:inbound_{model}_changelist")).content.decode()
        assert TURNS not in page, model
        assert "the end" not in page, model
