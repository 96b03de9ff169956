"""Contract `domains_by_name`: an inbox's messages and conversations; the routes that send say that they do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organization
from channels.inboxes import create_inbox
from channels.models import EmailAccount
from domains.models import Domain
from inbound.models import Attachment, InboundMessage, Recipient, Thread
from tests.contracts.conftest import NOW, Api

pytestmark = pytest.mark.django_db(transaction=True)

Keep = Callable[..., InboundMessage]


def said(answer: Any) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer.json()["code"]


@pytest.fixture
def domain(acme: Organization, make_domain: Callable[..., Domain]) -> Domain:
    return make_domain(acme, "acme.example", status="active", dkim_status="SUCCESS")


@pytest.fixture
def inbox(acme: Organization, domain: Domain) -> EmailAccount:
    return create_inbox(organization=acme, domain=domain, local_part="info", actor="test", now=NOW)


@pytest.fixture
def keep(acme: Organization, domain: Domain) -> Keep:
    """A stored mail for an inbox, each a minute younger than the last."""

    def one(inbox: EmailAccount, **fields: Any) -> InboundMessage:
        number = InboundMessage.objects.count()
        defaults: dict[str, Any] = {
            "ses_message_id": f"ses-{number}",
            "received_at": NOW + timedelta(minutes=number),
            "inbox": inbox,
            "thread": fields.pop("thread", None) or Thread.objects.create(organization=acme, subject="Hello"),
            "from_name": "Sam",
            "from_email": "sam@elsewhere.example",
            "to": [{"name": "Info", "email": "info@acme.example"}],
            "cc": [{"name": "", "email": "copy@elsewhere.example"}],
            "subject": "Hello",
            "text": "Hello there.",
            "html": "<p>Hello <b>there</b>.</p><script>alert(1)</script>",
            "size": 1000,
        }
        message = InboundMessage.objects.create(organization=acme, domain=domain, **(defaults | fields))
        Recipient.objects.create(message=message, address=inbox.email, inbox=inbox)
        return message

    return one


@pytest.fixture
def message(inbox: EmailAccount, keep: Keep) -> InboundMessage:
    return keep(inbox)


def messages_of(inbox: EmailAccount) -> str:
    return f"/v1/inboxes/{inbox.public_id}/messages"


def threads_of(inbox: EmailAccount) -> str:
    return f"/v1/inboxes/{inbox.public_id}/threads"


def test_a_message_is_the_whole_object(
    api: Api, acme: Organization, inbox: EmailAccount, message: InboundMessage
) -> None:
    assert message.thread is not None
    assert api.get(f"{messages_of(inbox)}/{message.public_id}").json() == {
        "_id": message.public_id,
        "id": message.public_id,
        "organizationId": acme.public_id,
        "inboxId": inbox.public_id,
        "threadId": message.thread.public_id,
        "from": "sam@elsewhere.example",
        "toInboxId": inbox.public_id,
        "to": ["info@acme.example"],
        "cc": ["copy@elsewhere.example"],
        "bcc": [],
        "labels": [],
        "subject": "Hello",
        "status": "received",
        "createdAt": "2026-11-21T08:00:00.987Z",
        "updatedAt": "2026-11-21T08:00:00.987Z",
        "text": "Hello there.",
        "html": "<p>Hello <b>there</b>.</p>",
        "attachments": [],
    }


def test_attachments_are_named_in_their_order(api: Api, inbox: EmailAccount, message: InboundMessage) -> None:
    for position, name in ((1, "b.pdf"), (0, "a.pdf")):
        Attachment.objects.create(
            message=message, position=position, filename=name, content_type="application/pdf", size=7, key="nowhere"
        )
    listed = api.get(f"{messages_of(inbox)}/{message.public_id}").json()["attachments"]
    assert [(each["name"], each["contentType"], each["size"]) for each in listed] == [
        ("a.pdf", "application/pdf", 7),
        ("b.pdf", "application/pdf", 7),
    ]


def test_a_blind_copy_is_to_its_inbox(api: Api, inbox: EmailAccount, keep: Keep) -> None:
    keep(inbox, to=[])
    assert api.get(messages_of(inbox)).json()[0]["to"] == ["info@acme.example"]


def test_a_list_is_a_bare_array_the_newest_first(api: Api, inbox: EmailAccount, keep: Keep) -> None:
    assert api.get(messages_of(inbox)).json() == []
    older, newer = keep(inbox), keep(inbox)
    listed = api.get(messages_of(inbox)).json()
    assert [each["_id"] for each in listed] == [newer.public_id, older.public_id]
    assert listed[0] == api.get(f"{messages_of(inbox)}/{newer.public_id}").json()


def test_a_query_finds_the_messages_that_hold_its_words(api: Api, inbox: EmailAccount, keep: Keep) -> None:
    wanted = keep(inbox, subject="Your invoice", text="No 17")
    keep(inbox)
    assert [each["id"] for each in api.get(f"{messages_of(inbox)}?query=INVOICE").json()] == [wanted.public_id]
    assert len(api.get(f"{messages_of(inbox)}?query=").json()) == 2


@pytest.mark.parametrize("query", ["%00", "x" * 201])
def test_a_bad_query_is_400(api: Api, inbox: EmailAccount, query: str) -> None:
    answer = api.get(f"{messages_of(inbox)}?query={query}")
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "query")


def test_a_list_that_is_cut_names_the_next_page_with_the_same_query(api: Api, inbox: EmailAccount, keep: Keep) -> None:
    for _ in range(3):
        keep(inbox)
    first = api.get(f"{messages_of(inbox)}?query=hello&limit=2")
    following = re.fullmatch(r'<([^>]+)>; rel="next"', first["Link"])
    assert following is not None
    assert "query=hello" in following.group(1)
    ids = [each["id"] for each in first.json() + api.get(following.group(1)).json()]
    assert len(set(ids)) == 3


def test_a_list_ends_before_it_is_too_heavy_to_send(api: Api, inbox: EmailAccount, keep: Keep) -> None:
    for _ in range(10):
        keep(inbox, size=40 * 1024 * 1024)
    answer = api.get(messages_of(inbox))
    assert len(answer.json()) == 8
    assert answer.has_header("Link")


def test_a_list_takes_no_query_a_message(
    api: Api, inbox: EmailAccount, keep: Keep, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        keep(inbox)
    with django_assert_max_num_queries(8):
        assert len(api.get(messages_of(inbox)).json()) == 5


def test_deleted_held_and_other_inboxes_messages_are_not_shown(
    api: Api, acme: Organization, domain: Domain, inbox: EmailAccount, keep: Keep
) -> None:
    other = create_inbox(organization=acme, domain=domain, local_part="other", actor="test", now=NOW)
    hidden = [keep(inbox, deleted_at=NOW), keep(inbox, disposition=InboundMessage.Disposition.HELD), keep(other)]
    assert api.get(messages_of(inbox)).json() == []
    assert api.get(threads_of(inbox)).json() == []
    for each in hidden:
        answer = api.get(f"{messages_of(inbox)}/{each.public_id}")
        assert said(answer) == (404, "Message not found", "message_not_found")


@pytest.mark.parametrize("id", ["msg_AAAAAAAAAAAAAAAAAAAAA", "bad", "%00"])
def test_an_unknown_message_or_thread_is_not_found(api: Api, inbox: EmailAccount, id: str) -> None:
    assert said(api.get(f"{messages_of(inbox)}/{id}")) == (404, "Message not found", "message_not_found")
    assert said(api.get(f"{threads_of(inbox)}/{id}")) == (404, "Thread not found", "thread_not_found")


def test_a_thread_holds_its_messages_in_full(
    api: Api, acme: Organization, inbox: EmailAccount, message: InboundMessage, keep: Keep
) -> None:
    reply = keep(inbox, thread=message.thread)
    assert message.thread is not None
    body = api.get(f"{threads_of(inbox)}/{message.thread.public_id}").json()
    assert body["_id"] == body["id"] == message.thread.public_id
    assert (body["organizationId"], body["inboxId"], body["subject"]) == (acme.public_id, inbox.public_id, "Hello")
    assert body["messages"] == [api.get(f"{messages_of(inbox)}/{each.public_id}").json() for each in (reply, message)]
    assert body["updatedAt"] == "2026-11-21T08:01:00.987Z"


def test_threads_are_a_bare_array_the_one_with_the_newest_message_first(
    api: Api, inbox: EmailAccount, keep: Keep
) -> None:
    first, second = keep(inbox), keep(inbox)
    answered = keep(inbox, thread=first.thread)
    assert first.thread is not None
    assert second.thread is not None
    listed = api.get(threads_of(inbox)).json()
    assert [each["id"] for each in listed] == [first.thread.public_id, second.thread.public_id]
    assert [each["id"] for each in listed[0]["messages"]] == [answered.public_id, first.public_id]
    assert "html" not in listed[0]["messages"][0]


def test_a_list_of_threads_shows_the_newest_messages_of_each(
    api: Api, inbox: EmailAccount, message: InboundMessage, keep: Keep
) -> None:
    for _ in range(25):
        last = keep(inbox, thread=message.thread)
    shown = api.get(threads_of(inbox)).json()[0]["messages"]
    assert len(shown) == 20
    assert shown[0]["id"] == last.public_id


@pytest.mark.parametrize("tail", ["send", "{id}/reply"])
def test_sending_is_501_in_the_contracts_words(
    api: Api, inbox: EmailAccount, message: InboundMessage, tail: str
) -> None:
    answer = api.post(f"{messages_of(inbox)}/{tail.format(id=message.public_id)}", {"text": "x", "html": "x"})
    assert said(answer) == (501, "Sending is not available", "not_implemented")


def test_a_reply_to_nothing_is_404(api: Api, inbox: EmailAccount) -> None:
    answer = api.post(f"{messages_of(inbox)}/msg_AAAAAAAAAAAAAAAAAAAAA/reply", {})
    assert said(answer) == (404, "Message not found", "message_not_found")


@pytest.mark.parametrize("tail", ["messages", "messages/{id}", "threads", "threads/{thread}"])
def test_reading_takes_the_permission_for_messages(
    key_with: Callable[..., Api], inbox: EmailAccount, message: InboundMessage, tail: str
) -> None:
    assert message.thread is not None
    path = f"/v1/inboxes/{inbox.public_id}/" + tail.format(id=message.public_id, thread=message.thread.public_id)
    assert key_with(scopes=["Channel.view"]).get(path).status_code == 403
    assert key_with(scopes=["Message.view"]).get(path).status_code == 200


def test_a_mail_comes_in_and_is_read(
    api: Api, publish: Callable[..., None], send_mail: Callable[..., None], take_in_mail: Callable[[], int]
) -> None:
    api.post("/v1/domains", {"name": "shop.example"})
    publish(Domain.objects.get())
    assert api.post("/v1/domains/shop.example/verify", {}).json()["verified"] is True
    inbox = api.post("/v1/inboxes", {"email": "info@shop.example"}).json()
    send_mail("info+tag@shop.example", subject="A question", text="When?")
    take_in_mail()
    (message,) = api.get(f"/v1/inboxes/{inbox['_id']}/messages").json()
    assert (message["from"], message["to"]) == ("sam@elsewhere.example", ["info+tag@shop.example"])
    assert (message["subject"], message["text"].strip()) == ("A question", "When?")
    (thread,) = api.get(f"/v1/inboxes/{inbox['_id']}/threads").json()
    assert thread["id"] == message["threadId"]


def test_the_id_of_a_merged_thread_leads_to_the_one_that_took_it_in(
    api: Api, stranger: Api, acme: Organization, inbox: EmailAccount, keep: Keep
) -> None:
    whole = keep(inbox).thread
    merged = Thread.objects.create(organization=acme, merged_into=whole)
    assert whole
    answer = api.get(f"{threads_of(inbox)}/{merged.public_id}")
    assert (answer.status_code, answer.json()["id"]) == (200, whole.public_id)
    assert [thread["id"] for thread in api.get(threads_of(inbox)).json()] == [whole.public_id]
    assert stranger.get(f"{threads_of(inbox)}/{merged.public_id}").status_code == 404
