"""What is wrong with single fields in the words of FastAPI and pydantic: type, loc, msg, input, ctx."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence

from api.envelopes import Kind, Problem

FieldError = Mapping[str, object]

HEX = frozenset("0123456789abcdefABCDEF")
GROUPS = (8, 4, 4, 4, 12)
# What pydantic takes for a whole number in text: a fraction of zeros too; blanks around it are no matter.
WHOLE = re.compile(r"([+-]?)0*([0-9]+(?:_[0-9]+)*)(?:\.0+)?")
# What Python's own int() refuses as too long (sys.int_info.default_max_str_digits).
MOST_DIGITS = 4300
NOT_WHOLE = "Input should be a valid integer, unable to parse string as an integer"
TOO_LONG = "Unable to parse input string as an integer, exceeded maximum size"
NO_UUID = uuid.UUID(int=0)


class InvalidFields(Problem):
    """The request can not be validated; `errors` says of each field what is wrong with it."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(Kind.INVALID_FIELD)
        self.errors = errors


def field_error(
    type_: str, loc: Sequence[str | int], msg: str, given: object, ctx: Mapping[str, object] | None = None
) -> FieldError:
    error: dict[str, object] = {"type": type_, "loc": list(loc), "msg": msg, "input": given}
    return error | {"ctx": ctx} if ctx else error


def value_error(loc: Sequence[str | int], reason: str, given: object) -> FieldError:
    """What a validator of the model's own says; FastAPI encodes the exception in `ctx` as an empty object."""
    return field_error("value_error", loc, f"Value error, {reason}", given, {"error": {}})


def email_error(loc: Sequence[str | int], reason: str, given: object) -> FieldError:
    msg = f"value is not a valid email address: {reason}"
    return field_error("value_error", loc, msg, given, {"reason": reason})


class Fields:
    """Reads the fields of one place (`path`, `query`, `body`) and collects what is wrong with them.

    What is read of a wrong field means nothing; `check()` raises InvalidFields before anybody looks at it.
    """

    def __init__(self, place: str, given: Mapping[str, object]) -> None:
        self.place, self.given = place, given
        self.errors: list[FieldError] = []

    def check(self) -> None:
        if self.errors:
            raise InvalidFields(self.errors)

    def refuse(self, name: str, type_: str, msg: str, ctx: Mapping[str, object] | None = None) -> None:
        self.errors.append(field_error(type_, [self.place, name], msg, self.given[name], ctx))

    def _is_there(self, name: str) -> bool:
        if name not in self.given:
            self.errors.append(field_error("missing", [self.place, name], "Field required", self.given))
        return name in self.given

    def text(self, name: str, *, shortest: int = 0, longest: int | None = None, pattern: str = "") -> str:
        if not self._is_there(name):
            return ""
        text = self.given[name]
        if not isinstance(text, str):
            self.refuse(name, "string_type", "Input should be a valid string")
            return ""
        if longest is not None and len(text) > longest:
            plural = "" if longest == 1 else "s"
            msg = f"String should have at most {longest} character{plural}"
            self.refuse(name, "string_too_long", msg, {"max_length": longest})
        elif len(text) < shortest:
            plural = "" if shortest == 1 else "s"
            msg = f"String should have at least {shortest} character{plural}"
            self.refuse(name, "string_too_short", msg, {"min_length": shortest})
        elif pattern and not re.fullmatch(pattern.removesuffix("$"), text):
            msg = f"String should match pattern '{pattern}'"
            self.refuse(name, "string_pattern_mismatch", msg, {"pattern": pattern})
        elif "\0" in text:
            # PostgreSQL stores no NUL.
            self.errors.append(value_error([self.place, name], "NUL characters are not allowed", text))
        return text

    def email(self, name: str) -> str:
        """An e-mail address as far as one can tell before knowing whose it is."""
        text = self.text(name)
        local_part, at, domain = text.rpartition("@")
        reason = ""
        if not at:
            reason = "An email address must have an @-sign."
        elif not domain:
            reason = "There must be something after the @-sign."
        elif not local_part:
            reason = "There must be something before the @-sign."
        elif "." not in domain:
            reason = "The part after the @-sign is not valid. It should have a period."
        if reason and isinstance(self.given.get(name), str):
            self.errors.append(email_error([self.place, name], reason, text))
        return text

    def word(self, name: str, words: Sequence[str]) -> str:
        """One of a few words, written as they are."""
        if not self._is_there(name):
            return words[0]
        word = self.given[name]
        if isinstance(word, str) and word in words:
            return word
        *others, last = [f"'{each}'" for each in words]
        expected = f"{', '.join(others)} or {last}" if others else last
        self.refuse(name, "literal_error", f"Input should be {expected}", {"expected": expected})
        return words[0]

    def uuid(self, name: str) -> uuid.UUID:
        if not self._is_there(name):
            return NO_UUID
        text = self.given[name]
        if not isinstance(text, str):
            self.refuse(name, "uuid_type", "UUID input should be a string, bytes or UUID object")
            return NO_UUID
        reason = fault_of_uuid(text)
        if not reason:
            return uuid.UUID(text)
        self.refuse(name, "uuid_parsing", f"Input should be a valid UUID, {reason}", {"error": reason})
        return NO_UUID

    def whole_number(
        self,
        name: str,
        *,
        default: int,
        above: int | None = None,
        lowest: int | None = None,
        highest: int | None = None,
    ) -> int:
        """A query parameter of digits within its bounds; one of them may be left out."""
        if name not in self.given:
            return default
        text = str(self.given[name]).strip()
        if len(text) > MOST_DIGITS:
            self.refuse(name, "int_parsing_size", TOO_LONG)
            return default
        found = WHOLE.fullmatch(text)
        if found is None:
            self.refuse(name, "int_parsing", NOT_WHOLE)
            return default
        number = int(found[1] + found[2])
        if highest is not None and number > highest:
            msg = f"Input should be less than or equal to {highest}"
            self.refuse(name, "less_than_equal", msg, {"le": highest})
        elif above is not None and number <= above:
            self.refuse(name, "greater_than", f"Input should be greater than {above}", {"gt": above})
        elif lowest is not None and number < lowest:
            msg = f"Input should be greater than or equal to {lowest}"
            self.refuse(name, "greater_than_equal", msg, {"ge": lowest})
        return number


def fault_of_uuid(text: str) -> str:
    """Why this is no UUID, as the parser behind pydantic says it; "" for one: plain, hyphenated, braced or a URN."""
    bare = text
    if text.startswith("urn:uuid:"):
        bare = text.removeprefix("urn:uuid:")
    elif text.startswith("{") and text.endswith("}"):
        bare = text[1:-1]
    for position, character in enumerate(bare):
        if character not in HEX and character != "-":
            return f"invalid character: found `{character}` at {position}"
    groups = bare.split("-")
    if len(groups) == 1 and bare == text and len(bare) != 36:
        return "" if len(bare) == 32 else f"invalid length: found {len(bare)}"
    if len(groups) != len(GROUPS):
        return f"invalid group count: expected {len(GROUPS)}, found {len(groups)}"
    for number, (group, length) in enumerate(zip(groups, GROUPS, strict=True)):
        if len(group) != length:
            return f"invalid group length in group {number}: expected {length}, found {len(group)}"
    return ""
