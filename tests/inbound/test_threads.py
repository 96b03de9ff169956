"""Conversations hold whatever order mail comes in, however its ids are written, and within one organization only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import permutations

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Organization
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import threads
from inbound.message_ids import reference_name
from inbound.models import InboundMessage, Thread, ThreadReference
from inbound.reading import delete_message
from inbound.threads import MOST_REFERENCES, with_id
from tests.sandbox_process import SandboxProcess

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SES_ID = "0100019abc-1d2e3f40-5678-4abc-9def-0123456789ab-000000"
Come = Callable[..., Thread]


def unplaced(
    organization: Organization, name: str, refers_to: Sequence[str] = (), reply_to: str = ""
) -> InboundMessage:
    return InboundMessage.objects.create(
        organization=organization,
        ses_message_id=f"ses-{InboundMessage.objects.count()}",
        received_at=NOW,
        subject=name,
        message_id_header=name,
        in_reply_to=reply_to,
        references=list(refers_to),
        region="us-east-1",
        bucket="postern-tests",
        key="mail/nowhere",
    )


def come(organization: Organization, name: str, *refers_to: str, reply_to: str = "") -> InboundMessage:
    """A mail of this Message-ID is stored, as the pipeline does it."""
    with transaction.atomic():
        message = unplaced(organization, name, refers_to, reply_to)
        threads.place(message, organization)
    return message


def conversations(organization: Organization) -> list[set[str]]:
    """The subjects, which are the Message-IDs, by thread."""
    found: dict[int | None, set[str]] = {}
    for message in InboundMessage.objects.filter(organization=organization):
        found.setdefault(message.thread_id, set()).add(message.subject)
    return sorted(found.values(), key=sorted)


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_a_conversation_is_one_thread_in_whatever_order_it_comes(acme: Organization, order: tuple[int, ...]) -> None:
    mails = [("<a@x>", ()), ("<b@x>", ("<a@x>",)), ("<c@x>", ("<a@x>", "<b@x>")), ("<d@x>", ("<c@x>",))]
    for number in order:
        name, refers_to = mails[number]
        come(acme, name, *refers_to)
    come(acme, "<other@x>")
    assert conversations(acme) == [{"<a@x>", "<b@x>", "<c@x>", "<d@x>"}, {"<other@x>"}]


@pytest.mark.django_db
def test_a_reply_that_came_before_its_parent_joins_it(acme: Organization) -> None:
    reply = come(acme, "<reply@x>", reply_to="<parent@x>")
    parent = come(acme, "<parent@x>")
    assert parent.thread == reply.thread


@pytest.mark.django_db
def test_a_thread_is_called_as_its_first_mail_also_where_that_comes_late(acme: Organization) -> None:
    come(acme, "<reply@x>", reply_to="<parent@x>")
    assert Thread.objects.get().subject == "<reply@x>"
    come(acme, "<parent@x>")
    assert Thread.objects.get().subject == "<parent@x>"
    # Whoever sends a mail under an id that is there already renames nothing.
    forged = unplaced(acme, "<parent@x>", [])
    forged.subject = "Forged"
    with transaction.atomic():
        threads.place(forged, acme)
    assert Thread.objects.get().subject == "<parent@x>"


@pytest.mark.django_db
def test_two_replies_to_a_mail_that_never_came_here_are_one_thread(acme: Organization) -> None:
    come(acme, "<one@x>", reply_to="<ours@elsewhere>")
    come(acme, "<two@x>", "<ours@elsewhere>")
    assert conversations(acme) == [{"<one@x>", "<two@x>"}]


@pytest.mark.django_db
def test_threads_that_turn_out_to_be_one_are_merged_and_their_ids_lead_there(acme: Organization) -> None:
    first, second, third = (come(acme, name).thread for name in ("<a@x>", "<b@x>", "<c@x>"))
    assert first
    assert second
    assert third
    come(acme, "<d@x>", "<b@x>", "<c@x>")
    come(acme, "<e@x>", "<a@x>", "<c@x>")
    assert conversations(acme) == [{"<a@x>", "<b@x>", "<c@x>", "<d@x>", "<e@x>"}]
    for each in (first, second, third):
        assert with_id(Thread.objects.all(), each.public_id).get() == first
    assert set(ThreadReference.objects.values_list("thread", flat=True)) == {first.pk}


@pytest.mark.django_db
def test_the_merged_go_with_the_thread_that_took_them_in(acme: Organization, installation: SandboxProcess) -> None:
    messages = [come(acme, "<a@x>"), come(acme, "<b@x>"), come(acme, "<c@x>", "<a@x>", "<b@x>")]
    for message in messages:
        delete_message(message=InboundMessage.objects.get(pk=message.pk), actor="test", now=NOW, purge=True)
    assert (Thread.objects.count(), ThreadReference.objects.count()) == (0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("is_reply_first", [True, False])
def test_a_mail_never_joins_or_merges_threads_of_another_organization(
    acme: Organization, globex: Organization, is_reply_first: bool
) -> None:
    """Reliability T48: every id of the other organization's mail in every field that could lead there."""
    theirs = [("<a@x>", ()), ("<b@x>", ()), ("<c@x>", ("<unseen@x>",))]
    ids = ("<a@x>", "<b@x>", "<c@x>", "<unseen@x>")
    forged = [("<forged-1@y>", ids), ("<a@x>", ids), ("<unseen@x>", ids)]
    turns = [(acme, theirs), (globex, forged)]
    for organization, mails in reversed(turns) if is_reply_first else turns:
        for name, refers_to in mails:
            come(organization, name, *refers_to, reply_to="<b@x>" if organization == globex else "")
    assert conversations(acme) == [{"<a@x>"}, {"<b@x>"}, {"<c@x>"}]
    assert conversations(globex) == [{"<forged-1@y>", "<a@x>", "<unseen@x>"}]
    for message in InboundMessage.objects.all():
        assert message.thread
        assert message.thread.organization == message.organization
    for reference in ThreadReference.objects.select_related("thread"):
        assert reference.thread.organization_id == reference.organization_id


@pytest.mark.django_db
def test_ten_thousand_references_cost_no_more_than_fifty(
    acme: Organization, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    for number in range(60):
        come(acme, f"<{number}@x>")
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        come(acme, "<hostile@y>", *(f"<{number}@x>" for number in range(10_000)))
    assert len(conversations(acme)) == 61
    come(acme, "<hostile-2@y>", *(f"<{number}@x>" for number in range(60)))
    # Its own id and its missing In-Reply-To are two of the fifty: it joined 48, and left 12 and the first one alone.
    assert len(conversations(acme)) == 1 + 60 - (MOST_REFERENCES - 2) + 1
    assert ThreadReference.objects.filter(organization=acme).count() <= 62 + MOST_REFERENCES


@pytest.mark.django_db
def test_ids_of_any_length_and_script_are_kept_apart(acme: Organization) -> None:
    names = ("<" + "ü" * 990 + "@x>", "<" + "😀" * 900 + ">", "no brackets", "<>", "", "<@>", "\ufffd", "<a@x>")
    for name in names:
        come(acme, name)
    assert Thread.objects.count() == len(names)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"<{SES_ID}@email.amazonses.com>", f"<{SES_ID}@us-west-2.amazonses.com>"),
        (f"<{SES_ID}@email.amazonses.com>", f"{SES_ID}@eu-west-1.amazonses.com"),
        (f"<{SES_ID}@ap-southeast-1.amazonses.com>", f"<{SES_ID}@EMAIL.AmazonSES.com>"),
        (f"<{SES_ID}@us-gov-west-1.amazonses.com>", f"<{SES_ID}@email.amazonses.com>"),
        ("<Local@Host.Example>", "<Local@host.example>"),
        ("<a@x>", "a@x"),
        ("<a @x>", "<a@x>"),
    ],
)
def test_one_id_in_two_spellings_is_one_name(one: str, other: str) -> None:
    assert reference_name(one) == reference_name(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"<{SES_ID}@email.amazonses.com>", f"<{SES_ID}@email.amazonses.com.evil.example>"),
        (f"<{SES_ID}@email.amazonses.com>", f"<{SES_ID}@elsewhere.example>"),
        (f"<{SES_ID}@email.amazonses.com>", f"<{SES_ID.upper()}@email.amazonses.com>"),
        ("<a@x>", "<A@x>"),
    ],
)
def test_two_ids_are_two_names(one: str, other: str) -> None:
    assert reference_name(one) != reference_name(other)


@pytest.mark.django_db
def test_replies_to_what_ses_sent_are_one_thread_whichever_of_its_hosts_they_name(acme: Organization) -> None:
    come(acme, "<one@x>", reply_to=f"<{SES_ID}@email.amazonses.com>")
    come(acme, "<two@x>", f"<{SES_ID}@us-west-2.amazonses.com>")
    come(acme, f"<{SES_ID}@eu-west-1.amazonses.com>")
    assert conversations(acme) == [{"<one@x>", "<two@x>", f"<{SES_ID}@eu-west-1.amazonses.com>"}]


@pytest.mark.django_db(transaction=True)
def test_two_mails_of_one_thread_at_the_same_moment_are_in_one_thread(acme: Organization) -> None:
    """The second worker begins while the first has placed its mail and not yet committed."""
    mails = [unplaced(acme, f"<{number}@x>", ["<parent@x>"]) for number in range(2)]
    is_placed, is_second_done = threading.Event(), threading.Event()

    def work(number: int) -> None:
        try:
            if number:
                is_placed.wait(20)
            with transaction.atomic():
                threads.place(mails[number], acme)
                is_placed.set()
                if not number:
                    # The second can not be done before the first has committed: this waits as long as it may try.
                    is_second_done.wait(1)
        finally:
            if number:
                is_second_done.set()
            connection.close()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(30)
    assert conversations(acme) == [{"<0@x>", "<1@x>"}]


@pytest.mark.django_db
def test_replies_that_come_by_smtp_before_their_parent_are_told_of_with_its_thread(
    acme: Organization,
    publish: Callable[[Domain], None],
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
) -> None:
    register_domain(organization=acme, name="shop.example", actor="test", now=timezone.now())
    publish(Domain.objects.get())
    assert check_domain(domain=Domain.objects.get(), actor="test", now=timezone.now()).status == "active"
    send_mail("help@shop.example", subject="Re: Hi", message_id="<2@e.example>", In_Reply_To="<1@e.example>")
    take_in_mail()
    send_mail("help@shop.example", subject="Re: Re: Hi", message_id="<3@e.example>", References="<0@e> <2@e.example>")
    take_in_mail()
    send_mail("help@shop.example", subject="Hi", message_id="<1@e.example>")
    take_in_mail()
    assert conversations(acme) == [{"Re: Hi", "Re: Re: Hi", "Hi"}]
