"""Values that were right once, or are right for somebody else: other set-ups, other regions, other accounts (pure)."""

from __future__ import annotations

import re

from domains.dns.judgement import Context, Finding, Verdict
from domains.dns.matching import host_of

# What SES hands out for `_amazonses`: 32 bytes in base64.
OWNERSHIP_TOKEN = re.compile(r"[A-Za-z0-9+/]{43}=")
DKIM_TARGET = re.compile(r"(?:[a-z0-9-]+\.)+dkim\.(?:[a-z0-9-]+\.)*amazonses\.com")


def other_region(context: Context) -> Finding | None:
    """A token that this name was given in another region, or our DKIM token under another region's zone."""
    expected = context.expected
    if expected.purpose == "ownership":
        is_other = any(value in context.issued.other_regions for value in context.values)
    elif expected.purpose == "dkim":
        ours, zone = host_of(expected.value).split(".", 1)
        ends = {host_of(value).partition(".") for value in context.values}
        is_other = any(
            token in context.issued.other_regions or (token == ours and end != zone and end.endswith(".amazonses.com"))
            for token, _, end in ends
        )
    else:
        return None
    if not is_other:
        return None
    message = f"That is the value for another region of Amazon SES; this domain is in {context.region}."
    return Finding("other_region", Verdict.WRONG, message, context.instruction)


def stale_token(context: Context) -> Finding | None:
    expected, issued = context.expected, context.issued
    found = {host_of(value).partition(".")[0] for value in context.values} if expected.purpose == "dkim" else set()
    old = {
        "ownership": set(issued.ownership) & set(context.values),
        "claim": {f"postern-verify={token}" for token in issued.claim} & set(context.values),
        "dkim": {token.lower() for token in issued.dkim} & found - {host_of(expected.value).partition(".")[0]},
    }.get(expected.purpose, set())
    if not old - {expected.value}:
        return None
    return Finding(
        "stale_token", Verdict.WRONG, "That is a value from an earlier set-up of this domain.", context.instruction
    )


def other_ses_account(context: Context) -> Finding | None:
    expected = context.expected
    if expected.purpose == "dkim" and any(DKIM_TARGET.fullmatch(host_of(value)) for value in context.values):
        message = f"The CNAME record leads to {context.values[0]}, a key of another Amazon SES account."
        return Finding("other_ses_account", Verdict.WRONG, message, context.instruction)
    if expected.purpose != "ownership" or not context.values:
        return None
    return Finding(
        "other_ses_account",
        Verdict.WRONG,
        "There is a verification value of another Amazon SES account.",
        f"Add a second TXT record at {expected.name} with the value: {expected.value}",
    )


def second_ses_account(context: Context) -> Finding | None:
    """Beside ours, the token of an account that we do not know: it would be sent copies of the mail."""
    expected, issued = context.expected, context.issued
    if expected.purpose != "ownership":
        return None
    known = {expected.value, *issued.ownership, *issued.other_regions}
    foreign = [value for value in context.values if OWNERSHIP_TOKEN.fullmatch(value) and value not in known]
    if not foreign:
        return None
    return Finding(
        "other_ses_account",
        Verdict.OK,
        "Right; but another Amazon SES account is verified for this name too, and can get copies of its mail.",
        f"If you do not know why, remove this value at {expected.name}: {foreign[0]}",
    )
