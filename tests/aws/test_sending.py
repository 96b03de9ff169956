"""Mail out, and the configuration set that tells what became of it."""

from __future__ import annotations

import pytest

from aws.clients import call
from aws.errors import AwsRefused
from aws.identities import ensure_identity
from aws.pacing import Caller, person
from aws.sending import EVENT_DESTINATION, ensure_configuration_set, send_email, sending_account
from aws.topics import ensure_topic

REGION = "us-east-1"
NAME = "acme.example"

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def caller() -> Caller:
    return person(20)


def destinations() -> dict[str, dict[str, object]]:
    answer = call(
        service="sesv2",
        region=REGION,
        operation="GetConfigurationSetEventDestinations",
        ConfigurationSetName="postern",
    )
    return {destination["Name"]: destination for destination in answer["EventDestinations"]}


def test_the_configuration_set_tells_the_topic_what_became_of_mail(caller: Caller) -> None:
    topic_arn = ensure_topic(region=REGION, name="postern-sending")
    for _ in range(2):
        ensure_configuration_set(region=REGION, name="postern", topic_arn=topic_arn, caller=caller)
    destination = destinations()[EVENT_DESTINATION]
    assert destination["SnsDestination"] == {"TopicArn": topic_arn}
    assert destination["Enabled"]


def test_the_configuration_set_follows_the_topic(caller: Caller) -> None:
    for name in ("postern-old", "postern-new"):
        topic_arn = ensure_topic(region=REGION, name=name)
        ensure_configuration_set(region=REGION, name="postern", topic_arn=topic_arn, caller=caller)
    assert destinations()[EVENT_DESTINATION]["SnsDestination"] == {"TopicArn": topic_arn}


def test_an_unverified_identity_may_not_send(caller: Caller) -> None:
    ensure_identity(name=NAME, region=REGION, caller=caller)
    with pytest.raises(AwsRefused, match="MessageRejected"):
        send_email(
            region=REGION,
            from_address=f"support@{NAME}",
            to=["you@globex.example"],
            subject="Test",
            text="Hello",
            caller=caller,
        )


def test_the_account_says_what_it_may_send(caller: Caller) -> None:
    found = sending_account(region=REGION, caller=caller)
    assert found.is_sending_enabled
    assert found.most_per_day > 0
