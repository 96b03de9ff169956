"""Why mail does not come here, by the MX records that are there instead (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from domains.dns.judgement import Context, Finding, Verdict
from domains.dns.matching import host_of, mx_entries
from domains.dns.mx_providers import SES_INBOUND_HOST, provider_of
from domains.dns.placement import meant_host
from domains.dns.spelling import PRIORITY_BEFORE, bare_host, named

FEEDBACK_HOST = re.compile(r"(?:feedback-smtp\.([a-z0-9-]+)\.)?(?:.*\.)?amazonses\.com")
# The hosts that take mail for sending.
SENDING_HOST = re.compile(r"(?:email-smtp[a-z-]*|email|ses-smtp[a-z0-9-]*)(?:\.[a-z0-9-]+)?\.amazonaws\.com")
# Customers' own machines and balancers have names below amazonaws.com too.
OF_CUSTOMERS = re.compile(r"(?:.*\.)?(?:compute(?:-1)?|elb)(?:\..*)?\.amazonaws\.com")
MISSPELT = 0.9

Entries = Sequence[tuple[int, str]]


def mx_findings(context: Context) -> list[Finding]:
    """What is wrong with an MX set that is there and not right; empty for any other record."""
    if context.expected.purpose not in ("inbound", "mail_from_mx") or not context.values:
        return []
    entries = mx_entries(context.values)
    wanted = host_of(context.expected.value)
    ours = [preference for preference, host in entries if host == wanted]
    others = [(preference, host) for preference, host in entries if host != wanted]
    if not ours:
        return _instead_of_ours(context, others)
    if context.expected.purpose == "mail_from_mx":
        return _beside_a_return_path(context, others)
    before = [(preference, host) for preference, host in others if preference <= min(ours)]
    return _told_by_host(context, before) + _preferred_to_ours(before, min(ours))


def _instead_of_ours(context: Context, others: Entries) -> list[Finding]:
    wanted = host_of(context.expected.value)
    found: list[Finding] = []
    meant = [host for _, host in others if meant_host(context, host) == wanted]
    if any(PRIORITY_BEFORE.match(bare_host(host, is_priority_kept=True)) for host in meant):
        found.append(
            Finding(
                "priority_in_host",
                Verdict.WRONG,
                "The priority stands in the host field of the MX record, where it became part of the name.",
                f"In the field for the priority type {context.expected.priority}, in that for the host only: {wanted}",
            )
        )
    strangers = [(preference, host) for preference, host in others if host not in meant]
    found += _told_by_host(context, strangers)
    foreign = [each for each in strangers if each[1] and _of_ses(context, each[1]) is None]
    if foreign or not (found or meant):
        found.append(_other_provider(context, foreign))
    return found


def _other_provider(context: Context, others: Entries) -> Finding:
    provider = provider_of([host for _, host in sorted(others)])
    name = provider.name if provider else min(others)[1] if others else "an unreadable MX record"
    there = [f"{preference} {host or '.'}" for preference, host in sorted(mx_entries(context.values))] or context.values
    return Finding(
        "mx_other_provider",
        Verdict.CONFLICT,
        f"Mail for this domain goes to {name} today.",
        f"To receive here, delete the MX records of {context.expected.name} that read {named(there)}, "
        f"and have in their place: {context.shown_value}",
    )


def _told_by_host(context: Context, others: Entries) -> list[Finding]:
    """What these hosts themselves say: that they are the wrong ones of Amazon SES, or that nobody takes the mail."""
    found = [finding for _, host in others if (finding := _of_ses(context, host)) is not None]
    if any(not host for _, host in others):
        message = "The domain says that it takes no mail at all (a null MX)."
        found.append(Finding("null_mx", Verdict.CONFLICT, message, _without(context, "")))
    return found


def _without(context: Context, host: str) -> str:
    """What to do about this host: ours comes in its place, or stands there already."""
    entries = mx_entries(context.values)
    if all(each != host_of(context.expected.value) for _, each in entries):
        return context.instruction
    there = [f"{preference} {each or '.'}" for preference, each in entries if each == host]
    return f"Delete the MX record at {context.expected.name} that reads {named(there)}."


def _of_ses(context: Context, host: str) -> Finding | None:
    """An MX host of Amazon SES that is not ours: of another region, for the other direction of mail, or misspelt."""
    receiving, bouncing = SES_INBOUND_HOST.fullmatch(host), FEEDBACK_HOST.fullmatch(host)
    is_inbound = context.expected.purpose == "inbound"
    right_kind = receiving if is_inbound else bouncing
    if right_kind and right_kind.group(1):
        region = right_kind.group(1)
        message = f"The MX record points to Amazon SES in {region}; this domain is in {context.region}."
        return Finding("other_region", Verdict.WRONG, message, _without(context, host))
    if receiving or bouncing or SENDING_HOST.fullmatch(host):
        use = "does not receive the mail of a domain" if is_inbound else "does not take bounces"
        message = f"{host} is a host of Amazon SES that {use}."
    elif _is_misspelt(context, host):
        message = f"{host} is not the host of Amazon SES: did you mean {host_of(context.expected.value)}?"
    else:
        return None
    return Finding("mx_wrong_ses_host", Verdict.WRONG, message, _without(context, host))


def _is_misspelt(context: Context, host: str) -> bool:
    """Below Amazon's domain and no machine of a customer, or nearly the right name; not just a part of it."""
    wanted = host_of(context.expected.value)
    if OF_CUSTOMERS.fullmatch(host) or wanted.startswith(host):
        return False
    return host.endswith(".amazonaws.com") or SequenceMatcher(None, host, wanted).ratio() >= MISSPELT


def _beside_a_return_path(context: Context, others: Entries) -> list[Finding]:
    found = _told_by_host(context, others)
    foreign = [host for _, host in others if host and _of_ses(context, host) is None]
    if foreign:
        message = f"A MAIL FROM domain has one MX record only, and {foreign[0]} stands beside it."
        fix = f"Keep only the MX record: {context.shown_value}"
        found.append(Finding("mx_other_provider", Verdict.CONFLICT, message, fix))
    return found


def _preferred_to_ours(before: Entries, ours: int) -> list[Finding]:
    found: list[Finding] = []
    lower = [(preference, host) for preference, host in before if host and preference < ours]
    if lower:
        preference, host = min(lower)
        found.append(
            Finding(
                "mx_not_preferred",
                Verdict.CONFLICT,
                f"{host} has a lower number ({preference}) than our MX record ({ours}), so mail goes there first.",
                f"Remove the MX record of {host}, or give it a number above {ours}.",
            )
        )
    equal = [host for preference, host in before if host and preference == ours]
    if equal:
        found.append(
            Finding(
                "mx_equal_preference",
                Verdict.CONFLICT,
                f"{equal[0]} has the same number ({ours}) as our MX record, so about half of the mail goes there.",
                f"Remove the MX record of {equal[0]}, or give it a higher number.",
            )
        )
    return found
