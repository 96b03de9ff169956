"""Who receives mail, told by MX hosts."""

from __future__ import annotations

import pytest

from domains.dns.mx_providers import PROVIDERS, provider_of


@pytest.mark.parametrize(
    ("hosts", "code"),
    [
        (["aspmx.l.google.com"], "google"),
        (["ASPMX.L.GOOGLE.COM."], "google"),
        (["acme-example.mail.protection.outlook.com"], "microsoft"),
        (["mx.unknown.example", "in1-smtp.messagingengine.com"], "fastmail"),
        (["inbound-smtp.us-east-1.amazonaws.com"], "ses"),
    ],
)
def test_a_provider_is_recognised(hosts: list[str], code: str) -> None:
    provider = provider_of(hosts)
    assert provider is not None
    assert provider.code == code


@pytest.mark.parametrize("hosts", [[], ["mx.acme.example"], ["notgoogle.com"], [""]])
def test_others_are_not_taken_for_one(hosts: list[str]) -> None:
    assert provider_of(hosts) is None


def test_at_least_25_providers_are_known() -> None:
    assert len({provider.code for provider in PROVIDERS.values()}) >= 25
