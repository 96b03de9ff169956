"""The contract: every AWS call that the product makes, through boto3, and what AWS refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox_process import SandboxProcess

Client = Callable[..., Any]


@pytest.fixture
def client(sandbox: SandboxProcess) -> Client:
    """boto3 clients by service and region, made once: making one costs more than calling it."""
    made: dict[tuple[str, str], Any] = {}

    def give(service: str, region: str = "us-east-1") -> Any:
        key = (service, region)
        if key not in made:
            made[key] = sandbox.client(service, region)
        return made[key]

    return give


@pytest.fixture
def verified(sandbox: SandboxProcess, client: Client) -> Callable[..., str]:
    """Make a name a verified identity the honest way: publish its ownership token, let SES look."""

    def make(name: str = "acme.example", region: str = "us-east-1") -> str:
        client("sesv2", region).create_email_identity(EmailIdentity=name)
        token = client("ses", region).verify_domain_identity(Domain=name)["VerificationToken"]
        record = {"type": "TXT", "name": f"_amazonses.{name}", "value": token}
        sandbox.control("POST", "/_sandbox/publish", {"records": [record]})
        sandbox.control("POST", "/_sandbox/check")
        return name

    return make


@pytest.fixture
def receiving(client: Client) -> Callable[..., dict[str, str]]:
    """An active rule set with one rule that stores to S3 and tells a topic that feeds a queue."""

    def make(region: str = "us-east-1", **rule: Any) -> dict[str, str]:
        s3, sns, sqs, ses = (client(service, region) for service in ("s3", "sns", "sqs", "ses"))
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        bucket = f"mail-{region}"
        s3.create_bucket(Bucket=bucket, **place)
        topic = sns.create_topic(Name="mail", Attributes={"SignatureVersion": "2"})["TopicArn"]
        queue = sqs.create_queue(QueueName="mail")["QueueUrl"]
        queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
        action = {"BucketName": bucket, "ObjectKeyPrefix": "incoming/", "TopicArn": topic}
        wanted = {"Name": "all", "Enabled": True, "ScanEnabled": True, "Recipients": ["acme.example"]}
        ses.create_receipt_rule_set(RuleSetName="ours")
        ses.create_receipt_rule(RuleSetName="ours", Rule=wanted | {"Actions": [{"S3Action": action}]} | rule)
        ses.set_active_receipt_rule_set(RuleSetName="ours")
        return {"bucket": bucket, "topic": topic, "queue": queue, "queue_arn": queue_arn}

    return make
