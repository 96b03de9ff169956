"""Where SES receives mail."""

from __future__ import annotations

import pytest

from aws.regions import RECEIVING_REGIONS, can_receive, inbound_endpoint


def test_there_are_22_receiving_regions() -> None:
    assert len(RECEIVING_REGIONS) == 22


@pytest.mark.parametrize("region", ["eu-central-2", "ap-south-2", "ca-west-1", "us-gov-west-1", ""])
def test_a_sending_only_region_does_not_receive(region: str) -> None:
    assert not can_receive(region)


def test_the_mx_host_names_the_region() -> None:
    assert inbound_endpoint("eu-west-1") == "inbound-smtp.eu-west-1.amazonaws.com"
