"""Mail from before threads had names and recipients had domains gets them by migration 0007."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection, transaction

from accounts.models import Organization
from inbound import threads
from inbound.models import InboundMessage, Recipient, Thread, ThreadReference
from tests.dashboard.rows import NOW, make_domain

pytestmark = pytest.mark.django_db
migration = import_module("inbound.migrations.0007_threads_and_recipients")


def old(organization: Organization, name: str, **fields: object) -> InboundMessage:
    """A message as the release before stored it: in a thread that knows no names."""
    thread = fields.pop("thread", None) or Thread.objects.create(organization=organization)
    return InboundMessage.objects.create(
        organization=organization,
        ses_message_id=name,
        received_at=NOW,
        message_id_header=name,
        thread=thread,
        **fields,
    )


def test_replies_join_the_threads_of_before(acme: Organization, globex: Organization) -> None:
    parent, foreign = old(acme, "<a@x>"), old(globex, "<a@x>")
    unseen = old(acme, "<b@x>", in_reply_to="<unseen@email.amazonses.com>", references=["<first@x>", "<a@x>"])
    migration.name_threads(apps, connection.schema_editor())
    expected = {"<a@x>": parent, "<first@x>": unseen, "<unseen@us-west-2.amazonses.com>": unseen, "<b@x>": unseen}
    for number, (name, wanted) in enumerate(expected.items()):
        reply = InboundMessage(organization=acme, ses_message_id=str(number), received_at=NOW, in_reply_to=name)
        with transaction.atomic():
            reply.save()
            assert threads.place(reply, acme) == wanted.thread
    assert foreign.thread
    assert foreign.thread.references.count() == 1


def test_naming_again_changes_nothing(acme: Organization) -> None:
    old(acme, "<a@x>", references=["<b@x>"])
    migration.name_threads(apps, connection.schema_editor())
    before = set(ThreadReference.objects.values_list("pk", "thread", "name"))
    migration.name_threads(apps, connection.schema_editor())
    assert set(ThreadReference.objects.values_list("pk", "thread", "name")) == before


def test_recipients_get_the_domain_of_their_address(acme: Organization, globex: Organization) -> None:
    gone = make_domain(acme, "one.example", removed_at=NOW)
    one, two = make_domain(acme, "one.example"), make_domain(acme, "xn--bcher-kva.example")
    theirs = make_domain(globex, "three.example")
    message, earlier = old(acme, "<a@x>", domain=one), old(acme, "<b@x>", domain=gone)
    wanted = {
        Recipient.objects.create(message=message, address="Sales@ONE.example"): one,
        Recipient.objects.create(message=message, address="sales@bücher.example"): two,
        Recipient.objects.create(message=message, address="sales@three.example"): None,
        Recipient.objects.create(message=message, address="nonsense"): None,
        Recipient.objects.create(message=earlier, address="sales@one.example"): gone,
        Recipient.objects.create(message=old(globex, "<c@x>"), address="a@three.example"): theirs,
    }
    migration.name_domains(apps, connection.schema_editor())
    for recipient, domain in wanted.items():
        recipient.refresh_from_db()
        assert recipient.domain == domain, recipient
