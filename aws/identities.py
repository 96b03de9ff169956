"""SES identities one by one: create, look, restart, delete; v2 for the identity, v1 for its tokens.

An identity that is not ours by tag is read-only. All calls are paced; all functions raise AwsError.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from aws.clients import call
from aws.errors import AwsRefused, AwsUnavailable
from aws.identity_statuses import IdentityStatus, identity_statuses, list_identities
from aws.ours import has_our_tag, our_tags
from aws.pacing import Caller

__all__ = [
    "DEFAULT_DKIM_ZONE",
    "ForeignIdentity",
    "IdentityFacts",
    "IdentityStatus",
    "delete_identity",
    "ensure_identity",
    "explain_identity",
    "find_identity",
    "identity_statuses",
    "list_identities",
    "restart_verification",
    "set_mail_from",
]

logger = logging.getLogger(__name__)

DEFAULT_DKIM_ZONE = "dkim.amazonses.com"


class ForeignIdentity(AwsRefused):
    """The AWS account holds this identity, but this installation did not make it: it is not ours to change."""


@dataclass(frozen=True)
class IdentityFacts:
    """What SES says of one identity. Statuses are v2 words: PENDING SUCCESS FAILED TEMPORARY_FAILURE NOT_STARTED.

    Each of `dkim_tokens` is the first label of a CNAME `<token>._domainkey.<name>` to `<token>.<dkim_zone>`;
    `ownership_token` is the TXT value at `_amazonses.<name>`. What SES does not say is the empty string.
    `is_below_foreign`: the account also holds a name above it that is not ours; only who looked sets it.
    """

    name: str
    region: str
    is_ours: bool
    verification_status: str
    dkim_status: str
    mail_from_domain: str
    mail_from_status: str
    error_type: str
    ownership_token: str
    dkim_tokens: tuple[str, ...]
    dkim_zone: str
    was_created: bool
    is_below_foreign: bool = False


def ensure_identity(*, name: str, region: str, caller: Caller) -> IdentityFacts:
    """Make the identity, or adopt the one that is there: `is_ours` says which it is, `was_created` whether just now.

    Asks SESv2 CreateEmailIdentity first and v1 VerifyDomainIdentity second; in the other order SES refuses the first.
    A foreign identity is only read. A failed one stays failed: see `restart_verification`.
    """
    try:
        answer = call(
            service="sesv2",
            region=region,
            operation="CreateEmailIdentity",
            caller=caller,
            EmailIdentity=name,
            Tags=our_tags(),
        )
    except AwsRefused as refusal:
        if refusal.is_unsupported:
            return _ensure_by_v1(name, region, caller)
        if not refusal.is_already_exists:
            raise
        found = find_identity(name=name, region=region, caller=caller)
        if found is None:
            # Deleted between the two calls, perhaps by our own reconciler: the next attempt creates it.
            raise AwsUnavailable(operation="CreateEmailIdentity", code="Vanished", message=refusal.message) from refusal
        facts = found
    else:
        is_verified = bool(answer.get("VerifiedForSendingStatus"))
        facts = _facts(name, region, answer | {"VerificationStatus": "SUCCESS" if is_verified else "PENDING"})
        facts = replace(facts, is_ours=True, was_created=True)
    if not facts.is_ours:
        return facts
    return _with_missing_tokens(facts, caller)


def find_identity(*, name: str, region: str, caller: Caller) -> IdentityFacts | None:
    """The identity with its tokens, or None where the account has none. Changes nothing."""
    facts = _read(name, region, caller)
    if facts is None:
        return None
    status = identity_statuses(names=[name], region=region, caller=caller, is_dkim_wanted=not facts.dkim_tokens)
    tokens = status.get(name)
    if tokens is None:
        return facts
    return replace(facts, ownership_token=tokens.ownership_token, dkim_tokens=facts.dkim_tokens or tokens.dkim_tokens)


def restart_verification(*, name: str, region: str, caller: Caller) -> IdentityFacts:
    """Start both clocks of our identity again (72 h each) and read its possibly new tokens.

    Raises ForeignIdentity where it is not ours, AwsRefused (`is_not_found`) where there is none.
    """
    _require_ours(name, region, caller, operation="VerifyDomainIdentity")
    token = _verify_domain(name, region, caller)
    dkim_tokens = _verify_dkim(name, region, caller)
    facts = _read(name, region, caller)
    if facts is None:
        raise AwsRefused(operation="GetEmailIdentity", code="NotFoundException", message=f"{name} was deleted.")
    return replace(facts, ownership_token=token, dkim_tokens=dkim_tokens or facts.dkim_tokens)


def explain_identity(*, name: str, region: str, caller: Caller) -> str:
    """Why SES has not verified the identity: its `ErrorType` (HOST_NOT_FOUND, ...), or "" when it does not say."""
    facts = _read(name, region, caller)
    return "" if facts is None else facts.error_type


def delete_identity(*, name: str, region: str, caller: Caller) -> None:
    """Delete our identity; none there is done. Raises ForeignIdentity, having changed nothing, where it is not ours."""
    try:
        _require_ours(name, region, caller, operation="DeleteEmailIdentity")
        call(service="sesv2", region=region, operation="DeleteEmailIdentity", caller=caller, EmailIdentity=name)
    except AwsRefused as refusal:
        if refusal.is_unsupported:
            call(service="ses", region=region, operation="DeleteIdentity", caller=caller, Identity=name)
        elif not refusal.is_not_found:
            raise


def set_mail_from(*, name: str, region: str, mail_from: str, caller: Caller) -> None:
    """Set our identity's custom MAIL FROM domain, "" for none; also the way to restart a failed one.

    Mail goes out under SES's own MAIL FROM while the custom one is not right. Raises ForeignIdentity.
    """
    _require_ours(name, region, caller, operation="PutEmailIdentityMailFromAttributes")
    call(
        service="sesv2",
        region=region,
        operation="PutEmailIdentityMailFromAttributes",
        caller=caller,
        EmailIdentity=name,
        MailFromDomain=mail_from,
        BehaviorOnMxFailure="USE_DEFAULT_VALUE",
    )


def _read(name: str, region: str, caller: Caller) -> IdentityFacts | None:
    try:
        answer = call(service="sesv2", region=region, operation="GetEmailIdentity", caller=caller, EmailIdentity=name)
    except AwsRefused as refusal:
        if refusal.is_not_found:
            return None
        if refusal.is_unsupported:
            return _read_by_v1(name, region, caller)
        raise
    return _facts(name, region, answer)


def _read_by_v1(name: str, region: str, caller: Caller) -> IdentityFacts | None:
    """What v1 says. An endpoint without SESv2 is an emulator of ours alone, so what it holds is ours."""
    status = identity_statuses(names=[name], region=region, caller=caller).get(name)
    if status is None:
        return None
    return IdentityFacts(
        name=name,
        region=region,
        is_ours=True,
        verification_status=status.verification_status,
        dkim_status=status.dkim_status,
        mail_from_domain="",
        mail_from_status="",
        error_type="",
        ownership_token=status.ownership_token,
        dkim_tokens=status.dkim_tokens,
        dkim_zone=DEFAULT_DKIM_ZONE,
        was_created=False,
    )


def _ensure_by_v1(name: str, region: str, caller: Caller) -> IdentityFacts:
    """VerifyDomainIdentity makes the identity where there is none, and gives the token again where there is one."""
    if not _verify_domain(name, region, caller):
        raise AwsRefused(operation="CreateEmailIdentity", code="NotImplementedByServer", message="Nor has it v1.")
    facts = _read_by_v1(name, region, caller)
    if facts is None:
        raise AwsUnavailable(operation="VerifyDomainIdentity", code="Vanished", message=f"{name} was deleted.")
    return _with_missing_tokens(facts, caller)


def _facts(name: str, region: str, answer: dict[str, Any]) -> IdentityFacts:
    dkim = answer.get("DkimAttributes") or {}
    mail_from = answer.get("MailFromAttributes") or {}
    # With somebody's own key (EXTERNAL) the one "token" is their selector, and no CNAME of ours.
    tokens = () if dkim.get("SigningAttributesOrigin") == "EXTERNAL" else tuple(dkim.get("Tokens") or ())
    return IdentityFacts(
        name=name,
        region=region,
        is_ours=has_our_tag(answer.get("Tags")),
        verification_status=answer.get("VerificationStatus") or "NOT_STARTED",
        dkim_status=dkim.get("Status") or "NOT_STARTED",
        mail_from_domain=mail_from.get("MailFromDomain") or "",
        mail_from_status=mail_from.get("MailFromDomainStatus") or "",
        error_type=(answer.get("VerificationInfo") or {}).get("ErrorType") or "",
        ownership_token="",
        dkim_tokens=tokens,
        dkim_zone=dkim.get("SigningHostedZone") or DEFAULT_DKIM_ZONE,
        was_created=False,
    )


def _require_ours(name: str, region: str, caller: Caller, *, operation: str) -> None:
    facts = _read(name, region, caller)
    if facts is None:
        raise AwsRefused(operation=operation, code="NotFoundException", message=f"There is no identity {name}.")
    if not facts.is_ours:
        raise ForeignIdentity(operation=operation, code="ForeignIdentity", message=f"{name} has not our tag.")


def _with_missing_tokens(facts: IdentityFacts, caller: Caller) -> IdentityFacts:
    token, dkim_tokens = facts.ownership_token, facts.dkim_tokens
    if not token:
        token = _verify_domain(facts.name, facts.region, caller)
    if not dkim_tokens:
        dkim_tokens = _verify_dkim(facts.name, facts.region, caller)
    return replace(facts, ownership_token=token, dkim_tokens=dkim_tokens)


def _verify_domain(name: str, region: str, caller: Caller) -> str:
    return str(_ask_for_tokens("VerifyDomainIdentity", name, region, caller).get("VerificationToken") or "")


def _verify_dkim(name: str, region: str, caller: Caller) -> tuple[str, ...]:
    return tuple(_ask_for_tokens("VerifyDomainDkim", name, region, caller).get("DkimTokens") or ())


def _ask_for_tokens(operation: str, name: str, region: str, caller: Caller) -> dict[str, Any]:
    """SES's answer; {} from an emulator without the call: then there are no such records, and the others do."""
    try:
        return call(service="ses", region=region, operation=operation, caller=caller, Domain=name)
    except AwsRefused as refusal:
        if not refusal.is_unsupported:
            raise
        logger.warning("%s has no tokens: %s", name, refusal)
        return {}
