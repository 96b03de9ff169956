"""SESv2 SendEmail, and what the account may send."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.utils import getaddresses, parseaddr
from typing import Any

from sandbox.configuration_sets import ConfigurationSets
from sandbox.identities import Identities
from sandbox.sender import SIMULATOR, Sender
from sandbox.state import State
from sandbox.tenants import Tenants
from sandbox.wire import AwsProblem

MOST_RECIPIENTS = 50
DAY = 24 * 3600.0


class Sending(Tenants, ConfigurationSets):
    """Sending, which needs tenants and configuration sets; operations by AWS's names, each raises AwsProblem."""

    state: State
    identities: Identities
    sender: Sender
    check_seconds: float

    def GetAccount(self, region: str) -> dict[str, Any]:
        return {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": self._is_production(),
            "SendingEnabled": True,
            "SendQuota": send_quota(self.state, region),
        }

    def SendEmail(self, region: str, Content: dict[str, Any], **parameters: Any) -> dict[str, Any]:
        source, recipients = _envelope(Content, parameters)
        if len(recipients) > MOST_RECIPIENTS:
            raise AwsProblem("BadRequestException", f"Recipient count exceeds {MOST_RECIPIENTS}.")
        if not recipients:
            raise AwsProblem("BadRequestException", "Missing final destination.")
        self.identities.look(older_than=self.check_seconds)
        identity = self._sending_identity(region, source)
        if not self._is_production():
            self._refuse_strangers(region, recipients)
        name = parameters.get("ConfigurationSetName", "")
        destinations = self.find_configuration_set(region, name)["destinations"] if name else []
        if parameters.get("TenantName"):
            self._check_tenant(region, parameters["TenantName"], identity["name"], name)
        message_id = f"{uuid.uuid4().hex[:16]}-{uuid.uuid4()}-000000"
        self.state.tree.setdefault("sent", {}).setdefault(region, []).append([self.state.now(), len(recipients)])
        self.sender.sent(
            region=region,
            message_id=message_id,
            source=source,
            recipients=recipients,
            identity=identity["name"],
            configuration_set=name,
            destinations=destinations,
            tags={tag["Name"]: [tag["Value"]] for tag in parameters.get("EmailTags") or ()},
        )
        return {"MessageId": message_id}

    def _is_production(self) -> bool:
        return bool(self.state.tree.get("is_production", True))

    def _sending_identity(self, region: str, source: str) -> dict[str, Any]:
        identity = self.identities.covering(region, source)
        if identity is None:
            raise _unverified(region, [source])
        return identity

    def _refuse_strangers(self, region: str, recipients: Sequence[str]) -> None:
        """An account without production access sends to verified identities and the simulator alone."""
        strangers = [
            each
            for each in recipients
            if not each.endswith(SIMULATOR) and self.identities.covering(region, each) is None
        ]
        if strangers:
            raise _unverified(region, strangers)

    def _check_tenant(self, region: str, tenant: str, identity: str, configuration_set: str) -> None:
        resources = self.find_tenant(region, tenant)["resources"]
        needed = [f"identity/{identity}"] + ([f"configuration-set/{configuration_set}"] if configuration_set else [])
        for resource in needed:
            if not any(arn.endswith(":" + resource) for arn in resources):
                raise AwsProblem("BadRequestException", f"{resource} is not associated with the tenant {tenant}.")


def send_quota(state: State, region: str) -> dict[str, float]:
    """The quota that both APIs tell: the last 24 hours are the sandbox clock's."""
    sent = state.tree.get("sent", {}).get(region, [])
    recent = sum(count for at, count in sent if state.now() - at < DAY)
    return {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": float(recent)}


def _envelope(content: dict[str, Any], parameters: dict[str, Any]) -> tuple[str, list[str]]:
    """The sender's address and the recipients: as the call says, for a raw mail else as its headers say."""
    destination = parameters.get("Destination") or {}
    fields = ("ToAddresses", "CcAddresses", "BccAddresses")
    recipients = [address for field in fields for address in destination.get(field) or ()]
    source = str(parameters.get("FromEmailAddress") or "")
    if content.get("Raw"):
        mail = message_from_bytes(base64.b64decode(content["Raw"]["Data"]), policy=policy.compat32)
        source = source or str(mail.get("From", ""))
        headers = [str(value) for name in ("To", "Cc", "Bcc") for value in mail.get_all(name, [])]
        recipients = recipients or [address for _, address in getaddresses(headers) if address]
    return parseaddr(source)[1].lower(), [parseaddr(each)[1].lower() for each in recipients]


def _unverified(region: str, addresses: Sequence[str]) -> AwsProblem:
    return AwsProblem(
        "MessageRejected",
        "Email address is not verified. The following identities failed the check in region "
        f"{region.upper()}: {', '.join(addresses)}",
    )
