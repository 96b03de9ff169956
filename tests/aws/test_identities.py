"""SES identities over the wire: ours and foreign, new and there already, with lost answers."""

from __future__ import annotations

import pytest

from aws.clients import call
from aws.errors import AwsRefused
from aws.identities import (
    ForeignIdentity,
    delete_identity,
    ensure_identity,
    explain_identity,
    find_identity,
    identity_statuses,
    list_identities,
    restart_verification,
    set_mail_from,
)
from aws.pacing import Caller, person

REGION = "us-east-1"
NAME = "acme.example"

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def caller() -> Caller:
    return person(20)


def make_foreign(name: str = NAME) -> None:
    """Somebody else of the same AWS account makes the identity: it lacks our tag."""
    call(service="sesv2", region=REGION, operation="CreateEmailIdentity", EmailIdentity=name)
    call(service="ses", region=REGION, operation="VerifyDomainIdentity", Domain=name)


def test_a_new_identity_is_ours_and_has_all_tokens(caller: Caller) -> None:
    facts = ensure_identity(name=NAME, region=REGION, caller=caller)
    assert (facts.is_ours, facts.was_created, facts.verification_status) == (True, True, "PENDING")
    assert facts.ownership_token
    assert len(facts.dkim_tokens) == 3
    assert facts.dkim_zone.endswith("amazonses.com")


def test_ensuring_again_gives_the_same_tokens(caller: Caller) -> None:
    first = ensure_identity(name=NAME, region=REGION, caller=caller)
    again = ensure_identity(name=NAME, region=REGION, caller=caller)
    assert (again.is_ours, again.was_created) == (True, False)
    assert (again.ownership_token, again.dkim_tokens) == (first.ownership_token, first.dkim_tokens)


def test_a_foreign_identity_is_adopted_read_only(caller: Caller) -> None:
    make_foreign()
    facts = ensure_identity(name=NAME, region=REGION, caller=caller)
    assert (facts.is_ours, facts.was_created) == (False, False)
    assert facts.ownership_token
    assert len(facts.dkim_tokens) == 3


def test_a_foreign_identity_is_never_deleted(caller: Caller) -> None:
    make_foreign()
    with pytest.raises(ForeignIdentity):
        delete_identity(name=NAME, region=REGION, caller=caller)
    assert find_identity(name=NAME, region=REGION, caller=caller) is not None


def test_a_foreign_identity_is_neither_restarted_nor_changed(caller: Caller) -> None:
    make_foreign()
    with pytest.raises(ForeignIdentity):
        restart_verification(name=NAME, region=REGION, caller=caller)
    with pytest.raises(ForeignIdentity):
        set_mail_from(name=NAME, region=REGION, mail_from=f"bounce.{NAME}", caller=caller)


def test_deleting_is_done_twice_as_well_as_once(caller: Caller) -> None:
    ensure_identity(name=NAME, region=REGION, caller=caller)
    delete_identity(name=NAME, region=REGION, caller=caller)
    delete_identity(name=NAME, region=REGION, caller=caller)
    assert find_identity(name=NAME, region=REGION, caller=caller) is None


def test_a_name_without_identity_is_not_found(caller: Caller) -> None:
    assert find_identity(name="nobody.example", region=REGION, caller=caller) is None
    assert explain_identity(name="nobody.example", region=REGION, caller=caller) == ""


def test_regions_hold_identities_of_their_own(caller: Caller) -> None:
    ensure_identity(name=NAME, region=REGION, caller=caller)
    assert find_identity(name=NAME, region="eu-west-1", caller=caller) is None


def test_a_restart_gives_tokens_and_is_pending(caller: Caller) -> None:
    ensure_identity(name=NAME, region=REGION, caller=caller)
    facts = restart_verification(name=NAME, region=REGION, caller=caller)
    assert facts.is_ours
    assert facts.ownership_token
    assert len(facts.dkim_tokens) == 3
    found = find_identity(name=NAME, region=REGION, caller=caller)
    assert found is not None
    assert (found.ownership_token, found.dkim_tokens) == (facts.ownership_token, facts.dkim_tokens)


def test_restarting_what_is_not_there_is_refused(caller: Caller) -> None:
    with pytest.raises(AwsRefused) as caught:
        restart_verification(name="nobody.example", region=REGION, caller=caller)
    assert caught.value.is_not_found


def test_unknown_names_are_missing_in_a_look_at_many(caller: Caller) -> None:
    ensure_identity(name=NAME, region=REGION, caller=caller)
    names = [f"n{number}.example" for number in range(150)] + [NAME]
    statuses = identity_statuses(names=names, region=REGION, caller=caller)
    assert set(statuses) == {NAME}
    assert statuses[NAME].verification_status == "PENDING"
    assert len(statuses[NAME].dkim_tokens) == 3


def test_the_list_names_ours_and_foreign_ones(caller: Caller) -> None:
    ensure_identity(name=NAME, region=REGION, caller=caller)
    make_foreign("globex.example")
    assert set(list_identities(region=REGION, caller=caller)) == {(NAME, "PENDING"), ("globex.example", "PENDING")}


def test_a_mail_from_is_set_and_taken_away(caller: Caller) -> None:
    ensure_identity(name=NAME, region=REGION, caller=caller)
    set_mail_from(name=NAME, region=REGION, mail_from=f"bounce.{NAME}", caller=caller)
    facts = find_identity(name=NAME, region=REGION, caller=caller)
    assert facts is not None
    assert (facts.mail_from_domain, facts.mail_from_status) == (f"bounce.{NAME}", "PENDING")
    set_mail_from(name=NAME, region=REGION, mail_from="", caller=caller)
    facts = find_identity(name=NAME, region=REGION, caller=caller)
    assert facts is not None
    assert facts.mail_from_domain == ""
