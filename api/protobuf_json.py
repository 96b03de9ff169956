"""Proto3 JSON as a contract's wire: requests read strictly, answers that a strict reader takes (pure but for Problem).

https://protobuf.dev/programming-guides/json/ . A request may spell its keys `snake_case` or `lowerCamelCase`, its enums
by full name, by the name without the prefix or by number; null is the same as not there. An unknown key is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api.envelopes import Kind, Problem
from channels.addresses import DOT_STRING, LONGEST_LOCAL_PART, Mailbox, parse_mailbox
from domains.names import LABEL, normalise_name

INT32 = 2**31
DECIMAL = re.compile(r"-?[0-9]{1,10}")
LONGEST_ADDRESS = 254

Read = Callable[[object, str], object]
Fields = Mapping[str, "Field"]


def invalid(field: str, rule: str) -> Problem:
    """A refusal that names the field as the proto does."""
    return Problem(Kind.INVALID_FIELD, f"{field}: {rule}", field=field)


@dataclass(frozen=True)
class ProtoEnum:
    """An enum: values on the wire are `PREFIX_WORD`, numbered from 0 in the order of `words`."""

    prefix: str
    words: tuple[str, ...]

    def full(self, word: str) -> str:
        """The full name of `word`, which may be lower-case as the core has it."""
        if word.upper() not in self.words:
            raise ValueError(f"{self.prefix} has no {word}")
        return f"{self.prefix}_{word.upper()}"

    def read(self, value: object, field: str) -> str | None:
        """The word; None for UNSPECIFIED, which is the same as not given."""
        word: str | None = None
        if isinstance(value, str):
            word = value.removeprefix(f"{self.prefix}_")
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and value in range(len(self.words)):
            word = self.words[int(value)]
        if word not in self.words:
            raise invalid(field, f"value must be one of {', '.join(self.full(each) for each in self.words)}")
        return None if word == self.words[0] else word


@dataclass(frozen=True)
class Field:
    """How a field of a request is read; `aliases` are further spellings, beside both cases of its own name."""

    read: Read
    aliases: tuple[str, ...] = ()


def camel(name: str) -> str:
    """`spf_mode` -> `spfMode`, the proto's JSON name."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def read_message(body: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """The fields that are given, by their proto names; raises Problem for a key that is unknown or stands twice."""
    spellings = {spelling: name for name, field in fields.items() for spelling in {name, camel(name), *field.aliases}}
    found: dict[str, str] = {}
    for key in body:
        name = spellings.get(key)
        if name is None:
            raise invalid(key[:60] if key.isprintable() else "?", "no such field")
        if name in found:
            raise invalid(name, f"is given twice, as {found[name]} and as {key}")
        found[name] = key
    read = {name: fields[name].read(body[key], name) for name, key in found.items() if body[key] is not None}
    return {name: value for name, value in read.items() if value is not None}


def render(message: Mapping[str, object], *, case: str) -> dict[str, object]:
    """The answer with its keys in this case (`snake` or `camel`); values are left as they are."""
    if case == "snake":
        return dict(message)
    return {camel(key): _rendered(value, case) for key, value in message.items()}


def _rendered(value: object, case: str) -> object:
    if isinstance(value, Mapping):
        return render(value, case=case)
    if isinstance(value, list):
        return [_rendered(each, case) for each in value]
    return value


def text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise invalid(field, "value must be a string")
    return value


def boolean(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(field, "value must be true or false")
    return value


def int32(value: object, field: str) -> int:
    """A number, or its decimal string; 10.0 is 10."""
    number: object = int(value) if isinstance(value, str) and DECIMAL.fullmatch(value) else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool) or not -INT32 <= number < INT32:
        raise invalid(field, "value must be a 32-bit integer")
    return number


def mailbox(value: object, field: str) -> Mailbox:
    """An e-mail address, its domain as lower-case A-labels."""
    given = text(value, field)
    found = parse_mailbox(given) if len(given) <= LONGEST_ADDRESS else None
    host = normalise_name(found.domain) if found else ""
    labels = host.split(".")
    is_good = found and len(found.local_part) <= LONGEST_LOCAL_PART and DOT_STRING.fullmatch(found.local_part)
    if not found or not is_good or len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        raise invalid(field, "value must be a valid email address")
    return Mailbox(found.local_part, host)


def matching(pattern: str) -> Read:
    """A string that the whole pattern matches."""
    compiled = re.compile(pattern)

    def read(value: object, field: str) -> str:
        given = text(value, field)
        if not compiled.fullmatch(given):
            raise invalid(field, f"value does not match pattern {pattern}")
        return given

    return read
