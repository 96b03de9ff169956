"""The codes of a diagnosis in their order of precedence, each with what it says of any record (pure)."""

from __future__ import annotations

from collections.abc import Iterable

CODES: dict[str, str] = {
    "server_unreachable": "The name servers give no answer.",
    "dnssec_bogus": "The DNSSEC signatures of the zone do not hold.",
    "not_delegated": "The registry does not know the name.",
    "wrong_nameservers": "The record stands at a DNS host that the registry sends nobody to.",
    "servers_disagree": "The name servers give different answers.",
    "cname_in_the_way": "A CNAME stands at the name, and nothing else can be beside it.",
    "not_propagated": "Public caches still hold the old answer.",
    "name_doubled": "A part of the name stands in it twice.",
    "in_parent_zone": "The record stands in the zone above.",
    "at_apex": "The record stands at the domain itself.",
    "label_missing": "A part of the name, or its underscore, was left out.",
    "wildcard_answer": "A wildcard answers in the record's place.",
    "wrong_type": "A record of another type stands there.",
    "proxied_cname": "The DNS host answers with its own addresses.",
    "quoted_value": "Quotation marks or spaces are part of the value.",
    "value_lowercased": "The capital letters of the value are not as listed.",
    "value_truncated": "A part of the value is missing.",
    "target_doubled": "The DNS host added the zone's name to the target.",
    "priority_in_host": "The priority stands in the host field.",
    "mx_wrong_ses_host": "An MX record names a host of Amazon that does not take this mail.",
    "other_region": "A value is for another region of Amazon SES.",
    "stale_token": "A value is from an earlier set-up.",
    "null_mx": "A null MX says that the name takes no mail.",
    "mx_not_preferred": "Another mail host has a lower number.",
    "mx_equal_preference": "Another mail host has the same number.",
    "mx_other_provider": "Mail goes to another provider.",
    "spf_duplicate": "There is more than one SPF record.",
    "dmarc_duplicate": "There is more than one DMARC record.",
    "spf_syntax": "The SPF record has a mistake.",
    "dmarc_syntax": "The DMARC record has a mistake.",
    "spf_missing_include": "The SPF record does not let Amazon SES send.",
    "spf_too_many_lookups": "The SPF record takes more look-ups than are allowed.",
    "dmarc_at_apex": "A DMARC policy stands at the domain itself and counts only below _dmarc.",
    "dmarc_rua_unauthorised": "Whoever should read the DMARC reports has not agreed to.",
    "other_ses_account": "There is a value of another Amazon SES account.",
    "claim_token_missing": "The record that shows whose the name is is not there.",
    "not_published": "The record is not there yet.",
    "ses_not_confirmed": "Amazon SES has not looked yet.",
}
PRECEDENCE = {code: place for place, code in enumerate(CODES)}


def sentences(codes: Iterable[str]) -> list[tuple[str, str]]:
    """(code, sentence) of each; one that is not known, as an older version may have stored it, stands for itself."""
    return [(code, CODES.get(code, code)) for code in codes]
