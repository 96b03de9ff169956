"""What `domains_by_name` answers about mail: an inbox's messages and conversations."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from api.json_schema import Facets
from api.operations import Operation
from api.schemas.domains_by_name import LINK, Refused
from api.schemas.scalars import AttachmentId, Count, Cursor, InboxId, MessageId, Milliseconds, OrganizationId, ThreadId
from channels.inboxes import InboxNotFound
from inbound.reading import MessageNotFound, ThreadNotFound


class Attachment(TypedDict):
    id: AttachmentId
    name: str
    contentType: str
    size: Count


# A field that is a word of Python's has to be written so.
_From = TypedDict("_From", {"from": str})


class MessageSummary(_From):
    """`to`, `cc` are those of the mail's own header; a blind copy is to the inbox's address."""

    _id: MessageId
    id: MessageId
    organizationId: OrganizationId
    inboxId: InboxId
    threadId: NotRequired[ThreadId]
    toInboxId: InboxId
    to: list[str]
    cc: list[str]
    bcc: list[str]
    labels: list[str]
    subject: str
    status: Literal["received"]
    createdAt: Milliseconds
    updatedAt: Milliseconds


class Message(MessageSummary):
    """`html` has been sanitised."""

    text: str
    html: str
    attachments: list[Attachment]


class MessageQuery(TypedDict):
    query: NotRequired[Annotated[str, Facets(maxLength=200, description="Words of sender, subject or text.")]]
    limit: NotRequired[Annotated[int, Facets(minimum=1, maximum=1000, default=1000)]]
    cursor: NotRequired[Cursor]


class _Thread(TypedDict):
    _id: ThreadId
    id: ThreadId
    organizationId: OrganizationId
    inboxId: InboxId
    subject: str
    createdAt: Milliseconds
    updatedAt: Milliseconds


class ThreadSummary(_Thread):
    """With the newest of its messages."""

    messages: list[MessageSummary]


class Thread(_Thread):
    messages: list[Message]


class ThreadsQuery(TypedDict):
    limit: NotRequired[Annotated[int, Facets(minimum=1, maximum=200, default=200)]]
    cursor: NotRequired[Cursor]


class ThreadQuery(TypedDict):
    limit: NotRequired[Annotated[int, Facets(minimum=1, maximum=1000, default=1000)]]
    cursor: NotRequired[Cursor]


LIST_MESSAGES = Operation(
    "listMessages",
    "List an inbox's messages",
    {200: list[Message]},
    query=MessageQuery,
    headers=LINK,
    refusals=(InboxNotFound,),
)
READ_MESSAGE = Operation("getMessage", "Read a message", {200: Message}, refusals=(InboxNotFound, MessageNotFound))
SEND_MESSAGE = Operation(
    "sendMessage",
    "Not offered: this product only receives",
    {},
    refusals=(InboxNotFound,),
    own_refusals={501: Refused},
)
REPLY_MESSAGE = Operation(
    "replyMessage",
    "Not offered: this product only receives",
    {},
    refusals=(InboxNotFound, MessageNotFound),
    own_refusals={501: Refused},
)
LIST_THREADS = Operation(
    "listThreads",
    "List an inbox's conversations",
    {200: list[ThreadSummary]},
    query=ThreadsQuery,
    headers=LINK,
    refusals=(InboxNotFound,),
)
READ_THREAD = Operation(
    "getThread",
    "Read a conversation",
    {200: Thread},
    query=ThreadQuery,
    headers=LINK,
    refusals=(InboxNotFound, ThreadNotFound),
)
