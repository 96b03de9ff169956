"""Who calls: the API key of the Authorization header, and what that key sees and may do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.api_keys import find_api_key
from accounts.models import ApiKey, Organization
from accounts.permissions import permissions_for
from api.envelopes import Kind, Problem
from channels.connecting import ChannelNotFound, access_channel
from channels.inboxes import InboxNotFound, visible_inboxes
from channels.models import (
    Channel,
    EmailAccount,
    EmailAccountQuerySet,
    SesSetup,
    SesSetupQuerySet,
    UseCase,
    UseCaseQuerySet,
)
from channels.setups import access_setup, access_use_case, standing_setups, visible_setups, visible_use_cases
from domains.models import Domain
from domains.models.domain import DomainQuerySet
from domains.registration import DomainNotFound, validated_name, visible_domains
from inbound.models import InboundMessage
from inbound.reading import MessageNotFound, came_for, visible_messages
from webhooks.endpoints import DeliveryNotFound, EndpointNotFound, visible_deliveries, visible_endpoints
from webhooks.models import WebhookDelivery, WebhookEndpoint

# RFC 6750 section 2.1; the scheme is case-insensitive (RFC 9110 section 11.1).
BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
# An id outside this alphabet is in no table, and PostgreSQL refuses NUL and surrogates in a parameter.
PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
LIMITED_TO_ONE_DOMAIN = "This key is limited to one domain."


@dataclass(frozen=True)
class Caller:
    """A key and the moment of its request; every object that a user names is reached through one of these methods."""

    api_key: ApiKey
    now: datetime

    @property
    def organization(self) -> Organization:
        return self.api_key.organization

    @property
    def actor(self) -> str:
        return f"key {self.api_key.prefix}"

    @property
    def only_domain(self) -> str:
        """The one name that this key is limited to; empty when it is not."""
        return self.api_key.domain_name

    @cached_property
    def permissions(self) -> frozenset[str]:
        return permissions_for(self.api_key.role, self.api_key.scopes)

    def demand_name(self, name: object) -> None:
        """Refuse to claim another name than the one that the key is limited to; raises InvalidDomainName first."""
        if self.only_domain and validated_name(name).ascii != self.only_domain:
            raise Problem(Kind.FORBIDDEN, LIMITED_TO_ONE_DOMAIN)

    def domains(self) -> DomainQuerySet:
        rows = visible_domains(organization=self.organization)
        return rows.filter(name=self.only_domain) if self.only_domain else rows

    def access_domain(self, public_id: str, *, among: DomainQuerySet | None = None) -> Domain:
        """The domain of this id, from `among` where the caller wants more columns; raises DomainNotFound."""
        rows = self.domains() if among is None else among
        domain = rows.filter(public_id=public_id).first() if PUBLIC_ID.fullmatch(public_id) else None
        if domain is None:
            raise DomainNotFound
        return domain

    def access_domain_by_name(self, name: object) -> Domain:
        """Raises InvalidDomainName, DomainNotFound."""
        domain = self.domains().filter(name=validated_name(name).ascii).first()
        if domain is None:
            raise DomainNotFound
        return domain

    def access_channel(self, channel_id: int) -> Channel:
        """Raises ChannelNotFound."""
        channel = access_channel(organization=self.organization, channel_id=channel_id)
        if self.only_domain and channel.name != self.only_domain:
            raise ChannelNotFound
        return channel

    def inboxes(self) -> EmailAccountQuerySet:
        rows = visible_inboxes(organization=self.organization)
        return rows.filter(domain__name=self.only_domain) if self.only_domain else rows

    def access_inbox(self, public_id: str) -> EmailAccount:
        """Raises InboxNotFound."""
        inbox = self.inboxes().filter(public_id=public_id).first() if PUBLIC_ID.fullmatch(public_id) else None
        if inbox is None:
            raise InboxNotFound
        return inbox

    def setups(self, *, is_for_deletion: bool = False) -> SesSetupQuerySet:
        rows = (standing_setups if is_for_deletion else visible_setups)(organization=self.organization)
        return rows.filter(domain__name=self.only_domain) if self.only_domain else rows

    def access_setup(self, setup_id: UUID, *, is_for_deletion: bool = False) -> SesSetup:
        """Raises SetupNotFound."""
        return access_setup(among=self.setups(is_for_deletion=is_for_deletion), uuid=setup_id)

    def use_cases(self) -> UseCaseQuerySet:
        rows = visible_use_cases(organization=self.organization)
        return rows.filter(setup__domain__name=self.only_domain) if self.only_domain else rows

    def access_use_case(self, use_case_id: UUID) -> UseCase:
        """Raises UseCaseNotFound."""
        return access_use_case(among=self.use_cases(), uuid=use_case_id)

    def messages(self) -> QuerySet[InboundMessage]:
        rows = visible_messages(organization=self.organization)
        if not self.only_domain:
            return rows
        return came_for(rows, Domain.objects.filter(organization=self.organization, name=self.only_domain))

    def access_message(self, public_id: str, *, among: QuerySet[InboundMessage] | None = None) -> InboundMessage:
        """Raises MessageNotFound."""
        rows = self.messages() if among is None else among
        message = rows.filter(public_id=public_id).first() if PUBLIC_ID.fullmatch(public_id) else None
        if message is None:
            raise MessageNotFound
        return message

    def webhooks(self) -> QuerySet[WebhookEndpoint]:
        """The endpoints; they hear of every domain of the organization, so a key of one domain sees none."""
        rows = visible_endpoints(organization=self.organization)
        return rows.none() if self.only_domain else rows

    def access_webhook(self, public_id: str) -> WebhookEndpoint:
        """Raises EndpointNotFound."""
        endpoint = self.webhooks().filter(public_id=public_id).first() if PUBLIC_ID.fullmatch(public_id) else None
        if endpoint is None:
            raise EndpointNotFound
        return endpoint

    def access_delivery(self, public_id: str) -> WebhookDelivery:
        """Raises DeliveryNotFound."""
        rows = visible_deliveries(organization=self.organization)
        delivery = rows.filter(public_id=public_id).first() if PUBLIC_ID.fullmatch(public_id) else None
        if delivery is None or self.only_domain:
            raise DeliveryNotFound
        return delivery


def authenticate(request: HttpRequest, *, now: datetime) -> Caller:
    """The caller by its Bearer key, from the header alone: a key in a query or a body ends in logs.

    Raises Problem(UNAUTHORIZED), the same for a missing, malformed, unknown, expired and revoked key.
    """
    found = BEARER.fullmatch(request.headers.get("Authorization", "").strip())
    api_key = find_api_key(secret=found.group(1), now=now) if found else None
    if api_key is None:
        raise Problem(Kind.UNAUTHORIZED, headers={"WWW-Authenticate": 'Bearer realm="postern"'})
    return Caller(api_key=api_key, now=now)
