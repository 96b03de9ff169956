"""Looking at many SES identities at once, as cheaply as SES allows: 100 in two calls, or names alone by pages of 1,000.

All calls are paced; all functions raise AwsError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aws.clients import call
from aws.errors import AwsRefused
from aws.pacing import Caller

_BATCH = 100
_PAGE = 1000
_V1_WORDS = {"TemporaryFailure": "TEMPORARY_FAILURE", "NotStarted": "NOT_STARTED"}


@dataclass(frozen=True)
class IdentityStatus:
    """One identity in a batched look, in v2 words; the tokens are those now valid."""

    name: str
    verification_status: str
    dkim_status: str
    ownership_token: str
    dkim_tokens: tuple[str, ...]


def identity_statuses(
    *, names: Sequence[str], region: str, caller: Caller, is_dkim_wanted: bool = True
) -> dict[str, IdentityStatus]:
    """Look at many identities, 100 in two paced calls (one without DKIM); an unknown name is missing in the answer.

    An emulator without those calls of v1 is asked by v2, name by name.
    """
    statuses: dict[str, IdentityStatus] = {}
    for start in range(0, len(names), _BATCH):
        batch = list(names[start : start + _BATCH])
        try:
            statuses |= _by_v1(batch, region, caller, is_dkim_wanted)
        except AwsRefused as refusal:
            if not refusal.is_unsupported:
                raise
            statuses |= _by_v2(batch, region, caller)
    return statuses


def _by_v1(batch: list[str], region: str, caller: Caller, is_dkim_wanted: bool) -> dict[str, IdentityStatus]:
    statuses: dict[str, IdentityStatus] = {}
    owned = _attributes("GetIdentityVerificationAttributes", "VerificationAttributes", batch, region, caller)
    signed: dict[str, Any] = {}
    if is_dkim_wanted:
        signed = _attributes("GetIdentityDkimAttributes", "DkimAttributes", batch, region, caller)
    for name in batch:
        if name not in owned:
            continue
        dkim = signed.get(name, {})
        statuses[name] = IdentityStatus(
            name=name,
            verification_status=_v2_word(owned[name].get("VerificationStatus", "")),
            dkim_status=_v2_word(dkim.get("DkimVerificationStatus", "")),
            ownership_token=owned[name].get("VerificationToken", ""),
            dkim_tokens=tuple(dkim.get("DkimTokens", ())),
        )
    return statuses


def _by_v2(batch: list[str], region: str, caller: Caller) -> dict[str, IdentityStatus]:
    statuses: dict[str, IdentityStatus] = {}
    for name in batch:
        try:
            answer = call(
                service="sesv2", region=region, operation="GetEmailIdentity", caller=caller, EmailIdentity=name
            )
        except AwsRefused as refusal:
            if not refusal.is_not_found:
                raise
            continue
        dkim = answer.get("DkimAttributes") or {}
        statuses[name] = IdentityStatus(
            name=name,
            verification_status=answer.get("VerificationStatus") or "NOT_STARTED",
            dkim_status=dkim.get("Status") or "",
            ownership_token="",
            dkim_tokens=tuple(dkim.get("Tokens") or ()),
        )
    return statuses


def list_identities(*, region: str, caller: Caller) -> Iterator[tuple[str, str]]:
    """Every domain identity of the account, ours and foreign, as (name, verification status); 1,000 a paced call."""
    more: dict[str, Any] = {}
    while True:
        answer = call(
            service="sesv2", region=region, operation="ListEmailIdentities", caller=caller, PageSize=_PAGE, **more
        )
        for identity in answer.get("EmailIdentities", ()):
            if identity.get("IdentityType") != "EMAIL_ADDRESS":
                yield identity["IdentityName"], identity.get("VerificationStatus", "")
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}


def _attributes(operation: str, member: str, names: list[str], region: str, caller: Caller) -> dict[str, Any]:
    answer = call(service="ses", region=region, operation=operation, caller=caller, Identities=names)
    found: dict[str, Any] = answer.get(member) or {}
    return found


def _v2_word(word: str) -> str:
    return _V1_WORDS.get(word, word.upper())
