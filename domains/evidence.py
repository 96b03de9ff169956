"""Gather what a check needs, without the database: what DNS shows for the records of some domains."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from domains.dns.answers import Observation
from domains.dns.asking_order import Question, Weight
from domains.dns.evaluation import Expected, IssuedTokens, Judgement, Verdict, extra_questions, judge
from domains.dns.public_view import system_resolvers
from domains.dns.resolver import Thrift, observe
from domains.dns.summary import Wishes, further_questions, questions
from domains.models import DnsRecord, Domain, IssuedToken
from domains.records import Purpose, SpfMode

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 5.0
DOMAINS_IN_FLIGHT = 20
# What proves a name is seen at all servers of its zone, what it needs to work at as many as there are questions for.
WEIGHTS: Mapping[str, Weight] = {
    Purpose.OWNERSHIP: Weight.DECIDES,
    Purpose.CLAIM: Weight.DECIDES,
    Purpose.INBOUND: Weight.NEEDED,
    Purpose.DKIM: Weight.NEEDED,
}


@dataclass(frozen=True)
class Seen:
    """What DNS showed for one domain: the answers and, by the record's key, the judgement of each."""

    observation: Observation
    judgements: dict[int, Judgement]


@dataclass(frozen=True)
class Look:
    """What to look for: one domain, its current records, and every token ever handed out for its name."""

    domain: Domain
    records: Sequence[DnsRecord]
    issued: IssuedTokens


def resolver_endpoints() -> tuple[tuple[str, int], ...]:
    """DNS_RESOLVERS as (address, port); the system's where none is set."""
    endpoints: list[tuple[str, int]] = []
    for resolver in settings.DNS_RESOLVERS:
        host, colon, port = resolver.rpartition(":")
        is_bare = not colon or (":" in host and not host.startswith("["))
        endpoints.append((resolver, 53) if is_bare else (host.strip("[]"), int(port)))
    return tuple(endpoints) or system_resolvers()


def look_for(*, domain: Domain, records: Sequence[DnsRecord]) -> Look:
    """Read from the database what the look itself, which may run in a thread, must not."""
    ownership: list[str] = []
    dkim: list[str] = []
    claim: list[str] = []
    other_regions: list[str] = []
    by_kind = {
        IssuedToken.Kind.OWNERSHIP.value: ownership,
        IssuedToken.Kind.DKIM.value: dkim,
        IssuedToken.Kind.CLAIM.value: claim,
    }
    # Another organization's claim token is no value of this one's, and not for it to know.
    own = ~Q(kind=IssuedToken.Kind.CLAIM) | Q(organization=domain.organization_id)
    issued = IssuedToken.objects.filter(own, name=domain.name).order_by("-issued_at", "-pk")
    for kind, region, token in issued.values_list("kind", "region", "token"):
        is_here = region == domain.region or kind == IssuedToken.Kind.CLAIM
        (by_kind[kind] if is_here else other_regions).append(token)
    today = {record.value.partition(".")[0] for record in records if record.purpose == Purpose.DKIM}
    handed_out = issued.filter(kind=IssuedToken.Kind.DKIM).exclude(token__in=today)
    return Look(
        domain,
        records,
        IssuedTokens(
            ownership=tuple(ownership),
            dkim=tuple(dkim),
            claim=tuple(claim),
            other_regions=tuple(other_regions),
            former_dkim=tuple(handed_out.values_list("token", flat=True)),
        ),
    )


def wishes_of(domain: Domain) -> Wishes:
    """What a summary of the domain's DNS holds it against."""
    return Wishes(
        domain.name,
        dmarc_value=domain.dmarc_value if domain.is_dmarc_wanted else "",
        spf_value=domain.spf_value if domain.spf_mode == SpfMode.FORCE_VALUE else "",
        is_spf_wanted=domain.spf_mode != SpfMode.OFF,
    )


def see(look: Look, *, deadline_seconds: float = DEADLINE_SECONDS) -> Seen:
    """Ask DNS, within the deadline in all; no database, no exception: what can not be seen is `unknown`."""
    expected = {
        record.pk: Expected(record.purpose, record.type, record.name, record.value, record.priority)
        for record in look.records
    }
    domain = look.domain
    return look_at(domain.name, expected, region=domain.region, issued=look.issued, deadline_seconds=deadline_seconds)


def look_at(
    name: str,
    expected: Mapping[int, Expected],
    *,
    region: str,
    issued: IssuedTokens,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Seen:
    """The same for any name and what is expected there, claimed or not."""

    def judged(seen: Observation) -> dict[int, Judgement]:
        return {key: judge(each, seen, domain=name, region=region, issued=issued) for key, each in expected.items()}

    observation = observe(
        sorted({*((each.name, each.type) for each in expected.values()), *questions(name)}),
        resolvers=resolver_endpoints(),
        authoritative_port=settings.DNS_AUTHORITATIVE_PORT,
        deadline_seconds=deadline_seconds,
        # What may decide over a record comes before where it may be instead: the questions may not do for all.
        more=lambda seen: [
            *further_questions(name, seen),
            *(
                question
                for each in expected.values()
                for question in extra_questions(each, seen, domain=name, issued=issued)
            ),
        ],
        thrift=Thrift(_weights(expected.values()), lambda seen: all(map(_is_well, judged(seen).values()))),
    )
    return Seen(observation, judged(observation))


def _weights(expected: Iterable[Expected]) -> dict[Question, Weight]:
    weights: dict[Question, Weight] = {}
    for each in expected:
        question = (each.name, each.type)
        weights[question] = max(WEIGHTS.get(each.purpose, Weight.OTHER), weights.get(question, Weight.OTHER))
    return weights


def _is_well(judgement: Judgement) -> bool:
    """Nothing that other servers, or what caches hold of the other records, could say more of."""
    return judgement.verdict is Verdict.OK and judgement.code != "not_propagated"


def see_all(looks: Sequence[Look]) -> list[Seen | None]:
    """The same for many domains at once; None for one that a fault of ours keeps from being looked at."""
    with ThreadPoolExecutor(max_workers=DOMAINS_IN_FLIGHT, thread_name_prefix="dns") as pool:
        return list(pool.map(_see_or_log, looks))


def _see_or_log(look: Look) -> Seen | None:
    try:
        return see(look)
    except Exception:
        # What one customer's zone serves must not blind us for the ninety-nine beside it.
        logger.exception("%s could not be looked at", look.domain.name)
        return None
