"""What an owner may choose beside receiving: to send, and how far our hand goes in SPF and DMARC (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.errors import Refusal
from domains.dns.spf import is_spf, parse_spf
from domains.records import SpfMode

# A longer TXT answer does not fit into a plain UDP packet (RFC 7208 section 3.4).
LONGEST_SPF = 450


class InvalidSpfValue(Refusal):
    code = "invalid_spf_value"
    default_message = "This is not an SPF record."


@dataclass(frozen=True)
class Choices:
    """As they are stored with the domain; `spf_value` counts in the mode that forces it."""

    is_sending: bool = True
    is_dmarc_wanted: bool = True
    spf_mode: SpfMode = SpfMode.CREATE_IF_MISSING
    spf_value: str = ""

    def check(self) -> None:
        """Raises InvalidSpfValue."""
        if not self.spf_value:
            if self.spf_mode == SpfMode.FORCE_VALUE:
                raise InvalidSpfValue("is needed when the mode is to force it", field="spf_value")
            return
        if not is_spf(self.spf_value):
            raise InvalidSpfValue("must begin with v=spf1", field="spf_value")
        if len(self.spf_value) > LONGEST_SPF:
            raise InvalidSpfValue(f"must have at most {LONGEST_SPF} characters", field="spf_value")
        errors = parse_spf(self.spf_value).errors
        if errors:
            raise InvalidSpfValue(f"is not an SPF record: {errors[0]}", field="spf_value")
