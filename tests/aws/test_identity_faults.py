"""SES identities when AWS misbehaves: exact answers on the wire, real botocore, no sandbox."""

from __future__ import annotations

import json

import pytest

from aws.errors import AwsRefused, AwsUnavailable
from aws.identities import (
    ForeignIdentity,
    delete_identity,
    ensure_identity,
    explain_identity,
    identity_statuses,
    list_identities,
    restart_verification,
    set_mail_from,
)
from aws.pacing import person
from aws.tenants import ensure_tenant
from tests.aws.scripted_endpoint import Answer, ScriptedEndpoint, refusal, v1, v2

REGION = "us-east-1"
NAME = "acme.example"
OURS = [{"Key": "postern-installation", "Value": "postern"}]
TOKENS = ["one", "two", "three"]
ALREADY_EXISTS = refusal("AlreadyExistsException", 400)
NOT_FOUND = refusal("NotFoundException", 404)
THROTTLED = refusal("TooManyRequestsException", 429)


def identity(*, tags: list[dict[str, str]], **members: object) -> Answer:
    dkim = {"Status": "PENDING", "Tokens": TOKENS, "SigningHostedZone": "dkim.eu.amazonses.com"}
    return v2(VerificationStatus="PENDING", DkimAttributes=dkim, Tags=tags, **members)


def created() -> Answer:
    return v2(IdentityType="DOMAIN", VerifiedForSendingStatus=False, DkimAttributes={"Tokens": TOKENS})


def verify_token(token: str) -> Answer:
    return v1("VerifyDomainIdentity", f"<VerificationToken>{token}</VerificationToken>")


def attributes(status: str, token: str) -> Answer:
    value = f"<VerificationStatus>{status}</VerificationStatus><VerificationToken>{token}</VerificationToken>"
    entry = f"<entry><key>{NAME}</key><value>{value}</value></entry>"
    return v1("GetIdentityVerificationAttributes", f"<VerificationAttributes>{entry}</VerificationAttributes>")


def no_attributes() -> Answer:
    return v1("GetIdentityVerificationAttributes", "<VerificationAttributes/>")


def test_the_v2_creation_comes_before_the_v1_token(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [created(), verify_token("tok")]
    facts = ensure_identity(name=NAME, region=REGION, caller=person(60))
    assert scripted.asked() == ["POST identities", "VerifyDomainIdentity"]
    assert json.loads(scripted.requests[0][2])["Tags"] == OURS
    assert (facts.ownership_token, facts.dkim_tokens, facts.was_created) == ("tok", ("one", "two", "three"), True)


def test_a_creation_whose_answer_was_lost_is_adopted_as_ours_the_next_time(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [
        Answer(is_lost=True),
        ALREADY_EXISTS,
        identity(tags=OURS),
        no_attributes(),
        verify_token("tok"),
    ]
    with pytest.raises(AwsUnavailable):
        ensure_identity(name=NAME, region=REGION, caller=person(60))
    facts = ensure_identity(name=NAME, region=REGION, caller=person(60))
    assert (facts.is_ours, facts.was_created, facts.ownership_token) == (True, False, "tok")
    assert facts.dkim_zone == "dkim.eu.amazonses.com"


def test_a_throttled_creation_succeeds_in_the_end(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [THROTTLED, THROTTLED, created(), verify_token("tok")]
    assert ensure_identity(name=NAME, region=REGION, caller=person(60)).was_created


def test_the_limit_of_identities_is_a_refusal_of_its_own(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [refusal("LimitExceededException", 400)]
    with pytest.raises(AwsRefused) as caught:
        ensure_identity(name=NAME, region=REGION, caller=person(60))
    assert caught.value.is_limit


def test_tokens_of_an_identity_that_is_ours_are_read_without_starting_its_clock_again(
    scripted: ScriptedEndpoint,
) -> None:
    scripted.answers = [ALREADY_EXISTS, identity(tags=OURS), attributes("Failed", "old")]
    facts = ensure_identity(name=NAME, region=REGION, caller=person(60))
    assert facts.ownership_token == "old"
    assert "VerifyDomainIdentity" not in scripted.asked()


@pytest.mark.parametrize("tags", [[], [{"Key": "postern-installation", "Value": "another"}]])
def test_a_foreign_identity_is_only_read(scripted: ScriptedEndpoint, tags: list[dict[str, str]]) -> None:
    scripted.answers = [ALREADY_EXISTS, identity(tags=tags), no_attributes()]
    facts = ensure_identity(name=NAME, region=REGION, caller=person(60))
    assert (facts.is_ours, facts.ownership_token) == (False, "")
    assert scripted.asked()[1:] == [f"GET identities/{NAME}", "GetIdentityVerificationAttributes"]


def test_an_identity_that_vanishes_between_two_calls_is_worth_another_attempt(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [ALREADY_EXISTS, NOT_FOUND]
    with pytest.raises(AwsUnavailable, match="Vanished"):
        ensure_identity(name=NAME, region=REGION, caller=person(60))


def test_somebody_elses_signing_key_is_no_token_of_ours(scripted: ScriptedEndpoint) -> None:
    external = {"Status": "SUCCESS", "Tokens": ["selector"], "SigningAttributesOrigin": "EXTERNAL"}
    foreign = v2(VerificationStatus="SUCCESS", DkimAttributes=external, Tags=[])
    no_dkim = v1("GetIdentityDkimAttributes", "<DkimAttributes/>")
    scripted.answers = [ALREADY_EXISTS, foreign, attributes("Success", "tok"), no_dkim]
    assert ensure_identity(name=NAME, region=REGION, caller=person(60)).dkim_tokens == ()


def test_an_emulator_without_v2_tokens_is_asked_for_v1_ones(scripted: ScriptedEndpoint) -> None:
    bare = v2(IdentityType="DOMAIN", VerifiedForSendingStatus=False, DkimAttributes={})
    dkim = v1("VerifyDomainDkim", "<DkimTokens><member>x</member><member>y</member></DkimTokens>")
    scripted.answers = [bare, verify_token("tok"), dkim]
    assert ensure_identity(name=NAME, region=REGION, caller=person(60)).dkim_tokens == ("x", "y")


def test_a_restart_starts_both_clocks_and_reads_back(scripted: ScriptedEndpoint) -> None:
    dkim = v1("VerifyDomainDkim", "<DkimTokens><member>x</member></DkimTokens>")
    scripted.answers = [identity(tags=OURS), verify_token("new"), dkim, identity(tags=OURS)]
    facts = restart_verification(name=NAME, region=REGION, caller=person(60))
    assert (facts.ownership_token, facts.dkim_tokens, facts.verification_status) == ("new", ("x",), "PENDING")
    look = f"GET identities/{NAME}"
    assert scripted.asked() == [look, "VerifyDomainIdentity", "VerifyDomainDkim", look]


def test_a_foreign_identity_is_neither_restarted_nor_changed(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [identity(tags=[])]
    with pytest.raises(ForeignIdentity):
        restart_verification(name=NAME, region=REGION, caller=person(60))
    with pytest.raises(ForeignIdentity):
        set_mail_from(name=NAME, region=REGION, mail_from=f"bounce.{NAME}", caller=person(60))
    assert scripted.asked() == [f"GET identities/{NAME}"] * 2


def test_mail_goes_out_while_the_mail_from_is_not_right(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [identity(tags=OURS), v2()]
    set_mail_from(name=NAME, region=REGION, mail_from=f"bounce.{NAME}", caller=person(60))
    written = json.loads(scripted.requests[1][2])
    assert written == {"MailFromDomain": f"bounce.{NAME}", "BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}


def test_deleting_asks_whose_it_is_first(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [identity(tags=[])]
    with pytest.raises(ForeignIdentity):
        delete_identity(name=NAME, region=REGION, caller=person(60))
    assert scripted.asked() == [f"GET identities/{NAME}"]


def test_what_somebody_deleted_before_us_is_deleted(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [identity(tags=OURS), NOT_FOUND]
    delete_identity(name=NAME, region=REGION, caller=person(60))
    assert len(scripted.requests) == 2


def test_many_identities_cost_two_calls_a_hundred(scripted: ScriptedEndpoint) -> None:
    dkim = "<DkimEnabled>true</DkimEnabled><DkimVerificationStatus>TemporaryFailure</DkimVerificationStatus>"
    entry = f"<entry><key>{NAME}</key><value>{dkim}</value></entry>"
    scripted.answers = [
        attributes("NotStarted", "tok"),
        v1("GetIdentityDkimAttributes", f"<DkimAttributes>{entry}</DkimAttributes>"),
        no_attributes(),
        v1("GetIdentityDkimAttributes", "<DkimAttributes/>"),
    ]
    names = [NAME, *(f"n{number}.example" for number in range(100))]
    statuses = identity_statuses(names=names, region=REGION, caller=person(60))
    assert scripted.asked() == ["GetIdentityVerificationAttributes", "GetIdentityDkimAttributes"] * 2
    assert set(statuses) == {NAME}
    found = statuses[NAME]
    assert (found.verification_status, found.dkim_status) == ("NOT_STARTED", "TEMPORARY_FAILURE")


def test_no_names_cost_no_call(scripted: ScriptedEndpoint) -> None:
    assert identity_statuses(names=[], region=REGION, caller=person(60)) == {}
    assert scripted.requests == []


def test_the_list_follows_its_pages_and_leaves_addresses_out(scripted: ScriptedEndpoint) -> None:
    domain = {"IdentityType": "DOMAIN", "IdentityName": NAME, "VerificationStatus": "SUCCESS"}
    address = {"IdentityType": "EMAIL_ADDRESS", "IdentityName": "a@b.example", "VerificationStatus": "SUCCESS"}
    other = {"IdentityType": "DOMAIN", "IdentityName": "globex.example", "VerificationStatus": "FAILED"}
    scripted.answers = [v2(EmailIdentities=[domain, address], NextToken="n"), v2(EmailIdentities=[other])]
    listed = list(list_identities(region=REGION, caller=person(60)))
    assert listed == [(NAME, "SUCCESS"), ("globex.example", "FAILED")]


def test_ses_explains_why_it_did_not_verify(scripted: ScriptedEndpoint) -> None:
    scripted.answers = [identity(tags=OURS, VerificationInfo={"ErrorType": "HOST_NOT_FOUND"})]
    assert explain_identity(name=NAME, region=REGION, caller=person(60)) == "HOST_NOT_FOUND"


def test_a_tenant_whose_creation_was_lost_is_adopted_as_ours(scripted: ScriptedEndpoint) -> None:
    tenant = {"TenantName": "t-1", "TenantId": "id", "TenantArn": "arn", "SendingStatus": "ENABLED", "Tags": OURS}
    scripted.answers = [Answer(is_lost=True), ALREADY_EXISTS, v2(Tenant=tenant)]
    with pytest.raises(AwsUnavailable):
        ensure_tenant(tenant_name="t-1", region=REGION, caller=person(60))
    facts = ensure_tenant(tenant_name="t-1", region=REGION, caller=person(60))
    assert (facts.is_ours, facts.was_created) == (True, False)
