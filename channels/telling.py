"""What customers' systems are told of an inbox: written in the transaction of the fact."""

from __future__ import annotations

from datetime import datetime

from accounts.timestamps import seconds
from channels.models import EmailAccount
from webhooks.events import emit


def tell(inbox: EmailAccount, type_: str, *, key: str, now: datetime) -> int:
    """Tell the organization's webhooks, inside the caller's transaction; `key` names the fact, which is told once."""
    return emit(organization=inbox.organization, type=type_, key=key, data=lambda: inbox_body(inbox), now=now)


def inbox_body(inbox: EmailAccount) -> dict[str, object]:
    return {
        "id": inbox.public_id,
        "email": inbox.email,
        "domainId": inbox.domain.public_id,
        "name": inbox.name,
        "status": "active" if inbox.is_active else "inactive",
        "createdAt": seconds(inbox.created_at),
    }
