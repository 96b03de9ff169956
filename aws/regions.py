"""The regions in which SES receives mail, as data (pure).

Source: AWS General Reference, "Amazon Simple Email Service endpoints and quotas", email receiving endpoints.
SES sends from more regions than it receives in; GovCloud and China are not among these.
"""

from __future__ import annotations

RECEIVING_REGIONS: frozenset[str] = frozenset(
    {
        "af-south-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-south-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "il-central-1",
        "me-south-1",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)


def can_receive(region: str) -> bool:
    """Whether SES offers e-mail receiving in this region."""
    return region in RECEIVING_REGIONS


def inbound_endpoint(region: str) -> str:
    """The host that a receiving domain's MX must name, without a trailing dot."""
    return f"inbound-smtp.{region}.amazonaws.com"


def mail_from_endpoint(region: str) -> str:
    """The host that the MX of a custom MAIL FROM domain must name, without a trailing dot."""
    return f"feedback-smtp.{region}.amazonses.com"
