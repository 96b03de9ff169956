"""SES identities: the calls of both APIs that the product makes, and a verification that is earned in DNS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import eventually, refusal
from tests.sandbox_process import SandboxProcess

NAME = "acme.example"
HOURS_72 = 72 * 3600
Client = Callable[..., Any]


def publish(sandbox: SandboxProcess, *records: dict[str, Any]) -> None:
    sandbox.control("POST", "/_sandbox/publish", {"records": list(records)})


def dkim_records(tokens: list[str], name: str = NAME) -> list[dict[str, Any]]:
    return [
        {"type": "CNAME", "name": f"{token}._domainkey.{name}", "value": f"{token}.dkim.amazonses.com"}
        for token in tokens
    ]


def look(sandbox: SandboxProcess, client: Client) -> tuple[str, str, str]:
    """(identity's status, DKIM's status, error type) right after SES has looked."""
    sandbox.control("POST", "/_sandbox/check")
    found = client("sesv2").get_email_identity(EmailIdentity=NAME)
    return (
        found["VerificationStatus"],
        found["DkimAttributes"]["Status"],
        found["VerificationInfo"].get("ErrorType", ""),
    )


def advance(sandbox: SandboxProcess, seconds: float) -> None:
    sandbox.control("POST", "/_sandbox/clock", {"advance_seconds": seconds})


def test_a_new_identity_has_three_tokens_and_is_pending(client: Client) -> None:
    tags = [{"Key": "owner", "Value": "acme"}]
    made = client("sesv2").create_email_identity(EmailIdentity=NAME, Tags=tags)
    assert (made["IdentityType"], made["VerifiedForSendingStatus"]) == ("DOMAIN", False)
    assert len(set(made["DkimAttributes"]["Tokens"])) == 3
    assert made["DkimAttributes"]["SigningHostedZone"] == "dkim.amazonses.com"
    found = client("sesv2").get_email_identity(EmailIdentity=NAME)
    assert (found["VerificationStatus"], found["Tags"]) == ("PENDING", tags)
    assert (
        client("sesv2").list_tags_for_resource(ResourceArn=f"arn:aws:ses:us-east-1:123456789012:identity/{NAME}")[
            "Tags"
        ]
        == tags
    )


def test_a_mail_address_is_an_identity_of_its_own_kind(client: Client) -> None:
    made = client("sesv2").create_email_identity(EmailIdentity="sam@acme.example")
    assert made["IdentityType"] == "EMAIL_ADDRESS"
    (listed,) = client("sesv2").list_email_identities()["EmailIdentities"]
    assert (listed["IdentityType"], listed["IdentityName"]) == ("EMAIL_ADDRESS", "sam@acme.example")


def test_tokens_are_of_the_name_and_region_and_outlive_the_identity(client: Client) -> None:
    def tokens(name: str, region: str = "us-east-1") -> tuple[str, ...]:
        made = client("sesv2", region).create_email_identity(EmailIdentity=name)
        owned = client("ses", region).verify_domain_identity(Domain=name)["VerificationToken"]
        return (owned, *made["DkimAttributes"]["Tokens"])

    first = tokens(NAME)
    assert not set(first) & set(tokens("globex.example"))
    assert not set(first) & set(tokens(NAME, "eu-west-1"))
    client("sesv2").delete_email_identity(EmailIdentity=NAME)
    assert tokens(NAME) == first


def test_v1_and_v2_speak_of_the_same_identity(client: Client) -> None:
    tokens = client("sesv2").create_email_identity(EmailIdentity=NAME)["DkimAttributes"]["Tokens"]
    ses = client("ses")
    token = ses.verify_domain_identity(Domain=NAME)["VerificationToken"]
    assert ses.verify_domain_dkim(Domain=NAME)["DkimTokens"] == tokens
    attributes = ses.get_identity_verification_attributes(Identities=[NAME, "nobody.example"])
    assert attributes["VerificationAttributes"] == {NAME: {"VerificationStatus": "Pending", "VerificationToken": token}}
    assert ses.get_identity_dkim_attributes(Identities=[NAME])["DkimAttributes"][NAME] == {
        "DkimEnabled": True,
        "DkimVerificationStatus": "Pending",
        "DkimTokens": tokens,
    }
    assert ses.list_identities(IdentityType="Domain")["Identities"] == [NAME]
    ses.delete_identity(Identity=NAME)
    assert ses.list_identities()["Identities"] == []


@pytest.mark.parametrize(
    ("service", "call", "parameters", "expected"),
    [
        ("sesv2", "get_email_identity", {"EmailIdentity": "no.example"}, ("NotFoundException", 404)),
        ("sesv2", "delete_email_identity", {"EmailIdentity": "no.example"}, ("NotFoundException", 404)),
        ("sesv2", "create_email_identity", {"EmailIdentity": NAME}, ("AlreadyExistsException", 400)),
        ("sesv2", "create_email_identity", {"EmailIdentity": "not a name"}, ("BadRequestException", 400)),
        (
            "sesv2",
            "create_email_identity",
            {"EmailIdentity": "new.example", "ConfigurationSetName": "none"},
            ("NotFoundException", 404),
        ),
        (
            "sesv2",
            "put_email_identity_mail_from_attributes",
            {"EmailIdentity": "no.example", "MailFromDomain": "bounce.no.example"},
            ("NotFoundException", 404),
        ),
        (
            "sesv2",
            "put_email_identity_mail_from_attributes",
            {"EmailIdentity": NAME, "MailFromDomain": "bounce.other.example"},
            ("BadRequestException", 400),
        ),
        (
            "sesv2",
            "put_email_identity_dkim_attributes",
            {"EmailIdentity": "no.example", "SigningEnabled": True},
            ("NotFoundException", 404),
        ),
        (
            "sesv2",
            "list_tags_for_resource",
            {"ResourceArn": "arn:aws:ses:us-east-1:123456789012:identity/no.example"},
            ("NotFoundException", 404),
        ),
        ("ses", "verify_domain_identity", {"Domain": "not a name"}, ("InvalidParameterValue", 400)),
        ("ses", "verify_domain_dkim", {"Domain": "-a.example"}, ("InvalidParameterValue", 400)),
        (
            "ses",
            "get_identity_verification_attributes",
            {"Identities": [f"n{number}.example" for number in range(101)]},
            ("InvalidParameterValue", 400),
        ),
        (
            "ses",
            "get_identity_dkim_attributes",
            {"Identities": [f"n{number}.example" for number in range(101)]},
            ("InvalidParameterValue", 400),
        ),
        (
            "ses",
            "set_identity_notification_topic",
            {"Identity": "no.example", "NotificationType": "Bounce"},
            ("InvalidParameterValue", 400),
        ),
        ("sesv2", "list_email_identities", {"NextToken": "none of ours"}, ("InvalidNextTokenException", 400)),
        ("sesv2", "list_tenants", {"NextToken": "none of ours"}, ("InvalidNextTokenException", 400)),
        ("ses", "list_identities", {"NextToken": "none of ours"}, ("InvalidParameterValue", 400)),
    ],
)
def test_what_aws_refuses_is_refused(
    client: Client, service: str, call: str, parameters: dict[str, Any], expected: tuple[str, int]
) -> None:
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    assert refusal(getattr(client(service), call), **parameters) == expected


def test_the_v2_call_is_refused_after_the_v1_call(client: Client) -> None:
    client("ses").verify_domain_identity(Domain=NAME)
    assert refusal(client("sesv2").create_email_identity, EmailIdentity=NAME) == ("AlreadyExistsException", 400)


def test_the_list_is_paged_and_filtered(client: Client) -> None:
    for name in ("a.example", "b.example", "c.test"):
        client("sesv2").create_email_identity(EmailIdentity=name)
    first = client("sesv2").list_email_identities(PageSize=2)
    second = client("sesv2").list_email_identities(PageSize=2, NextToken=first["NextToken"])
    names = [each["IdentityName"] for each in first["EmailIdentities"] + second["EmailIdentities"]]
    assert (names, "NextToken" in second) == (["a.example", "b.example", "c.test"], False)
    found = client("sesv2").list_email_identities(Filter={"IDENTITY_NAME_CONTAINS": ".test"})["EmailIdentities"]
    assert [(each["IdentityName"], each["VerificationStatus"]) for each in found] == [("c.test", "PENDING")]


def test_the_list_of_v1_is_paged_and_filtered_by_kind(client: Client) -> None:
    for name in ("a.example", "b.example", "someone@c.test"):
        client("sesv2").create_email_identity(EmailIdentity=name)
    first = client("ses").list_identities(MaxItems=2)
    second = client("ses").list_identities(MaxItems=2, NextToken=first["NextToken"])
    assert (first["Identities"], second["Identities"]) == (["a.example", "b.example"], ["someone@c.test"])
    assert client("ses").list_identities(IdentityType="Domain")["Identities"] == ["a.example", "b.example"]


def test_the_ownership_token_earns_success(sandbox: SandboxProcess, client: Client) -> None:
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    token = client("ses").verify_domain_identity(Domain=NAME)["VerificationToken"]
    assert look(sandbox, client)[:2] == ("PENDING", "PENDING")
    publish(sandbox, {"type": "TXT", "name": f"_amazonses.{NAME}", "value": token})
    assert look(sandbox, client) == ("SUCCESS", "PENDING", "")
    assert client("sesv2").get_email_identity(EmailIdentity=NAME)["VerifiedForSendingStatus"]
    status = client("ses").get_identity_verification_attributes(Identities=[NAME])["VerificationAttributes"][NAME]
    assert status["VerificationStatus"] == "Success"


def test_two_of_three_dkim_records_earn_nothing_and_three_earn_both(sandbox: SandboxProcess, client: Client) -> None:
    tokens = client("sesv2").create_email_identity(EmailIdentity=NAME)["DkimAttributes"]["Tokens"]
    publish(sandbox, *dkim_records(tokens[:2]))
    assert look(sandbox, client)[:2] == ("PENDING", "PENDING")
    publish(sandbox, *dkim_records(tokens[2:]))
    assert look(sandbox, client) == ("SUCCESS", "SUCCESS", "")


def test_records_in_route_53_count_as_any_other(sandbox: SandboxProcess, client: Client) -> None:
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    token = client("ses").verify_domain_identity(Domain=NAME)["VerificationToken"]
    zone = client("route53").create_hosted_zone(Name=NAME, CallerReference="1")["HostedZone"]["Id"]
    record = {"Name": f"_amazonses.{NAME}", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": f'"{token}"'}]}
    changes = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
    assert look(sandbox, client)[0] == "SUCCESS"


def test_ses_says_what_is_wrong(sandbox: SandboxProcess, client: Client) -> None:
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    client("ses").verify_domain_identity(Domain=NAME)
    assert look(sandbox, client)[2] == "HOST_NOT_FOUND"
    publish(sandbox, {"type": "A", "name": f"_amazonses.{NAME}", "value": "192.0.2.1"})
    assert look(sandbox, client)[2] == "TYPE_NOT_FOUND"
    publish(sandbox, {"type": "TXT", "name": f"_amazonses.{NAME}", "value": "another"})
    assert look(sandbox, client)[2] == "INVALID_VALUE"
    sandbox.control("PUT", f"/_sandbox/zones/{NAME}", {"servers": {"127.0.0.53": {"behaviour": "servfail"}}})
    assert look(sandbox, client)[2] == "DNS_SERVER_ERROR"


def test_ses_looks_by_itself(sandbox: SandboxProcess, client: Client) -> None:
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    token = client("ses").verify_domain_identity(Domain=NAME)["VerificationToken"]
    publish(sandbox, {"type": "TXT", "name": f"_amazonses.{NAME}", "value": token})

    def found() -> Any:
        return client("sesv2").get_email_identity(EmailIdentity=NAME)

    assert eventually(lambda: found()["VerificationStatus"] == "SUCCESS")
    info = found()["VerificationInfo"]
    assert info["LastCheckedTimestamp"] >= info["LastSuccessTimestamp"]


def test_after_72_hours_without_records_it_has_failed_and_a_restart_gives_another_72(
    sandbox: SandboxProcess, client: Client
) -> None:
    tokens = client("sesv2").create_email_identity(EmailIdentity=NAME)["DkimAttributes"]["Tokens"]
    token = client("ses").verify_domain_identity(Domain=NAME)["VerificationToken"]
    advance(sandbox, HOURS_72 - 60)
    assert look(sandbox, client)[:2] == ("PENDING", "PENDING")
    advance(sandbox, 61)
    assert look(sandbox, client)[:2] == ("FAILED", "FAILED")
    publish(sandbox, {"type": "TXT", "name": f"_amazonses.{NAME}", "value": token}, *dkim_records(tokens))
    assert look(sandbox, client)[:2] == ("FAILED", "FAILED")
    client("ses").verify_domain_identity(Domain=NAME)
    assert look(sandbox, client)[:2] == ("SUCCESS", "FAILED")
    client("ses").verify_domain_dkim(Domain=NAME)
    assert look(sandbox, client)[:2] == ("SUCCESS", "SUCCESS")


def test_a_record_that_goes_is_a_warning_of_72_hours(
    sandbox: SandboxProcess, client: Client, verified: Callable[..., str]
) -> None:
    verified()
    sandbox.control("DELETE", f"/_sandbox/zones/{NAME}")
    assert look(sandbox, client)[0] == "TEMPORARY_FAILURE"
    assert client("sesv2").get_email_identity(EmailIdentity=NAME)["VerifiedForSendingStatus"]
    advance(sandbox, HOURS_72 + 1)
    assert look(sandbox, client)[0] == "FAILED"


def test_a_dns_that_does_not_answer_takes_nothing_away(
    sandbox: SandboxProcess, client: Client, verified: Callable[..., str]
) -> None:
    verified()
    sandbox.control("PUT", f"/_sandbox/zones/{NAME}", {"servers": {"127.0.0.53": {"behaviour": "servfail"}}})
    assert look(sandbox, client)[0] == "SUCCESS"


def test_the_mail_from_domain_is_earned_too(sandbox: SandboxProcess, client: Client) -> None:
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    put = client("sesv2").put_email_identity_mail_from_attributes

    def status() -> str:
        sandbox.control("POST", "/_sandbox/check")
        found = client("sesv2").get_email_identity(EmailIdentity=NAME)["MailFromAttributes"]
        v1 = client("ses").get_identity_mail_from_domain_attributes(Identities=[NAME])["MailFromDomainAttributes"][NAME]
        assert v1["MailFromDomain"] == found["MailFromDomain"] == f"bounce.{NAME}"
        assert v1["MailFromDomainStatus"].upper() == found["MailFromDomainStatus"].upper()
        return str(found["MailFromDomainStatus"])

    put(EmailIdentity=NAME, MailFromDomain=f"bounce.{NAME}", BehaviorOnMxFailure="REJECT_MESSAGE")
    assert status() == "PENDING"
    advance(sandbox, HOURS_72 + 1)
    assert status() == "FAILED"
    publish(
        sandbox,
        {"type": "MX", "name": f"bounce.{NAME}", "value": "feedback-smtp.us-east-1.amazonses.com", "priority": 10},
    )
    assert status() == "FAILED"
    put(EmailIdentity=NAME, MailFromDomain=f"bounce.{NAME}")
    assert status() == "SUCCESS"
    put(EmailIdentity=NAME)
    assert "MailFromDomain" not in client("sesv2").get_email_identity(EmailIdentity=NAME).get("MailFromAttributes", {})


def test_own_keys_replace_the_tokens(client: Client) -> None:
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    attributes = {"DomainSigningSelector": "postern", "DomainSigningPrivateKey": "c2VjcmV0"}
    answer = client("sesv2").put_email_identity_dkim_signing_attributes(
        EmailIdentity=NAME, SigningAttributesOrigin="EXTERNAL", SigningAttributes=attributes
    )
    assert (answer["DkimStatus"], answer["DkimTokens"]) == ("PENDING", ["postern"])
    dkim = client("sesv2").get_email_identity(EmailIdentity=NAME)["DkimAttributes"]
    assert (dkim["SigningAttributesOrigin"], dkim["Tokens"]) == ("EXTERNAL", ["postern"])


def test_signing_is_switched_off(client: Client) -> None:
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    client("sesv2").put_email_identity_dkim_attributes(EmailIdentity=NAME, SigningEnabled=False)
    assert not client("sesv2").get_email_identity(EmailIdentity=NAME)["DkimAttributes"]["SigningEnabled"]


def test_tags_are_added_and_taken_away(client: Client) -> None:
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    arn = f"arn:aws:ses:us-east-1:123456789012:identity/{NAME}"
    client("sesv2").tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    client("sesv2").untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert client("sesv2").list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_notification_topics_are_kept(client: Client) -> None:
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    topic = client("sns").create_topic(Name="bounces")["TopicArn"]
    client("ses").set_identity_notification_topic(Identity=NAME, NotificationType="Bounce", SnsTopic=topic)
    found = client("ses").get_identity_notification_attributes(Identities=[NAME])["NotificationAttributes"][NAME]
    assert (found["BounceTopic"], found.get("ComplaintTopic", "")) == (topic, "")
