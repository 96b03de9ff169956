"""The words of a check: what is expected, what was found wrong, and the judgement on one record (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from domains.dns.answers import Lookup, Observation


class Verdict(StrEnum):
    OK = "ok"
    MISSING = "missing"
    WRONG = "wrong"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Expected:
    """A record that should be there; `purpose` is one of domains.records.Purpose, `value` has no priority."""

    purpose: str
    type: str
    name: str
    value: str
    priority: int | None = None


@dataclass(frozen=True)
class IssuedTokens:
    """Every token that was ever handed out for the name: what is among them but not expected is stale."""

    ownership: tuple[str, ...] = ()
    dkim: tuple[str, ...] = ()
    claim: tuple[str, ...] = ()
    # Ownership and DKIM tokens of other regions than the domain's.
    other_regions: tuple[str, ...] = ()
    # DKIM tokens of earlier set-ups, whose records have names of their own; none of today's.
    former_dkim: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """What a diagnosis may look at beside the record itself."""

    expected: Expected
    lookup: Lookup
    observation: Observation
    domain: str
    region: str
    issued: IssuedTokens = field(default_factory=IssuedTokens)

    @property
    def values(self) -> tuple[str, ...]:
        return self.lookup.values

    @property
    def shown_value(self) -> str:
        """The value as a person types it: with the priority where there is one."""
        priority = self.expected.priority
        return self.expected.value if priority is None else f"{priority} {self.expected.value}"

    @property
    def addition(self) -> str:
        """The one thing to do where there is no such record."""
        article = "an" if self.expected.type == "MX" else "a"
        return f"Add {article} {self.expected.type} record at {self.expected.name} with the value: {self.shown_value}"

    @property
    def instruction(self) -> str:
        """The one thing to do where the record itself must change."""
        return f"Set the {self.expected.type} record at {self.expected.name} to: {self.shown_value}"


@dataclass(frozen=True)
class Finding:
    """One diagnosis: its stable code, the verdict that it stands for, a sentence, and the one thing to change."""

    code: str
    verdict: Verdict
    message: str
    fix: str = ""


@dataclass(frozen=True)
class Judgement:
    """The verdict on one record; `code` is empty where all is well, `other_codes` are those behind the primary one."""

    verdict: Verdict
    code: str
    message: str
    fix: str
    observed: tuple[str, ...]
    servers: tuple[tuple[str, str], ...]
    public_verdict: str
    other_codes: tuple[str, ...] = ()

    def awaiting_ses(self) -> Judgement:
        """The same of a record that SES itself has not looked at yet: right in DNS, and nothing to do but wait."""
        if self.verdict is not Verdict.OK or self.code:
            return self
        message = "Your DNS is right; Amazon SES has not looked at it yet. That can take some minutes."
        return replace(self, code="ses_not_confirmed", message=message, fix="Nothing to change; wait.")
