"""An organization's own AWS role: short-lived keys for it, by STS AssumeRole with the ExternalId we gave them."""

from __future__ import annotations

from django.conf import settings

from aws.clients import Credentials, call
from aws.pacing import Caller

# The shortest that STS gives: enough for one plan and its application.
_SESSION_SECONDS = 900


def assume_role(*, role_arn: str, external_id: str, caller: Caller) -> Credentials:
    """Keys of the role for 15 minutes. Raises AwsRefused (`is_access_denied`) where the role does not trust us.

    The ExternalId keeps another organization from naming a role that is not theirs (AWS IAM: the confused deputy).
    """
    answer = call(
        service="sts",
        region=settings.SES_REGIONS[0],
        operation="AssumeRole",
        caller=caller,
        RoleArn=role_arn,
        RoleSessionName=f"postern-{settings.INSTALLATION_ID}"[:64],
        ExternalId=external_id,
        DurationSeconds=_SESSION_SECONDS,
    )
    found = answer["Credentials"]
    return Credentials(
        access_key_id=found["AccessKeyId"],
        secret_access_key=found["SecretAccessKey"],
        session_token=found["SessionToken"],
    )
