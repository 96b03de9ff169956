"""A value that is the right one but for what a form, a clipboard or a person made of it (pure)."""

from __future__ import annotations

from domains.dns.judgement import Context, Finding, Verdict
from domains.dns.matching import SES_SPF, host_of, is_satisfied
from domains.dns.placement import hosts_in, meant_host
from domains.dns.spelling import PRIORITY_BEFORE, bare_host, bare_text, bare_token
from domains.dns.spf import is_spf
from domains.dns.spf_repair import looks_like_spf

TOKENS = frozenset({"ownership", "claim"})
# A shorter beginning may be that of anything.
SHORTEST_PART = 8


def meant_texts(context: Context) -> list[str]:
    """The values that are ours or a part of it, in any spelling."""
    whole = context.expected.value.lower()
    return [value for value in context.values if _is_of(whole, bare_token(value).lower())]


def _is_of(whole: str, text: str) -> bool:
    return whole in text or _is_cut(whole, text)


def _is_cut(whole: str, text: str) -> bool:
    return SHORTEST_PART <= len(text) < len(whole) and (whole.startswith(text) or whole.endswith(text))


def quoted_value(context: Context) -> Finding | None:
    expected = context.expected
    if expected.type == "TXT":
        is_quoted = any(_is_quoted_text(context, value) for value in context.values)
        message = "The value has quotation marks, spaces or other text around it that became part of it."
    else:
        is_quoted = any(_is_quoted_host(context, host) for host in hosts_in(expected, context.values))
        message = "The host has quotation marks, spaces or the like around it that became part of it."
    if not is_quoted:
        return None
    fix = f"In the value field type, without quotation marks: {expected.value}"
    return Finding("quoted_value", Verdict.WRONG, message, fix)


def _is_quoted_text(context: Context, value: str) -> bool:
    expected, text = context.expected, bare_text(value)
    if expected.purpose in TOKENS:
        token = bare_token(value)
        return value in meant_texts(context) and (token != value or len(token) > len(expected.value))
    if text == value:
        return False
    if expected.purpose == "dmarc":
        return text.lower().startswith("v=dmarc1")
    return is_satisfied(expected, [text], context.observation) or (
        SES_SPF in text and ((is_spf(text) and not is_spf(value)) or looks_like_spf(text))
    )


def _is_quoted_host(context: Context, host: str) -> bool:
    """What is left of the host, the zone and the priority taken off, still has something around it."""
    wanted, zones = host_of(context.expected.value), (context.lookup.zone, context.domain)
    if meant_host(context, host) != wanted:
        return False
    plain = host_of(host)
    for zone in sorted(filter(None, zones), key=len, reverse=True):
        plain = plain.removesuffix(f".{zone}")
    return (PRIORITY_BEFORE.sub("", plain) if context.expected.type == "MX" else plain) != wanted


def value_lowercased(context: Context) -> Finding | None:
    expected = context.expected
    if expected.purpose not in TOKENS:
        return None
    whole = expected.value
    texts = [bare_token(value) for value in meant_texts(context)]
    if not any(_is_of(whole.lower(), text.lower()) and not _is_of(whole, text) for text in texts):
        return None
    message = "The value is right but for capital letters, and they count."
    return Finding("value_lowercased", Verdict.WRONG, message, context.instruction)


def value_truncated(context: Context) -> Finding | None:
    cut = _cut_values(context)
    if not cut:
        return None
    is_end = context.expected.value.lower().startswith(cut[0].lower())
    message = f"The value ends too early, after {cut[0]!r}." if is_end else f"The value begins too late: {cut[0]!r}."
    return Finding("value_truncated", Verdict.WRONG, message, context.instruction)


def _cut_values(context: Context) -> list[str]:
    expected = context.expected
    if expected.purpose in TOKENS:
        return [
            text for value in context.values if _is_cut(expected.value.lower(), (text := bare_token(value)).lower())
        ]
    if expected.type not in ("CNAME", "MX"):
        return []
    whole = host_of(expected.value)
    hosts = [meant_host(context, host) for host in hosts_in(expected, context.values)]
    return [host for host in hosts if _is_beginning(whole, host)]


def _is_beginning(whole: str, host: str) -> bool:
    return SHORTEST_PART <= len(host) < len(whole) and whole.startswith(host)


def target_doubled(context: Context) -> Finding | None:
    expected = context.expected
    wanted = host_of(expected.value)
    for host in hosts_in(expected, context.values) if expected.type in ("CNAME", "MX") else ():
        plain, meant = bare_host(host, is_priority_kept=True), meant_host(context, host)
        added = [zone for zone in (context.domain, context.lookup.zone) if zone and plain.endswith("." + zone)]
        if added and (meant == wanted or _is_beginning(wanted, meant)):
            return Finding(
                "target_doubled",
                Verdict.WRONG,
                f"Your DNS host added {added[0]} to the end of the target.",
                f"Type the target with a dot at its end: {expected.value}.",
            )
    return None
