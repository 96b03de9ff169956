"""Values that were right once, or are right for somebody else: other set-ups, other regions, other accounts (pure)."""

from __future__ import annotations

import re

from domains.dns.judgement import Context, Expected, Finding, IssuedTokens, Verdict
from domains.dns.matching import host_of
from domains.dns.spelling import bare_text, named
from domains.dns.value_diagnosis import meant_texts

# What SES hands out for `_amazonses`: 32 bytes in base64. Alone there, whatever may be such a token is one.
OWNERSHIP_TOKEN = re.compile(r"[A-Za-z0-9+/]{20,}={1,2}")
SES_TOKEN = re.compile(r"[A-Za-z0-9+/]{40,46}={1,2}")
LIKE_A_TOKEN = re.compile(r"[A-Za-z0-9+/]{8,}={1,2}|[A-Za-z0-9+/]{20,}")
# Two earlier set-ups: what is older was seen off long ago, and questions count.
MOST_FORMER = 6
DKIM_TARGET = re.compile(r"(?:[a-z0-9-]+\.)+dkim\.(?:[a-z0-9-]+\.)*amazonses\.com")


def other_region(context: Context) -> Finding | None:
    """A token that this name was given in another region, or our DKIM token under another region's zone."""
    expected = context.expected
    if expected.purpose == "ownership":
        is_other = any(bare_text(value) in context.issued.other_regions for value in context.values)
    elif expected.purpose == "dkim":
        ours, zone = host_of(expected.value).split(".", 1)
        ends = {host_of(value).partition(".") for value in context.values}
        is_other = any(
            token in context.issued.other_regions
            or (token == ours and end != zone and DKIM_TARGET.fullmatch(f"{token}.{end}"))
            for token, _, end in ends
        )
    else:
        return None
    if not is_other:
        return _former(context, "other_region") if expected.purpose == "dkim" else None
    message = f"That is the value for another region of Amazon SES; this domain is in {context.region}."
    return Finding("other_region", Verdict.WRONG, message, context.instruction)


def stale_token(context: Context) -> Finding | None:
    expected, issued = context.expected, context.issued
    texts = {bare_text(value) for value in context.values}
    found = {host_of(value).partition(".")[0] for value in context.values} if expected.purpose == "dkim" else set()
    old = {
        "ownership": set(issued.ownership) & texts,
        "claim": {f"postern-verify={token}" for token in issued.claim} & texts,
        "dkim": {token.lower() for token in issued.former_dkim or issued.dkim}
        & found - {host_of(expected.value).partition(".")[0]},
    }.get(expected.purpose, set())
    if not old - {expected.value}:
        return _former(context, "stale_token") if expected.purpose == "dkim" else None
    return Finding(
        "stale_token", Verdict.WRONG, "That is a value from an earlier set-up of this domain.", context.instruction
    )


def former_names(expected: Expected, issued: IssuedTokens, *, domain: str) -> tuple[str, ...]:
    """Where the CNAME records of earlier set-ups would stand, to be asked for where today's is not there."""
    if expected.purpose != "dkim":
        return ()
    return tuple(f"{token.lower()}._domainkey.{domain}" for token in issued.former_dkim[:MOST_FORMER])


def _former(context: Context, code: str) -> Finding | None:
    """The record of an earlier set-up, at its own name, where today's is missing."""
    if context.values:
        return None
    for name in former_names(context.expected, context.issued, domain=context.domain):
        lookup = context.observation.get(name, "CNAME")
        token = name.partition(".")[0]
        if lookup is None or token not in {host_of(value).partition(".")[0] for value in lookup.values}:
            continue
        is_elsewhere = token in {each.lower() for each in context.issued.other_regions}
        if (code == "other_region") is not is_elsewhere:
            continue
        whence = "another region of Amazon SES" if is_elsewhere else "an earlier set-up of this domain"
        message = f"The record of {whence} stands at {name}; today's is not there."
        return Finding(code, Verdict.MISSING, message, context.addition)
    return None


def other_ses_account(context: Context) -> Finding | None:
    expected = context.expected
    if expected.purpose == "dkim":
        targets = [host_of(value) for value in context.values if DKIM_TARGET.fullmatch(host_of(value))]
        token = host_of(expected.value).partition(".")[0]
        known = {token, *(each.lower() for each in (*context.issued.dkim, *context.issued.other_regions))}
        foreign = [target for target in targets if target.partition(".")[0] not in known]
        if not foreign:
            return None
        message = f"The CNAME record leads to {foreign[0]}, a key of another Amazon SES account."
        return Finding("other_ses_account", Verdict.WRONG, message, context.instruction)
    if expected.purpose != "ownership":
        return None
    texts = {bare_text(value) for value in context.values if value not in meant_texts(context)}
    known = {*context.issued.ownership, *context.issued.other_regions}
    foreign = sorted(text for text in texts - known if LIKE_A_TOKEN.fullmatch(text))
    if not foreign:
        return None
    if not any(SES_TOKEN.fullmatch(text) for text in foreign):
        message = f"At {expected.name} stands {named(foreign)}, which is not the value of this domain."
        return Finding("other_ses_account", Verdict.WRONG, message, context.instruction)
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
