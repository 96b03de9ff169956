"""The home API's messages: list, one, raw, attachments, delete."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organization
from aws.mail_store import ensure_bucket, object_size, put_file
from channels.models import EmailAccount
from domains.models import Domain
from inbound.models import Attachment, InboundMessage, Recipient, Thread
from tests.contracts.conftest import NOW, Api

pytestmark = pytest.mark.django_db

MESSAGES = "/api/email/messages"
BUCKET = {"region": "us-east-1", "bucket": "postern-tests"}
RAW = b"From: a@example.com\r\nSubject: raw\r\n\r\n\x00\xff bytes\r\n"
SUMMARY_KEYS = [
    "id",
    "from",
    "recipients",
    "subject",
    "receivedAt",
    "inboxId",
    "threadId",
    "domain",
    "hasAttachments",
    "size",
    "verdicts",
    "parseStatus",
]
Make = Callable[..., InboundMessage]


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def domain(acme: Organization, make_domain: Callable[..., Domain]) -> Domain:
    return make_domain(acme, "acme.example", status="active")


@pytest.fixture
def inbox(acme: Organization, domain: Domain) -> EmailAccount:
    return EmailAccount.objects.create(
        organization=acme, domain=domain, email="info@acme.example", local_part="info", created_at=NOW
    )


@pytest.fixture
def make_message(acme: Organization, domain: Domain) -> Make:
    """A stored mail of acme; `to_inbox` is where its one envelope recipient leads."""

    def make(number: int = 0, *, to_inbox: EmailAccount | None = None, **fields: Any) -> InboundMessage:
        defaults: dict[str, Any] = {
            "organization": acme,
            "domain": domain,
            "inbox": to_inbox,
            "ses_message_id": f"ses-{InboundMessage.objects.count()}",
            "received_at": NOW + timedelta(seconds=number),
            "subject": f"Mail {number}",
            "from_name": "Ann",
            "from_email": "ann@example.com",
        }
        message = InboundMessage.objects.create(**(defaults | fields))
        address = to_inbox.email if to_inbox else "any@acme.example"
        Recipient.objects.create(message=message, address=address, domain=message.domain, inbox=to_inbox)
        return message

    return make


def attach(message: InboundMessage, **fields: Any) -> Attachment:
    defaults = {"position": 0, "filename": "a.pdf", "content_type": "application/pdf", "size": 3, "sha256": "0" * 64}
    return Attachment.objects.create(message=message, **(defaults | {"key": "mail/a"} | fields))


# --- list -----------------------------------------------------------------------------------------


def test_a_list_has_the_summarys_keys_in_order(
    api: Api, acme: Organization, inbox: EmailAccount, make_message: Make
) -> None:
    thread = Thread.objects.create(organization=acme)
    message = make_message(to_inbox=inbox, thread=thread, size=42, spam_verdict="PASS", dmarc_verdict="FAIL")
    body = api.get(MESSAGES).json()
    assert list(body) == ["messages", "nextCursor"]
    (listed,) = body["messages"]
    assert list(listed) == SUMMARY_KEYS
    assert listed == {
        "id": message.public_id,
        "from": {"name": "Ann", "email": "ann@example.com"},
        "recipients": ["info@acme.example"],
        "subject": "Mail 0",
        "receivedAt": "2026-11-21T08:00:00Z",
        "inboxId": inbox.public_id,
        "threadId": thread.public_id,
        "domain": "acme.example",
        "hasAttachments": False,
        "size": 42,
        "verdicts": {"spam": "PASS", "virus": None, "spf": None, "dkim": None, "dmarc": "FAIL"},
        "parseStatus": "ok",
    }


def test_mail_to_an_unknown_address_has_no_inbox(api: Api, make_message: Make) -> None:
    make_message()
    assert api.get(MESSAGES).json()["messages"][0]["inboxId"] is None


def test_pages_follow_the_cursor_and_lose_nothing_where_times_are_equal(api: Api, make_message: Make) -> None:
    for number in (0, 1, 1, 1, 2):
        make_message(number)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"{MESSAGES}?limit=2{cursor}").json()
        seen += [message["id"] for message in page["messages"]]
        cursor = page["nextCursor"] and f"&cursor={page['nextCursor']}"
    assert seen == list(InboundMessage.objects.order_by("-received_at", "-pk").values_list("public_id", flat=True))


def test_a_page_that_ends_with_the_list_has_no_cursor(api: Api, make_message: Make) -> None:
    make_message()
    assert api.get(f"{MESSAGES}?limit=1").json()["nextCursor"] is None


def test_a_foreign_or_broken_cursor_is_a_validation_error(api: Api, stranger: Api, make_message: Make) -> None:
    make_message(0), make_message(1)
    cursor = api.get(f"{MESSAGES}?limit=1").json()["nextCursor"]
    assert api.get(f"{MESSAGES}?cursor={cursor}").status_code == 200
    assert code_of(stranger.get(f"{MESSAGES}?cursor={cursor}")) == (400, "VALIDATION_ERROR")
    for broken in (cursor[:-1], "x", "", "%00", "%C3%BC", "x" * 2000):
        answer = api.get(f"{MESSAGES}?cursor={broken}")
        assert code_of(answer) == (400, "VALIDATION_ERROR")
        assert answer.json()["error"]["details"] == {"field": "cursor"}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "q=%00", "domain=%00", "inbox=" + "x" * 33])
def test_a_bad_parameter_is_a_validation_error(api: Api, query: str) -> None:
    assert code_of(api.get(f"{MESSAGES}?{query}")) == (400, "VALIDATION_ERROR")


def test_filters(api: Api, acme: Organization, inbox: EmailAccount, make_domain: Any, make_message: Make) -> None:
    other = make_domain(acme, "other.example")
    in_inbox = make_message(0, to_inbox=inbox, subject="Invoice number nine")
    elsewhere = make_message(1, domain=other, text="please pay the invoice")

    def found(query: str) -> list[str]:
        return [message["id"] for message in api.get(f"{MESSAGES}?{query}").json()["messages"]]

    assert found("domain=acme.example") == [in_inbox.public_id]
    assert found(f"domain={other.public_id}") == [elsewhere.public_id]
    assert found(f"inbox={inbox.public_id}") == [in_inbox.public_id]
    assert found("q=INVOICE") == [elsewhere.public_id, in_inbox.public_id]
    assert found("q=invoice%20nine") == [in_inbox.public_id]
    assert found("q=ann%40example.com&domain=other.example") == [elsewhere.public_id]
    assert found("domain=nobody.example") == found("inbox=inb_x") == found("q=%25") == []


WORDS = ["%", "_", "\\", "🎉", "👩\u200d👩\u200d👧", "the", "or", "'; --", "(", ":*", "acme.example", "say\u3000aloud"]
NO_WORDS = ["", " ", '"', '""', "\u3000", "\u00a0", "\u200e"]


@pytest.mark.parametrize("query", [*WORDS, *NO_WORDS], ids=range(len(WORDS) + len(NO_WORDS)))
def test_whatever_is_typed_is_a_search(api: Api, make_message: Make, query: str) -> None:
    wanted, other = make_message(text=f"say {query} aloud"), make_message(1, text="nothing")
    found = {message["id"] for message in api.get(f"{MESSAGES}?q={quote(query)}").json()["messages"]}
    assert found == ({wanted.public_id} if query in WORDS else {wanted.public_id, other.public_id})


def test_a_search_that_is_too_long_or_no_text_is_a_validation_error(api: Api) -> None:
    for query in ("x" * 10_000, "x" * 201, "\x00", "a\nb"):
        assert code_of(api.get(f"{MESSAGES}?q={quote(query)}")) == (400, "VALIDATION_ERROR")


def test_held_deleted_and_foreign_mail_is_not_listed(api: Api, globex: Organization, make_message: Make) -> None:
    make_message(disposition="held")
    make_message(deleted_at=NOW)
    make_message(organization=globex, domain=None)
    assert api.get(MESSAGES).json() == {"messages": [], "nextCursor": None}


@pytest.mark.parametrize("count", [1, 100])
def test_a_list_costs_at_most_three_statements_however_long(
    api: Api, inbox: EmailAccount, make_message: Make, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        make_message(number, to_inbox=inbox)
    api.get(MESSAGES)
    with django_assert_max_num_queries(3):
        page = api.get(f"{MESSAGES}?limit=100").json()
    assert [message["recipients"] for message in page["messages"]] == [["info@acme.example"]] * count


# --- one ------------------------------------------------------------------------------------------


def test_one_has_all_keys_in_order(api: Api, make_message: Make) -> None:
    message = make_message(
        to=[{"name": "", "email": "info@acme.example"}],
        reply_to=[{"name": "R", "email": "r@example.com"}],
        date=NOW,
        message_id_header="<1@example.com>",
        text="Hello",
        headers=[{"name": "Subject", "value": "Mail 0"}, {"name": "Subject", "value": "again"}],
        has_attachments=True,
    )
    second, first = attach(message, position=1, is_inline=True, content_id="c1"), attach(message, position=0)
    body = api.get(f"{MESSAGES}/{message.public_id}").json()
    assert list(body) == [
        *SUMMARY_KEYS,
        "to",
        "cc",
        "replyTo",
        "date",
        "messageIdHeader",
        "text",
        "html",
        "headers",
        "attachments",
    ]
    assert (body["to"], body["cc"]) == ([{"name": "", "email": "info@acme.example"}], [])
    assert body["replyTo"] == [{"name": "R", "email": "r@example.com"}]
    assert (body["date"], body["messageIdHeader"]) == ("2026-11-21T08:00:00Z", "<1@example.com>")
    assert [header["value"] for header in body["headers"]] == ["Mail 0", "again"]
    assert body["attachments"][0] == {
        "id": first.public_id,
        "filename": "a.pdf",
        "contentType": "application/pdf",
        "size": 3,
        "sha256": "0" * 64,
        "isInline": False,
        "contentId": None,
    }
    assert (body["attachments"][1]["id"], body["attachments"][1]["contentId"]) == (second.public_id, "c1")


def test_html_is_sanitised(api: Api, make_message: Make) -> None:
    message = make_message(html="<p onclick='x()'>Hi</p><script>alert(1)</script>")
    html = api.get(f"{MESSAGES}/{message.public_id}").json()["html"]
    assert "Hi" in html
    assert "script" not in html
    assert "onclick" not in html


def test_one_costs_three_statements(
    api: Api, make_message: Make, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    message = make_message()
    attach(message)
    api.get(MESSAGES)
    with django_assert_num_queries(3):
        api.get(f"{MESSAGES}/{message.public_id}")


def test_another_organizations_message_is_not_found(stranger: Api, make_message: Make) -> None:
    message = make_message()
    attachment = attach(message)
    path = f"{MESSAGES}/{message.public_id}"
    expected = stranger.get(f"{MESSAGES}/msg_nothing").content
    for method, suffix in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/raw"),
        ("GET", f"/attachments/{attachment.public_id}"),
    ):
        answer = stranger.send(method, path + suffix)
        assert (answer.status_code, answer.content) == (404, expected)
    assert InboundMessage.objects.get().deleted_at is None


def test_a_key_of_one_domain_sees_only_its_mail(
    key_with: Callable[..., Api], acme: Organization, make_domain: Any, make_message: Make
) -> None:
    own, other = make_message(), make_message(domain=make_domain(acme, "other.example"))
    Recipient.objects.create(message=own, address="boss@other.example")
    key = key_with(domain_name="acme.example")
    (listed,) = key.get(MESSAGES).json()["messages"]
    assert (listed["id"], listed["recipients"]) == (own.public_id, ["any@acme.example"])
    assert key.get(f"{MESSAGES}/{other.public_id}").status_code == 404


def test_reading_mail_takes_a_permission_of_its_own(key_with: Callable[..., Api], make_message: Make) -> None:
    path = f"{MESSAGES}/{make_message().public_id}"
    domains_only = key_with(scopes=["Domain.view"])
    for suffix in ("", "/raw", "/attachments/att_x"):
        assert code_of(domains_only.get(path + suffix)) == (403, "FORBIDDEN")
    readers = key_with(scopes=["Message.view"])
    assert readers.get(path).status_code == 200
    assert code_of(readers.delete(path)) == (403, "FORBIDDEN")


# --- delete ---------------------------------------------------------------------------------------


def test_delete_hides_it_for_good(api: Api, make_message: Make) -> None:
    path = f"{MESSAGES}/{make_message().public_id}"
    answer = api.delete(path)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert code_of(api.get(path)) == (404, "MESSAGE_NOT_FOUND")
    assert code_of(api.delete(path)) == (404, "MESSAGE_NOT_FOUND")


def test_purge_is_true_or_false(api: Api, make_message: Make) -> None:
    path = f"{MESSAGES}/{make_message().public_id}"
    assert code_of(api.delete(f"{path}?purge=yes")) == (400, "VALIDATION_ERROR")
    assert InboundMessage.objects.get().deleted_at is None


# --- bytes ----------------------------------------------------------------------------------------


@pytest.fixture
def stored(sandbox: object, make_message: Make, tmp_path: Path) -> InboundMessage:
    """A message whose raw mail and one attachment lie in S3."""
    ensure_bucket(**BUCKET, prefix="incoming/")
    message = make_message(key="mail/raw", **BUCKET)
    for key, content in (("mail/raw", RAW), ("mail/a", b"%PDF")):
        path = tmp_path / "object"
        path.write_bytes(content)
        put_file(**BUCKET, key=key, path=path)
    attach(message)
    return message


def assert_is_harmless(answer: Any) -> None:
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"] == "no-store"


def test_raw_is_streamed_byte_for_byte(api: Api, stored: InboundMessage) -> None:
    answer = api.get(f"{MESSAGES}/{stored.public_id}/raw")
    assert (answer.status_code, answer.streaming, answer["Content-Type"]) == (200, True, "message/rfc822")
    assert answer["Content-Length"] == str(len(RAW))
    assert hashlib.sha256(answer.getvalue()).hexdigest() == hashlib.sha256(RAW).hexdigest()
    assert_is_harmless(answer)


def test_an_attachment_is_a_download(api: Api, stored: InboundMessage) -> None:
    answer = api.get(f"{MESSAGES}/{stored.public_id}/attachments/{stored.attachments.get().public_id}")
    assert (answer["Content-Type"], answer.getvalue()) == ("application/pdf", b"%PDF")
    assert answer["Content-Disposition"] == 'attachment; filename="a.pdf"'
    assert_is_harmless(answer)


@pytest.mark.parametrize(
    "content_type", ["text/html", "image/svg+xml", "text/html; charset=utf-8", "x", "", "text/plain\r\nX-Evil: 1"]
)
def test_markup_is_only_bytes(api: Api, stored: InboundMessage, content_type: str) -> None:
    stored.attachments.update(content_type=content_type)
    answer = api.get(f"{MESSAGES}/{stored.public_id}/attachments/{stored.attachments.get().public_id}")
    assert answer["Content-Type"] == "application/octet-stream"
    assert "X-Evil" not in answer


@pytest.mark.parametrize("filename", ['a"b.pdf', "a\r\nX-Evil: 1.pdf", "Rechnung für März.pdf", "", "a\x00b", "a;b\\c"])
def test_a_file_name_stays_a_file_name(api: Api, stored: InboundMessage, filename: str) -> None:
    Attachment.objects.update(filename=filename.replace("\x00", "\x01"))
    answer = api.get(f"{MESSAGES}/{stored.public_id}/attachments/{stored.attachments.get().public_id}")
    assert answer.status_code == 200
    assert "\r" not in answer["Content-Disposition"]
    assert "X-Evil" not in answer
    assert_is_harmless(answer)


def test_an_attachment_of_another_message_is_not_found(api: Api, stored: InboundMessage, make_message: Make) -> None:
    other = make_message(1)
    path = f"{MESSAGES}/{other.public_id}/attachments/{stored.attachments.get().public_id}"
    assert code_of(api.get(path)) == (404, "ATTACHMENT_NOT_FOUND")


def test_bytes_that_are_gone_are_a_404_and_not_half_an_answer(api: Api, stored: InboundMessage) -> None:
    InboundMessage.objects.update(key="mail/expired")
    assert code_of(api.get(f"{MESSAGES}/{stored.public_id}/raw")) == (404, "RAW_NOT_KEPT")


def test_purge_takes_the_objects_too(api: Api, stored: InboundMessage) -> None:
    assert api.delete(f"{MESSAGES}/{stored.public_id}?purge=true").status_code == 200
    assert object_size(**BUCKET, key="mail/raw") is None
    assert object_size(**BUCKET, key="mail/a") is None


@pytest.mark.parametrize(
    "query",
    ["parcel", '"my parcel"', "parc", "ann@example", "example.com", "-invoice", "parcel or nothing", "100%25", "ünï"],
)
def test_a_search_goes_on_over_pages_and_never_to_another_organization(
    api: Api, globex: Organization, make_message: Make, query: str
) -> None:
    text = "Where is my parcel? 100% of ÜNÏCODE"
    wanted = [make_message(number % 3, text=text).public_id for number in range(7)]
    make_message(9, text="invoice", from_email="else@nowhere.test")
    InboundMessage.objects.create(
        organization=globex, ses_message_id="theirs", received_at=NOW, text=text, from_email="ann@example.com"
    )
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"{MESSAGES}?limit=2&q={query}{cursor}").json()
        seen += [message["id"] for message in page["messages"]]
        cursor = page["nextCursor"] and f"&cursor={page['nextCursor']}"
    assert sorted(seen) == sorted(wanted)


@pytest.mark.parametrize("named", ["boss@other.example", "any@acme.example"])
@pytest.mark.parametrize("length", [0, 300_000])
def test_a_key_of_one_domain_reads_of_no_recipient_in_another(
    api: Api, key_with: Callable[..., Api], sandbox: object, make_message: Make, tmp_path: Path, named: str, length: int
) -> None:
    """SES may name one envelope recipient in its own Received header: a blind copy stands nowhere else."""
    clause = f" for {named}"
    value = f"from mx.e.example by inbound-smtp.us-east-1.amazonaws.com with SMTP id abc{clause}; Sat, 21 Nov 2026"
    raw = f"Received: {value}\r\nFrom: a@e.example\r\n\r\nfor boss@other.example\r\n{'x' * length}".encode()
    ensure_bucket(**BUCKET, prefix="incoming/")
    (tmp_path / "mail").write_bytes(raw)
    put_file(**BUCKET, key="mail/one/raw", path=tmp_path / "mail")
    headers = [{"name": "Received", "value": value}, {"name": "Received", "value": value}]
    message = make_message(**BUCKET, key="mail/one/raw", headers=headers)
    Recipient.objects.create(message=message, address="boss@other.example")
    limited, path = key_with(domain_name="acme.example"), f"{MESSAGES}/{message.public_id}"
    is_own = named.endswith("@acme.example")
    read, download = limited.get(path).json(), limited.get(f"{path}/raw")
    # The second of that name was written by the sender, as was the text.
    assert [header["value"] for header in read["headers"]] == [value if is_own else value.replace(clause, ""), value]
    expected = raw if is_own else raw.replace(clause.encode(), b"", 1)
    assert b"".join(download.streaming_content) == expected
    assert int(download["Content-Length"]) == len(expected)
    assert b"".join(api.get(f"{path}/raw").streaming_content) == raw
