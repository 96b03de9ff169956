"""Whether the right servers were asked, and agree: what is wrong before any record is looked at (pure)."""

from __future__ import annotations

from dataclasses import replace

from domains.dns.answers import Outcome, ServerAnswer
from domains.dns.judgement import Context, Finding, Verdict
from domains.dns.matching import is_satisfied, looks_like_dmarc
from domains.dns.spf import is_spf
from domains.names import is_below, registrable_domain


def is_right(context: Context, answer: ServerAnswer) -> bool:
    return is_satisfied(context.expected, answer.values, context.observation)


def server_unreachable(context: Context) -> Finding | None:
    reason, of = context.lookup.reason, context.lookup.zone or context.domain
    if _is_hearsay(context):
        reason, of = "what a cache says of it proves nothing", context.lookup.cname or of
    elif context.lookup.outcome is not Outcome.UNKNOWN:
        return None
    return Finding(
        "server_unreachable",
        Verdict.UNKNOWN,
        f"The name servers of {of} could not be asked: {reason}.",
        "Nothing to change here; make sure that the zone's name servers answer, then check again.",
    )


def _is_hearsay(context: Context) -> bool:
    """What shows whose a name is has to be seen at the name's own servers: a cache may hold what others put there."""
    lookup = context.lookup
    is_proof = context.expected.purpose == "claim" and not lookup.is_authoritative
    return is_proof and any(is_right(context, answer) for answer in lookup.reachable)


def dnssec_bogus(context: Context) -> Finding | None:
    """A validating resolver, such as Amazon's, takes a zone whose signatures do not hold for silent."""
    public = context.lookup.public
    if public is None or not public.is_bogus:
        return None
    zone = context.lookup.zone or context.domain
    return Finding(
        "dnssec_bogus",
        Verdict.UNKNOWN,
        f"The DNSSEC signatures of {zone} do not hold, so resolvers refuse its answers.",
        f"At your registrar, remove or correct the DS record of {zone}, or have your DNS host sign the zone again.",
    )


def not_delegated(context: Context) -> Finding | None:
    lookup, bought = context.lookup, registrable_domain(context.domain)
    # A resolver's word alone is not the registry's. Without a name the zone is the root.
    is_from_above = lookup.is_authoritative and (not lookup.zone or is_below(bought, lookup.zone))
    if lookup.outcome not in (Outcome.NXDOMAIN, Outcome.NODATA) or not is_from_above or _is_held_above(context, bought):
        return None
    registry = f"The registry of .{lookup.zone}" if lookup.zone else "The root of the DNS"
    return Finding(
        "not_delegated",
        Verdict.MISSING,
        f"{registry} does not know {bought}: it is not registered, has expired or is on hold.",
        f"Register or renew {bought} at your registrar, or correct its name servers there.",
    )


def _is_held_above(context: Context, bought: str) -> bool:
    """The zone of the suffix has records for the domain itself: it exists there, without a zone of its own."""
    return any(
        (name == bought or is_below(name, bought)) and each.zone == context.lookup.zone and (each.values or each.cname)
        for (name, _), each in context.observation.lookups.items()
    )


def wrong_nameservers(context: Context) -> Finding | None:
    """The record stands on servers that nothing delegates to, and those that count do not have it."""
    stray = context.lookup.stray
    right = [answer for answer in stray if is_right(context, answer)]
    if not right or any(is_right(context, answer) for answer in context.lookup.reachable if answer not in stray):
        return None
    zone, delegated = context.lookup.zone, ", ".join(context.lookup.name_servers)
    return Finding(
        "wrong_nameservers",
        Verdict.MISSING,
        f"The record is at {right[0].server}, but the registry sends everybody to {delegated}.",
        f"Add the record at the DNS host of {delegated}, or name the other servers for {zone} at your registrar.",
    )


def servers_disagree(context: Context) -> Finding | None:
    right = [answer for answer in context.lookup.reachable if is_right(context, answer)]
    wrong = [answer for answer in context.lookup.reachable if answer not in right]
    wait = "Wait until all servers of the zone have the change, or ask your DNS host why one lags behind."
    if right:
        message = f"Your name servers disagree: {right[0].server} has the record, {wrong[0].server} has not."
        return Finding("servers_disagree", Verdict.WRONG, message, wait)
    other = next((answer for answer in wrong[1:] if _relevant(context, answer) != _relevant(context, wrong[0])), None)
    if other is None:
        return None
    message = f"Your name servers disagree: {wrong[0].server} says other than {other.server}, and neither is right."
    return Finding("servers_disagree", Verdict.WRONG, message, f"{wait} Then: {context.instruction}")


def of_one_server(context: Context) -> Context:
    """The same as one server sees it that is not right: what several say together nobody has published."""
    wrong = [answer for answer in context.lookup.reachable if not is_right(context, answer)]
    return replace(context, lookup=replace(context.lookup, answers=tuple(wrong[:1])))


def _relevant(context: Context, answer: ServerAnswer) -> frozenset[str]:
    """The values that are about this record: other texts at the same name may well be on their way."""
    about = {"spf": is_spf, "mail_from_spf": is_spf, "dmarc": looks_like_dmarc}.get(context.expected.purpose)
    return frozenset(value for value in answer.values if about is None or about(value))
