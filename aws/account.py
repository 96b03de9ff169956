"""Whose AWS account this is, and the resource names (ARNs) that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from aws.clients import call
from aws.pacing import background

_PATIENCE_SECONDS = 15.0


@dataclass(frozen=True)
class Account:
    """The account behind the installation's keys; `partition` is aws, aws-cn or aws-us-gov."""

    account_id: str
    partition: str


@lru_cache(maxsize=64)
def account(region: str) -> Account:
    """Ask STS GetCallerIdentity, once a process and region. Raises AwsError."""
    answer = call(service="sts", region=region, operation="GetCallerIdentity", caller=background(_PATIENCE_SECONDS))
    # arn:<partition>:sts::<account>:...
    return Account(account_id=answer["Account"], partition=answer["Arn"].split(":")[1])


def account_id(region: str) -> str:
    """The twelve digits of the account. Raises AwsError."""
    return account(region).account_id


def ses_arn(*, region: str, resource: str) -> str:
    """The ARN of an SES resource such as `identity/example.com` or `configuration-set/postern`. Raises AwsError."""
    ours = account(region)
    return f"arn:{ours.partition}:ses:{region}:{ours.account_id}:{resource}"
