"""Every AWS call that the product makes, and the refusals that AWS is known for: the contract of the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import refusal
from tests.sandbox_process import SandboxProcess

BUCKET, RULE_SET = "incoming", "ours"


@pytest.fixture
def v2(sandbox: SandboxProcess) -> Any:
    return sandbox.client("sesv2")


@pytest.fixture
def v1(sandbox: SandboxProcess) -> Any:
    return sandbox.client("ses")


@pytest.fixture
def rule_set(sandbox: SandboxProcess, v1: Any) -> Callable[..., dict[str, Any]]:
    """An empty rule set and a bucket; makes rules."""
    sandbox.client("s3").create_bucket(Bucket=BUCKET)
    v1.create_receipt_rule_set(RuleSetName=RULE_SET)

    def rule(name: str, **more: Any) -> dict[str, Any]:
        return {"Name": name, "Enabled": True, "Actions": [{"S3Action": {"BucketName": BUCKET}}], **more}

    return rule


# --- identities
def test_an_identity_is_made_read_listed_and_deleted(v2: Any) -> None:
    made = v2.create_email_identity(EmailIdentity="acme.example", Tags=[{"Key": "by", "Value": "postern"}])
    assert made["IdentityType"] == "DOMAIN"
    assert made["VerifiedForSendingStatus"] is False
    read = v2.get_email_identity(EmailIdentity="acme.example")
    assert read["VerificationStatus"] == "PENDING"
    assert read["Tags"] == [{"Key": "by", "Value": "postern"}]
    assert read["DkimAttributes"]["Tokens"] == made["DkimAttributes"]["Tokens"]
    (listed,) = v2.list_email_identities()["EmailIdentities"]
    assert (listed["IdentityName"], listed["VerificationStatus"]) == ("acme.example", "PENDING")
    v2.delete_email_identity(EmailIdentity="acme.example")
    assert v2.list_email_identities()["EmailIdentities"] == []


def test_an_identity_can_not_be_made_twice_nor_named_anyhow(v2: Any) -> None:
    v2.create_email_identity(EmailIdentity="acme.example")
    assert refusal(v2.create_email_identity, EmailIdentity="ACME.example") == ("AlreadyExistsException", 400)
    assert refusal(v2.create_email_identity, EmailIdentity="no domain") == ("BadRequestException", 400)


@pytest.mark.parametrize("operation", ["get_email_identity", "delete_email_identity"])
def test_an_unknown_identity_is_not_found(v2: Any, operation: str) -> None:
    assert refusal(getattr(v2, operation), EmailIdentity="nobody.example") == ("NotFoundException", 404)


def test_tokens_differ_by_name_and_region_and_outlive_a_deletion(sandbox: SandboxProcess, v2: Any) -> None:
    def tokens(client: Any, name: str) -> tuple[str, ...]:
        return tuple(client.create_email_identity(EmailIdentity=name)["DkimAttributes"]["Tokens"])

    first = tokens(v2, "acme.example")
    assert len({first, tokens(v2, "globex.example"), tokens(sandbox.client("sesv2", "eu-west-1"), "acme.example")}) == 3
    v2.delete_email_identity(EmailIdentity="acme.example")
    assert tokens(v2, "acme.example") == first


def test_the_two_versions_of_ses_speak_of_the_same_identity(v1: Any, v2: Any) -> None:
    token = v1.verify_domain_identity(Domain="acme.example")["VerificationToken"]
    dkim = v1.verify_domain_dkim(Domain="acme.example")["DkimTokens"]
    names = {"Identities": ["acme.example", "nobody.example"]}
    facts = v1.get_identity_verification_attributes(**names)["VerificationAttributes"]
    assert facts == {"acme.example": {"VerificationStatus": "Pending", "VerificationToken": token}}
    (found,) = v1.get_identity_dkim_attributes(**names)["DkimAttributes"].values()
    assert (
        found["DkimTokens"] == dkim == v2.get_email_identity(EmailIdentity="acme.example")["DkimAttributes"]["Tokens"]
    )
    v1.delete_identity(Identity="acme.example")
    assert v1.get_identity_verification_attributes(**names)["VerificationAttributes"] == {}


def test_a_batch_holds_100_identities(v1: Any) -> None:
    names = [f"d{number}.example" for number in range(101)]
    v1.get_identity_verification_attributes(Identities=names[:100])
    assert refusal(v1.get_identity_verification_attributes, Identities=names)[1] == 400
    assert refusal(v1.get_identity_dkim_attributes, Identities=names)[1] == 400


def test_identities_are_listed_by_pages(v2: Any) -> None:
    for number in range(3):
        v2.create_email_identity(EmailIdentity=f"d{number}.example")
    first = v2.list_email_identities(PageSize=2)
    second = v2.list_email_identities(PageSize=2, NextToken=first["NextToken"])
    assert [len(page["EmailIdentities"]) for page in (first, second)] == [2, 1]
    assert "NextToken" not in second


def test_the_mail_from_domain_lies_below_the_identity(v2: Any) -> None:
    v2.create_email_identity(EmailIdentity="acme.example")
    set_it = v2.put_email_identity_mail_from_attributes
    set_it(EmailIdentity="acme.example", MailFromDomain="bounce.acme.example")
    found = v2.get_email_identity(EmailIdentity="acme.example")["MailFromAttributes"]
    assert (found["MailFromDomain"], found["MailFromDomainStatus"]) == ("bounce.acme.example", "PENDING")
    assert refusal(set_it, EmailIdentity="acme.example", MailFromDomain="globex.example")[0] == "BadRequestException"
    assert refusal(set_it, EmailIdentity="nobody.example", MailFromDomain="a.nobody.example")[1] == 404


# --- receipt rules
def test_rules_stand_in_the_order_that_they_were_put_in(v1: Any, rule_set: Callable[..., Any]) -> None:
    assert "Metadata" not in v1.describe_active_receipt_rule_set()
    for name, after in (("a", {}), ("b", {}), ("c", {"After": "a"})):
        v1.create_receipt_rule(RuleSetName=RULE_SET, Rule=rule_set(name), **after)
    v1.set_active_receipt_rule_set(RuleSetName=RULE_SET)

    def order() -> list[str]:
        return [rule["Name"] for rule in v1.describe_active_receipt_rule_set()["Rules"]]

    # Without `After` a rule goes to the start.
    assert order() == ["b", "a", "c"]
    v1.reorder_receipt_rule_set(RuleSetName=RULE_SET, RuleNames=["a", "b", "c"])
    v1.set_receipt_rule_position(RuleSetName=RULE_SET, RuleName="a", After="c")
    assert order() == ["b", "c", "a"]
    v1.update_receipt_rule(RuleSetName=RULE_SET, Rule=rule_set("c", Recipients=["acme.example"]))
    v1.delete_receipt_rule(RuleSetName=RULE_SET, RuleName="b")
    assert order() == ["c", "a"]
    rules = v1.describe_receipt_rule_set(RuleSetName=RULE_SET)["Rules"]
    assert rules[0]["Recipients"] == ["acme.example"]


def test_a_rule_is_off_and_unscanned_unless_told(v1: Any, rule_set: Callable[..., Any]) -> None:
    v1.create_receipt_rule(RuleSetName=RULE_SET, Rule={"Name": "a"})
    rule = v1.describe_receipt_rule(RuleSetName=RULE_SET, RuleName="a")["Rule"]
    assert (rule["Enabled"], rule["ScanEnabled"], rule["TlsPolicy"]) == (False, False, "Optional")


def test_refusals_about_rules(v1: Any, rule_set: Callable[..., Any]) -> None:
    create, s3 = v1.create_receipt_rule, {"BucketName": BUCKET}
    create(RuleSetName=RULE_SET, Rule=rule_set("a"))
    wrong_topic = [{"S3Action": {**s3, "TopicArn": "arn:aws:sns:us-east-1:123456789012:none"}}]
    many = [f"d{number}.example" for number in range(501)]
    for code, rule_set_name, rule in (
        ("AlreadyExists", RULE_SET, rule_set("a")),
        ("RuleSetDoesNotExist", "none", rule_set("b")),
        ("InvalidS3Configuration", RULE_SET, rule_set("b", Actions=[{"S3Action": {"BucketName": "none"}}])),
        ("InvalidSnsTopic", RULE_SET, rule_set("b", Actions=wrong_topic)),
        ("LimitExceeded", RULE_SET, rule_set("b", Recipients=many)),
    ):
        assert refusal(create, RuleSetName=rule_set_name, Rule=rule) == (code, 400)
    missing = {"RuleSetName": RULE_SET, "Rule": rule_set("none")}
    assert refusal(v1.update_receipt_rule, **missing) == ("RuleDoesNotExist", 400)
    assert refusal(create, **missing, After="none") == ("RuleDoesNotExist", 400)
    v1.set_active_receipt_rule_set(RuleSetName=RULE_SET)
    assert refusal(v1.delete_receipt_rule_set, RuleSetName=RULE_SET) == ("CannotDelete", 400)
    assert refusal(v1.create_receipt_rule_set, RuleSetName=RULE_SET) == ("AlreadyExists", 400)
    assert refusal(v1.set_active_receipt_rule_set, RuleSetName="none") == ("RuleSetDoesNotExist", 400)


def test_a_rule_set_holds_200_rules(v1: Any, rule_set: Callable[..., Any]) -> None:
    for number in range(200):
        v1.create_receipt_rule(RuleSetName=RULE_SET, Rule={"Name": f"r{number}"})
    assert refusal(v1.create_receipt_rule, RuleSetName=RULE_SET, Rule={"Name": "one-more"}) == ("LimitExceeded", 400)


def test_mail_is_received_in_certain_regions_only(sandbox: SandboxProcess) -> None:
    elsewhere = sandbox.client("ses", "ca-west-1")
    assert refusal(elsewhere.describe_active_receipt_rule_set)[1] == 400


# --- tenants and sending
def test_a_tenant_is_made_read_and_deleted_with_what_is_associated(v2: Any) -> None:
    v2.create_email_identity(EmailIdentity="acme.example")
    arn = "arn:aws:ses:us-east-1:123456789012:identity/acme.example"
    made = v2.create_tenant(TenantName="t1", Tags=[{"Key": "by", "Value": "postern"}])
    tenant = v2.get_tenant(TenantName="t1")["Tenant"]
    assert (tenant["TenantId"], tenant["SendingStatus"]) == (made["TenantId"], "ENABLED")
    assert tenant["Tags"] == [{"Key": "by", "Value": "postern"}]
    assert [each["TenantName"] for each in v2.list_tenants()["Tenants"]] == ["t1"]
    v2.create_tenant_resource_association(TenantName="t1", ResourceArn=arn)
    assert v2.list_tenant_resources(TenantName="t1")["TenantResources"][0]["ResourceArn"] == arn
    v2.delete_tenant_resource_association(TenantName="t1", ResourceArn=arn)
    v2.delete_tenant(TenantName="t1")
    assert refusal(v2.get_tenant, TenantName="t1") == ("NotFoundException", 404)


def test_refusals_about_tenants(v2: Any) -> None:
    v2.create_tenant(TenantName="t1")
    v2.create_email_identity(EmailIdentity="acme.example")
    arn = "arn:aws:ses:us-east-1:123456789012:identity/"
    associate = v2.create_tenant_resource_association
    associate(TenantName="t1", ResourceArn=arn + "acme.example")
    assert refusal(v2.create_tenant, TenantName="t1") == ("AlreadyExistsException", 400)
    again = refusal(associate, TenantName="t1", ResourceArn=arn + "acme.example")
    assert again == ("AlreadyExistsException", 400)
    assert refusal(associate, TenantName="t1", ResourceArn=arn + "nobody.example") == ("NotFoundException", 404)
    assert refusal(associate, TenantName="t2", ResourceArn=arn + "acme.example") == ("NotFoundException", 404)


def test_only_a_verified_identity_sends(sandbox: SandboxProcess, v2: Any, verified: Callable[..., None]) -> None:
    mail = {
        "FromEmailAddress": "Acme <hi@acme.example>",
        "Destination": {"ToAddresses": ["sam@elsewhere.example"]},
        "Content": {"Simple": {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hello."}}}},
    }
    assert refusal(v2.send_email, **mail) == ("MessageRejected", 400)
    verified("acme.example")
    assert v2.send_email(**mail)["MessageId"]
    assert refusal(v2.send_email, **mail, TenantName="t1") == ("NotFoundException", 404)
    v2.create_tenant(TenantName="t1")
    assert refusal(v2.send_email, **mail, TenantName="t1")[1] == 400
    assert refusal(v2.send_email, **mail, ConfigurationSetName="none") == ("NotFoundException", 404)


def test_a_configuration_set_has_destinations(sandbox: SandboxProcess, v2: Any) -> None:
    name = {"ConfigurationSetName": "ours"}
    topic = sandbox.client("sns").create_topic(Name="events")["TopicArn"]
    destination = {"Enabled": True, "MatchingEventTypes": ["BOUNCE"], "SnsDestination": {"TopicArn": topic}}
    read = v2.get_configuration_set_event_destinations
    assert refusal(read, **name) == ("NotFoundException", 404)
    v2.create_configuration_set(**name)
    assert refusal(v2.create_configuration_set, **name) == ("AlreadyExistsException", 400)
    create = v2.create_configuration_set_event_destination
    create(**name, EventDestinationName="e", EventDestination=destination)
    again = refusal(create, **name, EventDestinationName="e", EventDestination=destination)
    assert again == ("AlreadyExistsException", 400)
    more = {**destination, "MatchingEventTypes": ["BOUNCE", "COMPLAINT"]}
    v2.update_configuration_set_event_destination(**name, EventDestinationName="e", EventDestination=more)
    (found,) = read(**name)["EventDestinations"]
    assert found["MatchingEventTypes"] == ["BOUNCE", "COMPLAINT"]


def test_the_account_may_send(v2: Any) -> None:
    account = v2.get_account()
    assert account["ProductionAccessEnabled"]
    assert account["SendQuota"]["MaxSendRate"] > 0


# --- S3, SQS, STS, Route 53
def test_the_mail_store_keeps_objects(sandbox: SandboxProcess) -> None:
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    assert refusal(s3.head_bucket, Bucket="none")[1] == 404
    assert refusal(s3.get_bucket_policy, Bucket=BUCKET) == ("NoSuchBucketPolicy", 404)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
    assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"] == []
    s3.put_object(Bucket=BUCKET, Key="in/1", Body=b"\xff" * 1000)
    s3.copy_object(Bucket=BUCKET, Key="kept/1", CopySource={"Bucket": BUCKET, "Key": "in/1"})
    assert s3.get_object(Bucket=BUCKET, Key="kept/1", Range="bytes=0-9")["Body"].read() == b"\xff" * 10
    assert s3.head_object(Bucket=BUCKET, Key="in/1")["ContentLength"] == 1000
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="in/")["Contents"]] == ["in/1"]
    s3.delete_object(Bucket=BUCKET, Key="in/1")
    assert refusal(s3.get_object, Bucket=BUCKET, Key="in/1") == ("NoSuchKey", 404)


def test_a_queue_hides_what_was_received(sandbox: SandboxProcess) -> None:
    sqs = sandbox.client("sqs")
    url = sqs.create_queue(QueueName="mail")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "120"})
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["VisibilityTimeout"] == "120"
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "hello"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_sts_says_who_we_are_and_gives_keys_of_a_role(sandbox: SandboxProcess) -> None:
    sts = sandbox.client("sts")
    assert sts.get_caller_identity()["Account"] == "123456789012"
    role = {"RoleArn": "arn:aws:iam::111122223333:role/dns", "RoleSessionName": "postern", "ExternalId": "ours"}
    assert sts.assume_role(**role)["Credentials"]["SessionToken"]


@pytest.fixture
def change(sandbox: SandboxProcess) -> Callable[..., Any]:
    route53 = sandbox.client("route53")
    zone_id = route53.create_hosted_zone(Name="acme.example", CallerReference="1")["HostedZone"]["Id"]

    def apply(*changes: tuple[str, str, str, str]) -> Any:
        batch = [
            {
                "Action": action,
                "ResourceRecordSet": {"Name": name, "Type": type_, "TTL": 60, "ResourceRecords": [{"Value": value}]},
            }
            for action, name, type_, value in changes
        ]
        return route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": batch})

    return apply


def test_route_53_takes_sound_changes(sandbox: SandboxProcess, change: Callable[..., Any]) -> None:
    route53 = sandbox.client("route53")
    made = change(("CREATE", "acme.example", "TXT", '"one"'), ("UPSERT", "www.acme.example", "CNAME", "globex.example"))
    assert route53.get_change(Id=made["ChangeInfo"]["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    change(("DELETE", "acme.example", "TXT", '"one"'), ("CREATE", "acme.example", "TXT", '"two"'))
    zones = route53.list_hosted_zones_by_name(DNSName="acme.example")["HostedZones"]
    sets = route53.list_resource_record_sets(HostedZoneId=zones[0]["Id"])["ResourceRecordSets"]
    assert [record["ResourceRecords"][0]["Value"].strip('"') for record in sets if record["Type"] == "TXT"] == ["two"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([("CREATE", "a.acme.example", "TXT", '"1"')] * 2, id="a set made twice"),
        pytest.param([("CREATE", "a.acme.example", "TXT", "bare")], id="text without quotes"),
        pytest.param(
            [("CREATE", "a.acme.example", "TXT", '"1"'), ("CREATE", "a.acme.example", "CNAME", "b.example")],
            id="a CNAME beside another type",
        ),
        pytest.param([("CREATE", "acme.example", "CNAME", "b.example")], id="a CNAME at the apex"),
        pytest.param([("DELETE", "a.acme.example", "TXT", '"1"')], id="a deletion of what is not there"),
    ],
)
def test_route_53_refuses_unsound_changes(change: Callable[..., Any], changes: list[tuple[str, ...]]) -> None:
    assert refusal(lambda: change(*changes)) == ("InvalidChangeBatch", 400)
