"""Why mail does not come here, by the MX records that are there instead (pure)."""

from __future__ import annotations

import re

from domains.dns.judgement import Context, Finding, Verdict
from domains.dns.matching import host_of, mx_entries
from domains.dns.mx_providers import provider_of

INBOUND_HOST = re.compile(r"inbound-smtp\.([a-z0-9-]+)\.amazonaws\.com")
# A space in a name is shown as an escape (RFC 1035 section 5.1).
PRIORITY_BEFORE = re.compile(r"^\d+(?:\\032|\\ |[ ._-])*")
FEEDBACK_HOST = re.compile(r"(?:feedback-smtp\.([a-z0-9-]+)\.)?(?:.*\.)?amazonses\.com")


def mx_finding(context: Context) -> Finding | None:
    purpose = context.expected.purpose
    if purpose not in ("inbound", "mail_from_mx") or not context.values:
        return None
    entries = mx_entries(context.values)
    wanted = host_of(context.expected.value)
    ours = [preference for preference, host in entries if host == wanted]
    if ours:
        return _before_ours(context, entries, min(ours)) or _mx_beside_others(context, entries, min(ours))
    if any(PRIORITY_BEFORE.sub("", host) == wanted for _, host in entries):
        return Finding(
            "priority_in_host",
            Verdict.WRONG,
            "The priority stands in the host field of the MX record, where it became part of the name.",
            f"In the field for the priority type {context.expected.priority}, in that for the host only: {wanted}",
        )
    finding = _told_by_host(context, [host for _, host in entries])
    if finding is not None:
        return finding
    provider = provider_of([host for _, host in sorted(entries)])
    name = provider.name if provider else min(entries)[1] if entries else "an unreadable MX record"
    return Finding(
        "mx_other_provider",
        Verdict.CONFLICT,
        f"Mail for this domain goes to {name} today.",
        f"To receive here, replace its MX records: {context.instruction}",
    )


def _told_by_host(context: Context, hosts: list[str]) -> Finding | None:
    """What these hosts themselves say, in the order of precedence: the wrong one of Amazon SES, or nobody at all."""
    found = [finding for host in hosts if (finding := _wrong_ses_host(context, host)) is not None]
    if found:
        return min(found, key=lambda finding: finding.code != "mx_wrong_ses_host")
    if all(hosts):
        return None
    message = "The domain says that it takes no mail at all (a null MX)."
    return Finding("null_mx", Verdict.CONFLICT, message, context.instruction)


def _before_ours(context: Context, entries: list[tuple[int, str]], ours: int) -> Finding | None:
    """Hosts that get the mail before ours, or as well as ours, and that nobody can have meant."""
    wanted = host_of(context.expected.value)
    before = [host for preference, host in entries if host != wanted and preference <= ours]
    return _told_by_host(context, before) if context.expected.purpose == "inbound" else None


def _wrong_ses_host(context: Context, host: str) -> Finding | None:
    """An MX host of Amazon SES that is not ours: of another region, or for the other direction of mail."""
    receiving, bouncing = INBOUND_HOST.fullmatch(host), FEEDBACK_HOST.fullmatch(host)
    is_inbound = context.expected.purpose == "inbound"
    right_kind = receiving if is_inbound else bouncing
    if right_kind and right_kind.group(1):
        region = right_kind.group(1)
        message = f"The MX record points to Amazon SES in {region}; this domain is in {context.region}."
        return Finding("other_region", Verdict.WRONG, message, context.instruction)
    if receiving or bouncing:
        use = "takes bounces; it does not receive mail" if is_inbound else "receives mail; it does not take bounces"
        return Finding("mx_wrong_ses_host", Verdict.WRONG, f"{host} {use}.", context.instruction)
    return None


def _mx_beside_others(context: Context, entries: list[tuple[int, str]], ours: int) -> Finding | None:
    wanted = host_of(context.expected.value)
    if context.expected.purpose == "mail_from_mx":
        beside = [host for _, host in entries if host != wanted]
        message = f"A MAIL FROM domain has one MX record only, and {beside[0]} stands beside it." if beside else ""
        fix = f"Keep only the MX record: {context.shown_value}"
        return Finding("mx_other_provider", Verdict.CONFLICT, message, fix) if beside else None
    others = [(preference, host) for preference, host in entries if host != wanted and preference <= ours]
    if not others:
        return None
    preference, host = min(others)
    if preference < ours:
        return Finding(
            "mx_not_preferred",
            Verdict.CONFLICT,
            f"{host} has a lower number ({preference}) than our MX record ({ours}), so mail goes there first.",
            f"Remove the MX record of {host}, or give it a number above {ours}.",
        )
    return Finding(
        "mx_equal_preference",
        Verdict.CONFLICT,
        f"{host} has the same number ({preference}) as our MX record, so about half of the mail goes there.",
        f"Remove the MX record of {host}, or give it a higher number.",
    )
