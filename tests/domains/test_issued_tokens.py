"""What a look knows of the tokens that a name was given before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Organization
from domains.evidence import look_for
from domains.models import IssuedToken
from tests.dashboard.rows import NOW, make_domain

pytestmark = pytest.mark.django_db


def test_the_keys_of_earlier_set_ups_are_all_but_todays_the_newest_first(acme: Organization) -> None:
    domain = make_domain(acme)
    for days, (region, token) in enumerate((("us-east-1", "aaa"), ("us-east-1", "old"), ("eu-west-1", "older"))):
        IssuedToken.objects.create(
            name=domain.name,
            organization=acme,
            region=region,
            kind=IssuedToken.Kind.DKIM,
            token=token,
            issued_at=NOW - timedelta(days=days),
        )
    issued = look_for(domain=domain, records=list(domain.records.all())).issued
    assert issued.former_dkim == ("old", "older")
    assert issued.other_regions == ("older",)
