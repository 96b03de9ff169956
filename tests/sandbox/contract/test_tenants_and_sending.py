"""SESv2 tenants, configuration sets and sending."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from tests.sandbox.conftest import refusal
from tests.sandbox_process import SandboxProcess

NAME = "acme.example"
ARN = "arn:aws:ses:us-east-1:123456789012"
Client = Callable[..., Any]


@pytest.fixture
def events(client: Client) -> Callable[[], list[dict[str, Any]]]:
    """A configuration set `ours` whose events come to a queue; gives what has come so far."""
    topic = client("sns").create_topic(Name="events")["TopicArn"]
    queue = client("sqs").create_queue(QueueName="events")["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"])
    client("sesv2").create_configuration_set(ConfigurationSetName="ours")
    client("sesv2").create_configuration_set_event_destination(
        ConfigurationSetName="ours",
        EventDestinationName="sns",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["BOUNCE", "COMPLAINT", "DELIVERY"],
            "SnsDestination": {"TopicArn": topic},
        },
    )

    def take() -> list[dict[str, Any]]:
        answer = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        return [json.loads(json.loads(message["Body"])["Message"]) for message in answer.get("Messages", [])]

    return take


def simple(to: str = "you@globex.example", **parameters: Any) -> dict[str, Any]:
    body = {"Text": {"Data": "Hello"}}
    content = {"Simple": {"Subject": {"Data": "Hello"}, "Body": body}}
    return {
        "FromEmailAddress": f"Acme <support@{NAME}>",
        "Destination": {"ToAddresses": [to]},
        "Content": content,
    } | parameters


def test_a_tenant_is_made_found_listed_and_deleted(client: Client) -> None:
    ses = client("sesv2")
    made = ses.create_tenant(TenantName="t-1", Tags=[{"Key": "owner", "Value": "acme"}])
    assert (made["TenantName"], made["SendingStatus"]) == ("t-1", "ENABLED")
    assert ses.get_tenant(TenantName="t-1")["Tenant"]["TenantId"] == made["TenantId"]
    assert [each["TenantArn"] for each in ses.list_tenants()["Tenants"]] == [made["TenantArn"]]
    ses.delete_tenant(TenantName="t-1")
    assert ses.list_tenants()["Tenants"] == []


def test_tenants_are_listed_by_pages(client: Client) -> None:
    for name in ("t-1", "t-2", "t-3"):
        client("sesv2").create_tenant(TenantName=name)
    first = client("sesv2").list_tenants(PageSize=2)
    second = client("sesv2").list_tenants(PageSize=2, NextToken=first["NextToken"])
    assert [each["TenantName"] for each in first["Tenants"] + second["Tenants"]] == ["t-1", "t-2", "t-3"]


def test_resources_are_associated_and_listed_both_ways(client: Client) -> None:
    ses = client("sesv2")
    ses.create_tenant(TenantName="t-1")
    ses.create_email_identity(EmailIdentity=NAME)
    ses.create_tenant_resource_association(TenantName="t-1", ResourceArn=f"{ARN}:identity/{NAME}")
    (resource,) = ses.list_tenant_resources(TenantName="t-1")["TenantResources"]
    assert (resource["ResourceType"], resource["ResourceArn"]) == ("EMAIL_IDENTITY", f"{ARN}:identity/{NAME}")
    (tenant,) = ses.list_resource_tenants(ResourceArn=f"{ARN}:identity/{NAME}")["ResourceTenants"]
    assert tenant["TenantName"] == "t-1"
    ses.delete_tenant_resource_association(TenantName="t-1", ResourceArn=f"{ARN}:identity/{NAME}")
    assert ses.list_tenant_resources(TenantName="t-1")["TenantResources"] == []


@pytest.mark.parametrize(
    ("call", "parameters", "expected"),
    [
        ("create_tenant", {"TenantName": "t-1"}, ("AlreadyExistsException", 400)),
        ("get_tenant", {"TenantName": "none"}, ("NotFoundException", 404)),
        ("delete_tenant", {"TenantName": "none"}, ("NotFoundException", 404)),
        (
            "create_tenant_resource_association",
            {"TenantName": "none", "ResourceArn": f"{ARN}:identity/{NAME}"},
            ("NotFoundException", 404),
        ),
        (
            "create_tenant_resource_association",
            {"TenantName": "t-1", "ResourceArn": f"{ARN}:identity/none.example"},
            ("NotFoundException", 404),
        ),
        (
            "create_tenant_resource_association",
            {"TenantName": "t-1", "ResourceArn": f"{ARN}:configuration-set/none"},
            ("NotFoundException", 404),
        ),
        (
            "create_tenant_resource_association",
            {"TenantName": "t-1", "ResourceArn": f"{ARN}:identity/{NAME}"},
            ("AlreadyExistsException", 400),
        ),
        (
            "delete_tenant_resource_association",
            {"TenantName": "t-1", "ResourceArn": f"{ARN}:configuration-set/ours"},
            ("NotFoundException", 404),
        ),
        ("create_configuration_set", {"ConfigurationSetName": "ours"}, ("AlreadyExistsException", 400)),
        ("get_configuration_set", {"ConfigurationSetName": "none"}, ("NotFoundException", 404)),
        ("get_configuration_set_event_destinations", {"ConfigurationSetName": "none"}, ("NotFoundException", 404)),
        ("delete_configuration_set", {"ConfigurationSetName": "none"}, ("NotFoundException", 404)),
    ],
)
def test_what_aws_refuses_is_refused(
    client: Client, call: str, parameters: dict[str, Any], expected: tuple[str, int]
) -> None:
    ses = client("sesv2")
    ses.create_email_identity(EmailIdentity=NAME)
    ses.create_configuration_set(ConfigurationSetName="ours")
    ses.create_tenant(TenantName="t-1")
    ses.create_tenant_resource_association(TenantName="t-1", ResourceArn=f"{ARN}:identity/{NAME}")
    assert refusal(getattr(ses, call), **parameters) == expected


def test_an_event_destination_is_not_made_twice(client: Client, events: object) -> None:
    destination = {"Enabled": True, "MatchingEventTypes": ["BOUNCE"]}
    parameters = {"ConfigurationSetName": "ours", "EventDestinationName": "sns", "EventDestination": destination}
    assert refusal(client("sesv2").create_configuration_set_event_destination, **parameters) == (
        "AlreadyExistsException",
        400,
    )
    client("sesv2").update_configuration_set_event_destination(**parameters)
    (found,) = client("sesv2").get_configuration_set_event_destinations(ConfigurationSetName="ours")[
        "EventDestinations"
    ]
    assert found["MatchingEventTypes"] == ["BOUNCE"]


def test_only_a_verified_identity_sends(client: Client, verified: Callable[..., str]) -> None:
    assert refusal(client("sesv2").send_email, **simple()) == ("MessageRejected", 400)
    client("sesv2").create_email_identity(EmailIdentity=NAME)
    assert refusal(client("sesv2").send_email, **simple()) == ("MessageRejected", 400)
    client("sesv2").delete_email_identity(EmailIdentity=NAME)
    verified(NAME)
    assert client("sesv2").send_email(**simple())["MessageId"]
    assert client("sesv2").get_account()["SendQuota"]["SentLast24Hours"] == 1
    assert client("ses").get_send_quota()["SentLast24Hours"] == 1


def test_a_verified_name_lets_its_subdomains_send(client: Client, verified: Callable[..., str]) -> None:
    verified(NAME)
    assert client("sesv2").send_email(**simple(FromEmailAddress=f"a@mail.{NAME}"))["MessageId"]


def test_a_raw_mail_is_sent_by_its_from_header(client: Client, verified: Callable[..., str]) -> None:
    verified(NAME)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"a@{NAME}", "b@globex.example", "Raw"
    mail.set_content("Hello")
    assert client("sesv2").send_email(Content={"Raw": {"Data": mail.as_bytes()}})["MessageId"]
    mail.replace_header("From", "a@globex.example")
    assert refusal(client("sesv2").send_email, Content={"Raw": {"Data": mail.as_bytes()}}) == ("MessageRejected", 400)


def test_more_than_fifty_recipients_are_refused(client: Client, verified: Callable[..., str]) -> None:
    verified(NAME)
    many = {"ToAddresses": [f"a{number}@globex.example" for number in range(51)]}
    assert refusal(client("sesv2").send_email, **simple(Destination=many))[0] == "BadRequestException"


def test_a_configuration_set_that_is_not_there_is_refused(client: Client, verified: Callable[..., str]) -> None:
    verified(NAME)
    assert refusal(client("sesv2").send_email, **simple(ConfigurationSetName="none")) == ("NotFoundException", 404)


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("success@simulator.amazonses.com", ["Delivery"]),
        ("bounce@simulator.amazonses.com", ["Bounce"]),
        ("bounce+label@simulator.amazonses.com", ["Bounce"]),
        ("suppressionlist@simulator.amazonses.com", ["Bounce"]),
        ("complaint@simulator.amazonses.com", ["Complaint", "Delivery"]),
        ("ooto@simulator.amazonses.com", ["Bounce", "Delivery"]),
    ],
)
def test_the_simulator_tells_the_configuration_sets_topic(
    client: Client, verified: Callable[..., str], events: Callable[[], Any], recipient: str, expected: list[str]
) -> None:
    verified(NAME)
    sent = client("sesv2").send_email(**simple(recipient, ConfigurationSetName="ours"))
    told = sorted(events(), key=lambda each: str(each["eventType"]))
    assert [each["eventType"] for each in told] == expected
    assert {each["mail"]["messageId"] for each in told} == {sent["MessageId"]}
    assert all(each["mail"]["destination"] == [recipient] for each in told)
    assert all(kind.lower() in each for kind, each in zip(expected, told, strict=True))


def test_the_simulator_tells_the_identitys_topic(client: Client, verified: Callable[..., str]) -> None:
    verified(NAME)
    topic = client("sns").create_topic(Name="bounces")["TopicArn"]
    queue = client("sqs").create_queue(QueueName="bounces")["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    client("ses").set_identity_notification_topic(Identity=NAME, NotificationType="Bounce", SnsTopic=topic)
    client("sesv2").send_email(**simple("success@simulator.amazonses.com"))
    client("sesv2").send_email(**simple("bounce@simulator.amazonses.com"))
    (message,) = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
    told = json.loads(json.loads(message["Body"])["Message"])
    assert told["notificationType"] == "Bounce"
    assert told["bounce"]["bouncedRecipients"][0]["emailAddress"] == "bounce@simulator.amazonses.com"


def test_a_tenant_sends_only_with_what_is_associated(client: Client, verified: Callable[..., str]) -> None:
    verified(NAME)
    ses = client("sesv2")
    ses.create_configuration_set(ConfigurationSetName="ours")
    ses.create_tenant(TenantName="t-1")
    send = simple(TenantName="t-1", ConfigurationSetName="ours")
    assert refusal(ses.send_email, **simple(TenantName="none")) == ("NotFoundException", 404)
    assert refusal(ses.send_email, **send)[0] == "BadRequestException"
    ses.create_tenant_resource_association(TenantName="t-1", ResourceArn=f"{ARN}:identity/{NAME}")
    assert refusal(ses.send_email, **send)[0] == "BadRequestException"
    ses.create_tenant_resource_association(TenantName="t-1", ResourceArn=f"{ARN}:configuration-set/ours")
    assert ses.send_email(**send)["MessageId"]


def test_an_account_in_the_ses_sandbox_sends_only_to_verified_names(
    sandbox: SandboxProcess, client: Client, verified: Callable[..., str]
) -> None:
    verified(NAME)
    assert client("sesv2").get_account()["ProductionAccessEnabled"]
    sandbox.control("POST", "/_sandbox/account", {"production": False})
    assert not client("sesv2").get_account()["ProductionAccessEnabled"]
    assert refusal(client("sesv2").send_email, **simple()) == ("MessageRejected", 400)
    assert client("sesv2").send_email(**simple(f"b@{NAME}"))["MessageId"]
