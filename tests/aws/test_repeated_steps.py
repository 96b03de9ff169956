"""Each ensure step converges when AWS has already done it, when somebody else was faster, and when nothing is to do."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from aws.account import account
from aws.errors import AwsRefused, AwsTimedOut
from aws.pacing import person
from aws.receipt_rules import ReceiptRule, delete_rule, ensure_active_rule_set, put_rule
from aws.sending import EVENT_DESTINATION, ensure_configuration_set, send_email, sending_account
from aws.tenants import associate_identity, delete_tenant, dissociate_identity, ensure_tenant, find_tenant
from aws.topics import ensure_topic
from tests.aws.scripted_endpoint import Answer, ScriptedEndpoint, refusal, v1, v1_refusal, v2

REGION = "us-east-1"
TOPIC = "arn:aws:sns:us-east-1:123456789012:postern"
RULE = ReceiptRule("postern-postern-001", ("acme.example",), "mail", "incoming/", TOPIC)
ALREADY_EXISTS = refusal("AlreadyExistsException", 400)
NOT_FOUND = refusal("NotFoundException", 404)
IDENTITY = v1(
    "GetCallerIdentity", "<Account>123456789012</Account><Arn>arn:aws:sts::123456789012:assumed-role/x/y</Arn>"
)
NO_ACTIVE_SET = v1("DescribeActiveReceiptRuleSet")
THEIR_ACTIVE_SET = v1("DescribeActiveReceiptRuleSet", "<Metadata><Name>theirs</Name></Metadata>")


@pytest.fixture(autouse=True)
def _unknown_account() -> None:
    account.cache_clear()


def destination(topic_arn: str) -> dict[str, Any]:
    return {
        "Name": EVENT_DESTINATION,
        "Enabled": True,
        "MatchingEventTypes": ["DELIVERY", "BOUNCE", "COMPLAINT", "REJECT"],
        "SnsDestination": {"TopicArn": topic_arn},
    }


def configure() -> None:
    ensure_configuration_set(region=REGION, name="postern", topic_arn=TOPIC, caller=person(60))


def test_a_rule_set_that_somebody_activates_meanwhile_is_adopted(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [NO_ACTIVE_SET, v1("CreateReceiptRuleSet"), THEIR_ACTIVE_SET]
    assert ensure_active_rule_set(region=REGION, name="postern", caller=person(60)) == "theirs"
    assert "SetActiveReceiptRuleSet" not in scripted.asked()


def test_a_new_rule_is_created_behind_the_one_named(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [v1_refusal("RuleDoesNotExist"), v1("CreateReceiptRule")]
    put_rule(region=REGION, rule_set="s", rule=RULE, after="before", caller=person(60))
    assert scripted.asked() == ["UpdateReceiptRule", "CreateReceiptRule"]
    sent = parse_qs(scripted.requests[1][2].decode())
    assert (sent["After"], sent["Rule.Enabled"], sent["Rule.ScanEnabled"]) == (["before"], ["true"], ["true"])


def test_a_rule_that_somebody_creates_meanwhile_is_updated(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [v1_refusal("RuleDoesNotExist"), v1_refusal("AlreadyExists"), v1("UpdateReceiptRule")]
    put_rule(region=REGION, rule_set="s", rule=RULE, after=None, caller=person(60))
    assert scripted.asked() == ["UpdateReceiptRule", "CreateReceiptRule", "UpdateReceiptRule"]


def test_a_rule_with_too_many_recipients_is_refused_as_a_limit(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [v1_refusal("LimitExceeded")]
    with pytest.raises(AwsRefused) as caught:
        put_rule(region=REGION, rule_set="s", rule=RULE, after=None, caller=person(60))
    assert caught.value.is_limit


def test_a_rule_whose_set_is_gone_is_deleted(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [v1_refusal("RuleSetDoesNotExist")]
    delete_rule(region=REGION, rule_set="s", name=RULE.name, caller=person(60))
    assert scripted.asked() == ["DeleteReceiptRule"]


def test_a_throttled_v1_call_is_repeated(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [v1_refusal("Throttling"), THEIR_ACTIVE_SET]
    assert ensure_active_rule_set(region=REGION, name="postern", caller=person(60)) == "theirs"


def test_a_topic_is_set_to_sha256_and_opened_to_ses(scripted: ScriptedEndpoint) -> None:
    set_it = v1("SetTopicAttributes")
    scripted.answers = [
        v1("CreateTopic", f"<TopicArn>{TOPIC}</TopicArn>"),
        v1("GetTopicAttributes", "<Attributes/>"),
        IDENTITY,
        set_it,
        set_it,
    ]
    assert ensure_topic(region=REGION, name="postern") == TOPIC
    written = [parse_qs(body.decode()) for _, _, body in scripted.requests[3:]]
    assert [sent["AttributeName"] for sent in written] == [["SignatureVersion"], ["Policy"]]
    assert written[0]["AttributeValue"] == ["2"]
    (statement,) = json.loads(written[1]["AttributeValue"][0])["Statement"]
    assert statement["Condition"]["StringEquals"] == {"AWS:SourceAccount": "123456789012"}


def test_a_missing_configuration_set_is_made_with_its_destination(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [NOT_FOUND, v2(), v2()]
    configure()
    assert scripted.asked()[1:] == ["POST configuration-sets", "POST configuration-sets/postern/event-destinations"]


def test_a_right_configuration_set_is_left_alone(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [v2(EventDestinations=[destination(TOPIC)])]
    configure()
    assert len(scripted.requests) == 1


def test_a_configuration_set_that_tells_another_topic_is_put_right(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [v2(EventDestinations=[destination("arn:aws:sns:us-east-1:1:old")]), v2()]
    configure()
    assert scripted.asked()[1] == f"PUT configuration-sets/postern/event-destinations/{EVENT_DESTINATION}"


def test_a_configuration_set_that_somebody_makes_meanwhile_is_done(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [NOT_FOUND, ALREADY_EXISTS]
    configure()
    assert len(scripted.requests) == 3


def test_a_mail_names_its_tenant_and_configuration_set_only_where_there_are(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [v2(MessageId="m")]
    for tenant_name in ("t-1", ""):
        send_email(
            region=REGION,
            from_address="a@acme.example",
            to=["b@globex.example"],
            subject="Ü",
            text="Hello",
            tenant_name=tenant_name,
            caller=person(60),
        )
    first, second = (json.loads(body) for _, _, body in scripted.requests)
    assert first["TenantName"] == "t-1"
    assert set(second) == {"FromEmailAddress", "Destination", "Content"}


def test_a_mail_whose_answer_was_late_is_not_sent_twice(
    scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aws.clients.READ_SECONDS", 0.2)
    scripted.answers = [Answer(is_silent=True)]
    with pytest.raises(AwsTimedOut):
        send_email(
            region=REGION,
            from_address="a@acme.example",
            to=["b@globex.example"],
            subject="s",
            text="t",
            caller=person(60),
        )
    assert len(scripted.requests) == 1


def test_the_account_in_the_ses_sandbox_is_told_apart(scripted: ScriptedEndpoint) -> None:
    quota = {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 3.0}
    scripted.answers = [v2(ProductionAccessEnabled=False, SendingEnabled=True, SendQuota=quota)]
    found = sending_account(region=REGION, caller=person(60))
    assert (found.is_production, found.most_per_day, found.sent_last_day) == (False, 200.0, 3.0)


def test_an_association_that_is_there_and_one_that_is_gone_are_done(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [IDENTITY, ALREADY_EXISTS, NOT_FOUND]
    associate_identity(tenant_name="t-1", identity_name="acme.example", region=REGION, caller=person(60))
    dissociate_identity(tenant_name="t-1", identity_name="acme.example", region=REGION, caller=person(60))
    sent = json.loads(scripted.requests[1][2])
    assert sent["ResourceArn"] == "arn:aws:ses:us-east-1:123456789012:identity/acme.example"


def test_a_tenant_that_is_gone_is_deleted_and_not_found(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [NOT_FOUND]
    delete_tenant(tenant_name="t-1", region=REGION, caller=person(60))
    assert find_tenant(tenant_name="t-1", region=REGION, caller=person(60)) is None


def test_an_endpoint_without_tenants_says_so(scripted: ScriptedEndpoint) -> None:
    page = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n"
    scripted.answers = [Answer(status=404, body=page, headers={"Content-Type": "text/html"})]
    with pytest.raises(AwsRefused) as caught:
        ensure_tenant(tenant_name="t-1", region=REGION, caller=person(60))
    assert caught.value.is_unsupported
