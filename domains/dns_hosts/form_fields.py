"""A record as it is typed into a DNS host's own form, field by field in the host's words (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from domains.dns_hosts.known import PLAIN, KnownHost, Words
from domains.names import relative_name

LONGEST_STRING = 255


@dataclass(frozen=True)
class FormField:
    """One field: what the host calls it, and what is typed into it; an empty value is a field that stays empty."""

    label: str
    value: str


def words_of(host: KnownHost | None) -> Words:
    return host.words if host is not None and host.words is not None else PLAIN


def form_fields(
    *, type_: str, name: str, value: str, priority: int | None, zone: str, words: Words
) -> tuple[FormField, ...]:
    """Name, value and, where the form has one, the priority; `zone` is the zone that the form is about."""
    relative = relative_name(name, zone)
    fields = [FormField(words.name, words.apex if relative == "@" else relative)]
    match type_:
        case "TXT":
            fields.append(FormField(words.txt_value, _quoted(value) if words.quotes_text else value))
        case "CNAME":
            fields.append(FormField(words.cname_value, _host(value, words)))
        case _:
            host = _host(value, words)
            if priority is not None and words.has_priority_in_value:
                host = f"{priority} {host}"
            fields.append(FormField(words.mx_value, host))
            if priority is not None and not words.has_priority_in_value:
                fields.append(FormField(words.priority, str(priority)))
    return tuple(fields)


def _host(value: str, words: Words) -> str:
    return value.rstrip(".") + "." if words.needs_dot else value


def _quoted(value: str) -> str:
    strings = [value[start : start + LONGEST_STRING] for start in range(0, len(value), LONGEST_STRING)] or [""]
    return " ".join('"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in strings)
