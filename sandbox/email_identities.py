"""SESv2 identities: made, looked at, changed, listed, tagged."""

from __future__ import annotations

from typing import Any

from sandbox.identities import DKIM_ZONE, Identities, is_name, kind_of
from sandbox.paging import bad_token_of_v2, page_of
from sandbox.state import State
from sandbox.wire import AwsProblem


class EmailIdentities:
    """The identity operations of SESv2, by AWS's names; each raises AwsProblem."""

    state: State
    identities: Identities
    check_seconds: float

    def CreateEmailIdentity(
        self,
        region: str,
        EmailIdentity: str,
        Tags: Any = (),
        ConfigurationSetName: str = "",
        DkimSigningAttributes: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        if not is_name(EmailIdentity.rpartition("@")[2]):
            raise AwsProblem("BadRequestException", f"Invalid email identity: {EmailIdentity}")
        if ConfigurationSetName and f"{region} {ConfigurationSetName}" not in self.state.tree["configuration_sets"]:
            raise AwsProblem("NotFoundException", f"Configuration set {ConfigurationSetName} does not exist.", 404)
        if self.identities.find(region, EmailIdentity) is not None:
            raise AwsProblem("AlreadyExistsException", f"Email identity {EmailIdentity} already exist.")
        identity = self.identities.create(region, EmailIdentity, list(Tags))
        identity["selector"] = (DkimSigningAttributes or {}).get("DomainSigningSelector", "")
        identity["configuration_set"] = ConfigurationSetName
        return {
            "IdentityType": kind_of(identity["name"]),
            "VerifiedForSendingStatus": False,
            "DkimAttributes": self._dkim(region, identity),
        }

    def _dkim(self, region: str, identity: dict[str, Any]) -> dict[str, Any]:
        selector = identity.get("selector")
        return {
            "SigningEnabled": identity["dkim_enabled"],
            "Status": identity["dkim_status"],
            "Tokens": [selector] if selector else self.identities.tokens(region, identity["name"])["dkim"],
            "SigningHostedZone": DKIM_ZONE,
            "SigningAttributesOrigin": "EXTERNAL" if selector else "AWS_SES",
            "NextSigningKeyLength": "RSA_2048_BIT",
            "CurrentSigningKeyLength": "RSA_2048_BIT",
        }

    def GetEmailIdentity(self, region: str, EmailIdentity: str) -> dict[str, Any]:
        self.identities.look(older_than=self.check_seconds)
        identity = self.identities.get(region, EmailIdentity)
        details = {"ErrorType": identity["error_type"]} if identity["error_type"] else {}
        if identity["last_checked"]:
            details["LastCheckedTimestamp"] = identity["last_checked"]
        if identity["last_success"]:
            details["LastSuccessTimestamp"] = identity["last_success"]
        answer = {
            "IdentityType": kind_of(identity["name"]),
            "FeedbackForwardingStatus": True,
            "VerifiedForSendingStatus": identity["status"] in ("SUCCESS", "TEMPORARY_FAILURE"),
            "VerificationStatus": identity["status"],
            "VerificationInfo": details,
            "DkimAttributes": self._dkim(region, identity),
            "Policies": {},
            "Tags": identity["tags"],
        }
        if identity["mail_from"]:
            answer["MailFromAttributes"] = {
                "MailFromDomain": identity["mail_from"],
                "MailFromDomainStatus": identity["mail_from_status"] or "PENDING",
                "BehaviorOnMxFailure": identity.get("mail_from_behaviour", "USE_DEFAULT_VALUE"),
            }
        if identity.get("configuration_set"):
            answer["ConfigurationSetName"] = identity["configuration_set"]
        return answer

    def DeleteEmailIdentity(self, region: str, EmailIdentity: str) -> None:
        self.identities.get(region, EmailIdentity)
        self.identities.delete(region, EmailIdentity)

    def ListEmailIdentities(
        self, region: str, NextToken: str = "", PageSize: int = 100, Filter: Any = None
    ) -> dict[str, Any]:
        wanted = Filter or {}
        found = [
            each
            for each in sorted(self.identities.of_region(region), key=lambda each: str(each["name"]))
            if wanted.get("IDENTITY_NAME_CONTAINS", "") in each["name"]
            and wanted.get("IDENTITY_TYPE", kind_of(each["name"])) == kind_of(each["name"])
            and wanted.get("VERIFICATION_STATUS", each["status"]) == each["status"]
        ]
        page, more = page_of(found, token=NextToken, size=min(PageSize, 1000), refusal=bad_token_of_v2())
        answer: dict[str, Any] = {
            "EmailIdentities": [
                {
                    "IdentityType": kind_of(each["name"]),
                    "IdentityName": each["name"],
                    "SendingEnabled": each["status"] == "SUCCESS",
                    "VerificationStatus": each["status"],
                }
                for each in page
            ]
        }
        return answer | more

    def PutEmailIdentityMailFromAttributes(
        self,
        region: str,
        EmailIdentity: str,
        MailFromDomain: str = "",
        BehaviorOnMxFailure: str = "USE_DEFAULT_VALUE",
    ) -> None:
        identity = self.identities.get(region, EmailIdentity)
        if MailFromDomain and not MailFromDomain.endswith("." + identity["name"]):
            raise AwsProblem("BadRequestException", "The MAIL FROM domain must be a subdomain of the identity.")
        identity["mail_from"], identity["mail_from_status"] = MailFromDomain, "PENDING" if MailFromDomain else ""
        identity["mail_from_started_at"] = self.state.now()
        identity["mail_from_behaviour"] = BehaviorOnMxFailure

    def PutEmailIdentityDkimAttributes(self, region: str, EmailIdentity: str, SigningEnabled: bool = False) -> None:
        self.identities.get(region, EmailIdentity)["dkim_enabled"] = SigningEnabled

    def PutEmailIdentityDkimSigningAttributes(
        self,
        region: str,
        EmailIdentity: str,
        SigningAttributesOrigin: str,
        SigningAttributes: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        identity = self.identities.get(region, EmailIdentity)
        is_own = SigningAttributesOrigin == "EXTERNAL"
        selector = (SigningAttributes or {}).get("DomainSigningSelector", "")
        if is_own and not selector:
            raise AwsProblem("BadRequestException", "DomainSigningSelector and DomainSigningPrivateKey are required.")
        identity["selector"] = selector if is_own else ""
        identity["dkim_status"], identity["dkim_started_at"] = "PENDING", self.state.now()
        return {"DkimStatus": "PENDING", "DkimTokens": self._dkim(region, identity)["Tokens"]}

    def PutEmailIdentityFeedbackAttributes(self, region: str, EmailIdentity: str, **_: Any) -> None:
        self.identities.get(region, EmailIdentity)

    def _name_of_arn(self, arn: str) -> str:
        return arn.rpartition("/")[2]

    def ListTagsForResource(self, region: str, ResourceArn: str) -> dict[str, Any]:
        return {"Tags": self.identities.get(region, self._name_of_arn(ResourceArn))["tags"]}

    def TagResource(self, region: str, ResourceArn: str, Tags: list[dict[str, str]]) -> None:
        identity = self.identities.get(region, self._name_of_arn(ResourceArn))
        keys = {tag["Key"] for tag in Tags}
        identity["tags"] = [tag for tag in identity["tags"] if tag["Key"] not in keys] + Tags

    def UntagResource(self, region: str, ResourceArn: str, TagKeys: list[str] | str) -> None:
        identity = self.identities.get(region, self._name_of_arn(ResourceArn))
        gone = [TagKeys] if isinstance(TagKeys, str) else TagKeys
        identity["tags"] = [tag for tag in identity["tags"] if tag["Key"] not in gone]
