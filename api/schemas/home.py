"""What the home API takes and answers beyond its contract: inboxes, messages, a domain's history."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from api.json_schema import Facets
from api.operations import UPSTREAM, Bytes, Operation
from api.schemas.email_domains import Removed
from api.schemas.scalars import (
    AttachmentId,
    Count,
    Cursor,
    DomainId,
    DomainName,
    EventId,
    InboxId,
    Limit,
    MessageId,
    NextCursor,
    Offset,
    Seconds,
    ThreadId,
)
from channels.addresses import InvalidAddress
from channels.inboxes import DomainNotActive, InboxExists, InboxNotFound
from domains.names import InvalidDomainName
from domains.registration import DomainNotFound
from inbound.reading import AttachmentNotFound, MessageNotFound, RawNotKept

# --- inboxes -----------------------------------------------------------------------------------


class Inbox(TypedDict):
    id: InboxId
    email: str
    domainId: DomainId
    name: str
    status: Literal["active", "inactive"]
    createdAt: Seconds


class InboxPage(TypedDict):
    inboxes: list[Inbox]
    total: Annotated[Count, Facets(description="Of all pages.")]
    limit: int
    offset: int


class InboxQuery(TypedDict):
    limit: NotRequired[Limit]
    offset: NotRequired[Offset]


class WantedInbox(TypedDict):
    """`email`, or `username` with `domainId`."""

    email: NotRequired[Annotated[str, Facets(examples=["support@mail.example.com"])]]
    username: NotRequired[str]
    domainId: NotRequired[str]
    name: NotRequired[Annotated[str, Facets(maxLength=200)]]


LIST_INBOXES = Operation("listInboxes", "List the inboxes, the newest first", {200: InboxPage}, query=InboxQuery)
CREATE_INBOX = Operation(
    "createInbox",
    "Make an inbox at a verified domain",
    {201: Inbox},
    body=WantedInbox,
    refusals=(InvalidAddress, InvalidDomainName("empty"), DomainNotFound, DomainNotActive, InboxExists),
)
READ_INBOX = Operation("getInbox", "Read an inbox", {200: Inbox}, refusals=(InboxNotFound,))
DELETE_INBOX = Operation("deleteInbox", "Delete an inbox; its messages stay", {200: Removed}, refusals=(InboxNotFound,))

# --- messages ----------------------------------------------------------------------------------

Verdict = Annotated[str | None, Facets(examples=["PASS", "FAIL", "GRAY", "PROCESSING_FAILED"])]


class Person(TypedDict):
    name: str
    email: str


class Verdicts(TypedDict):
    """What SES made of the mail; null where it said nothing."""

    spam: Verdict
    virus: Verdict
    spf: Verdict
    dkim: Verdict
    dmarc: Verdict


# A field that is a word of Python's has to be written so.
_From = TypedDict("_From", {"from": Person})


class Summary(_From):
    """A message as lists show it; `recipients` are the organization's own envelope recipients."""

    id: MessageId
    recipients: list[str]
    subject: str
    receivedAt: Seconds
    inboxId: InboxId | None
    threadId: ThreadId | None
    domain: DomainName | None
    hasAttachments: bool
    size: Count
    verdicts: Verdicts
    parseStatus: Literal["ok", "partial", "failed"]


class MessagePage(TypedDict):
    messages: list[Summary]
    nextCursor: NextCursor


class MessageQuery(TypedDict):
    domain: NotRequired[Annotated[str, Facets(maxLength=253, description="A domain's name or id.")]]
    inbox: NotRequired[Annotated[str, Facets(maxLength=32, description="An inbox's id.")]]
    q: NotRequired[
        Annotated[
            str,
            Facets(
                maxLength=200,
                description='Words of sender, subject or text, all of them wanted; "quotes", -word and or as usual.',
            ),
        ]
    ]
    limit: NotRequired[Limit]
    cursor: NotRequired[Cursor]


class Header(TypedDict):
    name: str
    value: str


class Attachment(TypedDict):
    id: AttachmentId
    filename: str
    contentType: str
    size: Count
    sha256: Annotated[str, Facets(pattern="^[0-9a-f]{64}$")]
    isInline: bool
    contentId: str | None


class Message(Summary):
    """`html` has been sanitised."""

    to: list[Person]
    cc: list[Person]
    replyTo: list[Person]
    date: Seconds | None
    messageIdHeader: str
    text: str
    html: str
    headers: list[Header]
    attachments: list[Attachment]


class DeletionQuery(TypedDict):
    purge: NotRequired[Literal["true", "false"]]


class Deleted(TypedDict):
    success: Literal[True]


LIST_MESSAGES = Operation("listMessages", "List the messages, the newest first", {200: MessagePage}, query=MessageQuery)
READ_MESSAGE = Operation("getMessage", "Read a message", {200: Message}, refusals=(MessageNotFound,))
DELETE_MESSAGE = Operation(
    "deleteMessage",
    "Delete a message; with `purge` its raw mail at once",
    {200: Deleted},
    query=DeletionQuery,
    refusals=(MessageNotFound, *UPSTREAM),
)
# As SES itself calls the header that it writes into a mail.
VIRUS_VERDICT = "X-SES-Virus-Verdict"
_DOWNLOAD_HEADERS = {VIRUS_VERDICT: "What SES made of the mail; FAIL or GRAY: open it with care. Absent if not known."}
DOWNLOAD_MESSAGE = Operation(
    "getRawMessage",
    "Download the raw mail",
    {200: Bytes("message/rfc822")},
    refusals=(MessageNotFound, RawNotKept, *UPSTREAM),
    headers=_DOWNLOAD_HEADERS,
)
DOWNLOAD_ATTACHMENT = Operation(
    "getAttachment",
    "Download an attachment",
    {200: Bytes("*/*")},
    refusals=(MessageNotFound, AttachmentNotFound, RawNotKept, *UPSTREAM),
    headers=_DOWNLOAD_HEADERS,
)

# --- a domain's history ------------------------------------------------------------------------


class Event(TypedDict):
    """`before` and `after` are the status where it changed."""

    id: EventId
    type: str
    at: Seconds
    actor: str
    before: str | None
    after: str | None
    reason: str | None


class EventPage(TypedDict):
    events: list[Event]
    nextCursor: NextCursor


class EventQuery(TypedDict):
    limit: NotRequired[Limit]
    cursor: NotRequired[Cursor]


LIST_EVENTS = Operation(
    "listDomainEvents",
    "What happened to a domain, the newest first",
    {200: EventPage},
    query=EventQuery,
    refusals=(DomainNotFound,),
)
