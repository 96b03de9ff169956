"""One organization's things of every kind that a route can name, live or gone, and the ids they go by."""

from __future__ import annotations

import itertools
import random
import re
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from accounts.api_keys import issue_api_key
from accounts.models import ApiKey, Organization
from channels.models import Channel, EmailAccount, SesSetup, UseCase
from domains.models import Domain, SesTenant
from inbound.models import Attachment, InboundMessage, Recipient, Thread
from tests.contracts.conftest import NOW
from webhooks.models import WebhookEndpoint

MakeDomain = Callable[..., Domain]

# Integer ids far apart, so that no number is by chance the id of two kinds of thing.
_numbers = itertools.count(700_001, 10_007)
PREFIXED = re.compile(r"([a-z]{2,5}_)[A-Za-z0-9_-]{21}")


@dataclass(frozen=True)
class Thing:
    """`kind` is the stem of the path parameter that takes it: `domain` for `<domain_id>`."""

    kind: str
    ids: tuple[str, ...]


def world_of(organization: Organization, name: str, make_domain: MakeDomain, *, is_gone: bool = False) -> list[Thing]:
    """A domain `name` of the organization with all that can hang on it; gone, it is all removed, deleted or revoked."""
    removed = {"removed_at": NOW} if is_gone else {}
    domain = make_domain(organization, name, status="active", **removed)
    channel = Channel.objects.create(
        pk=next(_numbers),
        organization=organization,
        name=name,
        domain=None if is_gone else domain,
        is_connected=not is_gone,
    )
    account = EmailAccount.objects.create(
        pk=next(_numbers),
        organization=organization,
        domain=domain,
        channel=channel,
        email=f"info@{name}",
        local_part="info",
        **removed,
    )
    thread = Thread.objects.create(organization=organization, subject="Secret subject")
    message = InboundMessage.objects.create(
        organization=organization,
        domain=domain,
        inbox=account,
        thread=thread,
        ses_message_id=f"ses-{name}",
        received_at=NOW,
        subject="Secret subject",
        deleted_at=NOW if is_gone else None,
    )
    Recipient.objects.create(message=message, address=account.email, domain=domain, inbox=account)
    attachment = Attachment.objects.create(
        message=message, position=0, content_type="text/plain", size=1, sha256="0" * 64, key="nowhere"
    )
    key = issue_api_key(organization=organization, name="another", now=NOW).api_key
    number = next(_numbers)
    ApiKey.objects.filter(pk=key.pk).update(id=number, revoked_at=NOW if is_gone else None)
    # A setup goes by its domain's UUID: that domain is another than the one above.
    own_domain = make_domain(organization, f"setup.{name}", status="active", **removed)
    tenant = SesTenant.objects.create(
        organization=organization, domain=own_domain, tenant_name=name.replace(".", "-"), region="us-east-1", **removed
    )
    setup = SesSetup.objects.create(organization=organization, domain=own_domain, tenant=tenant, **removed)
    sender = EmailAccount.objects.create(
        organization=organization, domain=own_domain, email=f"orders@setup.{name}", local_part="orders", **removed
    )
    use_case = UseCase.objects.create(
        setup=setup, inbox=sender, entity_name="Secret", name="Orders", email_type="marketing"
    )
    webhook = WebhookEndpoint.objects.create(
        organization=organization, url="https://hooks.example/in", events=["message.received"], secret_encrypted="-"
    )
    if is_gone:
        webhook.delete()
    return [
        Thing("domain", (domain.public_id, str(domain.uuid), domain.name)),
        Thing("channel", (str(channel.pk),)),
        Thing("setup", (str(own_domain.uuid),)),
        Thing("use_case", (str(use_case.uuid),)),
        Thing("inbox", (account.public_id, str(account.pk), account.email)),
        Thing("message", (message.public_id,)),
        Thing("thread", (thread.public_id,)),
        Thing("attachment", (attachment.public_id,)),
        Thing("key", (str(number),)),
        Thing("webhook", (webhook.public_id,)),
    ]


def nobodys(like: str) -> str:
    """An id of the same shape that nothing has."""
    if prefixed := PREFIXED.fullmatch(like):
        return prefixed[1] + "".join(random.choices(string.ascii_letters, k=21))
    if like.isdecimal():
        return str(int(like) + 1)
    try:
        uuid.UUID(like)
    except ValueError:
        local, at, name = like.rpartition("@")
        return local + at + "".join(random.choices(string.ascii_lowercase, k=len(name) - 8)) + ".example"
    return str(uuid.uuid4())
