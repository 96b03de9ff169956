"""SES v1: ownership tokens, batched statuses, notification topics; the receipt rules are its other half."""

from __future__ import annotations

from typing import Any

from sandbox.identities import V1_WORDS, Identities, is_name, kind_of
from sandbox.paging import page_of
from sandbox.receipt_rules import RECEIVING_REGIONS, ReceiptRules
from sandbox.sending import send_quota
from sandbox.state import State
from sandbox.wire import AwsProblem

V1_BEHAVIOURS = {"USE_DEFAULT_VALUE": "UseDefaultValue", "REJECT_MESSAGE": "RejectMessage"}


class SesV1(ReceiptRules):
    """`call(operation, region, parameters)` answers as SES v1 would, or raises AwsProblem."""

    def __init__(self, state: State, identities: Identities, store: Any, check_seconds: float) -> None:
        self.state, self.identities, self.store = state, identities, store
        self.check_seconds = check_seconds

    def call(self, operation: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        method = getattr(self, operation, None)
        if method is None:
            raise AwsProblem("InvalidAction", f"{operation} is not in the sandbox.")
        if "Receipt" in operation and region not in RECEIVING_REGIONS:
            raise AwsProblem("InvalidAction", f"Email receiving is not offered in {region}.")
        with self.state.lock:
            result: dict[str, Any] = method(region, **parameters) or {}
            self.state.changed()
            return result

    # --- identities
    def VerifyDomainIdentity(self, region: str, Domain: str) -> dict[str, Any]:
        _require_name(Domain)
        identity = self.identities.find(region, Domain) or self.identities.create(region, Domain, [], by_v1=True)
        identity["ownership_started"] = True
        if identity["status"] == "FAILED":
            identity["status"], identity["started_at"], identity["lost_at"] = "PENDING", self.state.now(), None
        return {"VerificationToken": self.identities.tokens(region, Domain)["ownership"]}

    def VerifyDomainDkim(self, region: str, Domain: str) -> dict[str, Any]:
        _require_name(Domain)
        identity = self.identities.find(region, Domain) or self.identities.create(region, Domain, [], by_v1=True)
        if identity["dkim_status"] in ("NOT_STARTED", "FAILED"):
            identity["dkim_status"], identity["dkim_started_at"] = "PENDING", self.state.now()
        return {"DkimTokens": self.identities.tokens(region, Domain)["dkim"]}

    def DeleteIdentity(self, region: str, Identity: str) -> None:
        self.identities.delete(region, Identity)

    def ListIdentities(
        self, region: str, IdentityType: str = "", NextToken: str = "", MaxItems: int = 1000
    ) -> dict[str, Any]:
        kinds = {"Domain": "DOMAIN", "EmailAddress": "EMAIL_ADDRESS"}
        wanted = kinds.get(IdentityType)
        names = sorted(str(each["name"]) for each in self.identities.of_region(region))
        found = [name for name in names if wanted in (None, kind_of(name))]
        refusal = AwsProblem("InvalidParameterValue", "Invalid next token.")
        page, more = page_of(found, token=NextToken, size=int(MaxItems), refusal=refusal)
        return {"Identities": page, **more}

    def _batch(self, region: str, names: list[str]) -> list[dict[str, Any]]:
        if len(names) > 100:
            raise AwsProblem("InvalidParameterValue", "The request has too many identities; the maximum is 100.")
        self.identities.look(older_than=self.check_seconds)
        found = [self.identities.find(region, name) for name in names]
        return [identity for identity in found if identity is not None]

    def GetIdentityVerificationAttributes(self, region: str, Identities: list[str]) -> dict[str, Any]:
        return {
            "VerificationAttributes": {
                each["name"]: {
                    "VerificationStatus": V1_WORDS[each["status"]],
                    "VerificationToken": self.identities.tokens(region, each["name"])["ownership"],
                }
                for each in self._batch(region, Identities)
            }
        }

    def GetIdentityDkimAttributes(self, region: str, Identities: list[str]) -> dict[str, Any]:
        return {
            "DkimAttributes": {
                each["name"]: {
                    "DkimEnabled": each["dkim_enabled"],
                    "DkimVerificationStatus": V1_WORDS[each["dkim_status"]],
                    "DkimTokens": self.identities.tokens(region, each["name"])["dkim"],
                }
                for each in self._batch(region, Identities)
            }
        }

    def GetIdentityMailFromDomainAttributes(self, region: str, Identities: list[str]) -> dict[str, Any]:
        return {
            "MailFromDomainAttributes": {
                each["name"]: {
                    "MailFromDomain": each["mail_from"],
                    "MailFromDomainStatus": V1_WORDS.get(each["mail_from_status"], "Pending"),
                    "BehaviorOnMXFailure": V1_BEHAVIOURS[each.get("mail_from_behaviour", "USE_DEFAULT_VALUE")],
                }
                for each in self._batch(region, Identities)
            }
        }

    def SetIdentityNotificationTopic(
        self, region: str, Identity: str, NotificationType: str, SnsTopic: str = ""
    ) -> None:
        if self.identities.find(region, Identity) is None:
            raise AwsProblem("InvalidParameterValue", f"Identity {Identity} is not verified.")
        if SnsTopic and SnsTopic not in self.state.tree["topics"]:
            raise AwsProblem("InvalidParameterValue", f"Invalid SNS topic: {SnsTopic}")
        self.state.tree["notification_topics"][f"{region} {Identity.lower()} {NotificationType}"] = SnsTopic

    def GetIdentityNotificationAttributes(self, region: str, Identities: list[str]) -> dict[str, Any]:
        topics = self.state.tree["notification_topics"]
        return {
            "NotificationAttributes": {
                each["name"]: {
                    f"{kind}Topic": topics.get(f"{region} {each['name']} {kind}", "")
                    for kind in ("Bounce", "Complaint", "Delivery")
                }
                | {"ForwardingEnabled": True}
                for each in self._batch(region, Identities)
            }
        }

    def GetSendQuota(self, region: str) -> dict[str, Any]:
        return send_quota(self.state, region)


def _require_name(domain: str) -> None:
    if not is_name(domain):
        raise AwsProblem("InvalidParameterValue", f"Invalid domain name {domain}.")
