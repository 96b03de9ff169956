"""Which zone of a DNS host a domain's records may be written into, and with whose credentials."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone

from accounts.errors import Refusal, UpstreamRefusal, UpstreamTimedOut
from accounts.models import Organization
from aws.pacing import Caller, person
from domains.dns.resolver import observe
from domains.dns_hosts import HOSTS
from domains.dns_hosts.host import HostRefused, HostUnavailable, HostZone, OpenZone
from domains.evidence import resolver_endpoints
from domains.models import AssignedZone, DnsHostCredential, Domain

logger = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
DNS_SECONDS = 4.0


class NoWritableZone(Refusal):
    code = "no_writable_zone"
    default_message = "There is no zone for this domain that may be written: publish the records at your DNS host."


@contextmanager
def host_refusals() -> Iterator[None]:
    """Raise UpstreamTimedOut or UpstreamRefusal where a DNS host is away; what it refuses goes through."""
    try:
        yield
    except HostUnavailable as error:
        if error.is_silent:
            raise UpstreamTimedOut("The DNS host did not answer in time.") from error
        raise UpstreamRefusal("The DNS host could not be reached.") from error


def has_way_into_a_zone(*, organization: Organization) -> bool:
    """Whether the organization has connected a DNS host, or may have zones of the installation's own written."""
    if settings.SERVES_UNASSIGNED_ZONES or AssignedZone.objects.filter(organization=organization).exists():
        return True
    return any(each.is_complete for each in DnsHostCredential.objects.filter(organization=organization))


def find_zone(*, domain: Domain) -> HostZone | None:
    """The zone that `open_zone` would open, or None; a host that is away or refuses is no zone either."""
    try:
        return open_zone(domain=domain, caller=person(LOOK_SECONDS)).zone
    except (NoWritableZone, UpstreamRefusal) as refusal:
        logger.info("%s has no writable zone: %s", domain.name, refusal.__cause__ or refusal)
        return None


def open_zone(*, domain: Domain, caller: Caller) -> OpenZone:
    """The public zone of the longest suffix of the domain's name, by the organization's own credentials or by ours.

    Ours serve only zones that staff assigned to the organization, unless SERVES_UNASSIGNED_ZONES. Raises
    NoWritableZone, and UpstreamTimedOut or UpstreamRefusal where a host could not be asked.
    """
    with host_refusals():
        own = DnsHostCredential.objects.filter(organization=domain.organization_id).order_by("pk")
        found = [zone for credential in own for zone in _open(domain.name, credential.host, credential, caller)]
        zone = _closest(found)
        if zone is not None:
            return zone
        for host in HOSTS:
            zone = _closest(_open(domain.name, host, None, caller))
            if zone is not None and _is_assigned(zone.zone, domain):
                return zone
    raise NoWritableZone


def _open(name: str, host: str, credential: DnsHostCredential | None, caller: Caller) -> list[OpenZone]:
    if host not in HOSTS or (credential is not None and not credential.is_complete):
        return []
    try:
        zones = HOSTS[host].open_zones(name=name, credential=credential, caller=caller)
    except HostRefused as error:
        # A role that does not trust us, a token that has ended: somebody else may have the zone.
        logger.info("%s can not be used for %s: %s", credential or host, name, error)
        _note(credential, str(error))
        return []
    _note(credential, "")
    return zones


def _note(credential: DnsHostCredential | None, error: str) -> None:
    """Keep with the credential how its last use ended, for the page that lists it."""
    if credential is not None and credential.last_error != error:
        DnsHostCredential.objects.filter(pk=credential.pk).update(last_error=error, checked_at=timezone.now())


def _closest(zones: Sequence[OpenZone]) -> OpenZone | None:
    """The zone of the longest name; of several of that name the one that the internet is led to."""
    longest = max((len(each.zone.name) for each in zones), default=0)
    # Two credentials may see one zone.
    closest = {(each.zone.host, each.zone.zone_id): each for each in zones if len(each.zone.name) == longest}
    return _delegated(list(closest.values())) if len(closest) > 1 else next(iter(closest.values()), None)


def _is_assigned(zone: HostZone, domain: Domain) -> bool:
    if settings.SERVES_UNASSIGNED_ZONES:
        return True
    return AssignedZone.objects.filter(
        organization=domain.organization_id, host=zone.host, zone_id=zone.zone_id
    ).exists()


def _delegated(zones: Sequence[OpenZone]) -> OpenZone | None:
    """Of zones that share a name the one that the internet is led to; None where that can not be told."""
    name = zones[0].zone.name
    seen = observe(
        [(name, "NS")],
        resolvers=resolver_endpoints(),
        authoritative_port=settings.DNS_AUTHORITATIVE_PORT,
        deadline_seconds=DNS_SECONDS,
    )
    if seen.zone != name:
        return None
    return next((each for each in zones if set(each.zone.name_servers) == set(seen.name_servers)), None)
