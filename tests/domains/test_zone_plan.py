"""What a plan makes of what stands in a zone: only what we wrote is replaced, and text of others stays beside ours."""

from __future__ import annotations

import pytest

from domains.records import PlannedRecord, Purpose
from domains.zone_plan import Action, HostSet, Leave, Step, names_to_read, plan_record, plan_take_back

D = "acme.example"
SPF = "v=spf1 include:amazonses.com ~all"
SITE = "google-site-verification=abc"
MX = PlannedRecord(Purpose.INBOUND, "MX", D, "inbound-smtp.us-east-1.amazonaws.com", 10, True)
CNAME = PlannedRecord(Purpose.DKIM, "CNAME", f"t._domainkey.{D}", "t.dkim.amazonses.com", None, False)
DMARC = PlannedRecord(Purpose.DMARC, "TXT", f"_dmarc.{D}", "v=DMARC1; p=none;", None, False)
SPF_RECORD = PlannedRecord(Purpose.SPF, "TXT", D, SPF, None, False)
CLAIM = PlannedRecord(Purpose.CLAIM, "TXT", f"_postern.{D}", "postern-verify=new", None, True)
OURS_MX = "10 inbound-smtp.us-east-1.amazonaws.com"
OLD_MX = "10 inbound-smtp.eu-west-1.amazonaws.com"


def sets(*found: HostSet) -> dict[tuple[str, str], HostSet]:
    return {(each.name, each.type): each for each in found}


def at(record: PlannedRecord, *values: str, type_: str = "") -> HostSet:
    return HostSet(record.name, type_ or record.type, 300, values)


def plan(record: PlannedRecord, *found: HostSet, ours: tuple[str, ...] = (), is_forced: bool = False) -> Step:
    return plan_record(record, sets(*found), ours=ours, zone=D, leave=Leave(is_spf_forced=is_forced))


@pytest.mark.parametrize("record", [MX, CNAME, DMARC, SPF_RECORD, CLAIM], ids=lambda record: record.purpose)
def test_at_an_empty_name_a_record_is_created(record: PlannedRecord) -> None:
    step = plan(record)
    assert step.action is Action.CREATE
    assert step.after is not None
    assert (step.before, step.after.ttl) == (None, 3600)


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (MX, [OURS_MX]),
        (MX, [OURS_MX, "20 backup.elsewhere.example"]),
        (CNAME, ["T.dkim.amazonses.com"]),
        (DMARC, ["v=DMARC1; p=none;"]),
        (DMARC, ["v=DMARC1;p=none"]),
        (SPF_RECORD, [SITE, SPF]),
        (SPF_RECORD, ["v=spf1 mx -all"]),
        (CLAIM, ["postern-verify=new", "postern-verify=of-another"]),
    ],
)
def test_what_is_right_already_is_kept(record: PlannedRecord, values: list[str]) -> None:
    step = plan(record, at(record, *values))
    assert (step.action, step.change) == (Action.KEEP, None)


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (MX, ["10 mail.elsewhere.example"]),
        (MX, ["0 "]),
        (MX, [OURS_MX, "5 mail.elsewhere.example"]),
        (MX, [OLD_MX]),
        (CNAME, ["t.elsewhere.example"]),
        (DMARC, ["v=DMARC1; p=reject"]),
        (DMARC, ["v=DMARC1; p=none; rua=mailto:them@elsewhere.example"]),
        (DMARC, ["V=dmarc1 p=none"]),
    ],
)
def test_what_others_wrote_conflicts_and_is_named(record: PlannedRecord, values: list[str]) -> None:
    step = plan(record, at(record, *values))
    assert (step.action, step.change) == (Action.CONFLICT, None)
    assert record.name in step.reason


@pytest.mark.parametrize(
    ("record", "old"),
    [
        (MX, OLD_MX),
        (CNAME, "old.dkim.amazonses.com"),
        (DMARC, "v=DMARC1; p=reject;"),
    ],
)
def test_what_we_wrote_and_nobody_changed_is_replaced(record: PlannedRecord, old: str) -> None:
    step = plan(record, at(record, old), ours=(old,))
    assert (step.action, step.replaced) == (Action.REPLACE, ())
    assert step.after is not None
    assert len(step.after.values) == 1
    assert step.after.ttl == 300


def test_a_set_that_somebody_added_to_is_not_ours_any_more() -> None:
    assert plan(MX, at(MX, OLD_MX, "5 mail.elsewhere.example"), ours=(OLD_MX,)).action is Action.CONFLICT


@pytest.mark.parametrize("record", [DMARC, SPF_RECORD, CLAIM], ids=lambda record: record.purpose)
def test_texts_of_others_stay_beside_ours(record: PlannedRecord) -> None:
    step = plan(record, at(record, SITE, "MS=ms1"))
    assert step.action is Action.ADD
    assert step.after is not None
    assert step.after.values == (SITE, "MS=ms1", record.value)


def test_a_token_of_ours_gives_way_and_that_of_another_stays() -> None:
    step = plan(CLAIM, at(CLAIM, "postern-verify=old", "postern-verify=theirs"), ours=("postern-verify=old",))
    assert step.after is not None
    assert step.after.values == ("postern-verify=theirs", "postern-verify=new")


def test_a_forced_spf_takes_the_place_of_every_other_and_remembers_them() -> None:
    step = plan(SPF_RECORD, at(SPF_RECORD, SITE, "v=spf1 mx -all", "v=spf1 a"), ours=("v=spf1 a",), is_forced=True)
    assert step.after is not None
    assert step.after.values == (SITE, SPF)
    assert step.replaced == ("v=spf1 mx -all",)


def test_a_forced_spf_that_is_there_is_kept() -> None:
    assert plan(SPF_RECORD, at(SPF_RECORD, SPF), is_forced=True).action is Action.KEEP


@pytest.mark.parametrize("record", [MX, DMARC, SPF_RECORD, CLAIM], ids=lambda record: record.purpose)
def test_nothing_is_written_beside_a_cname(record: PlannedRecord) -> None:
    assert plan(record, at(record, "www.elsewhere.example", type_="CNAME")).action is Action.CONFLICT


def test_no_cname_is_written_beside_other_types() -> None:
    assert plan(CNAME, at(CNAME, "v=DKIM1; p=abc", type_="TXT")).action is Action.CONFLICT


def test_an_alias_or_routed_set_is_left_alone() -> None:
    assert plan(MX, HostSet(D, "MX", 300, (OLD_MX,), is_plain=False), ours=(OLD_MX,)).action is Action.CONFLICT


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ("v=DMARC1; p=reject", Action.KEEP),
        ("v=DMARC1; p=none; sp=quarantine", Action.KEEP),
        ("v=DMARC1; p=reject; sp=none", Action.CREATE),
        ("v=DMARC1; p=none", Action.CREATE),
    ],
)
def test_a_subdomains_policy_never_weakens_the_one_above(above: str, expected: Action) -> None:
    record = PlannedRecord(Purpose.DMARC, "TXT", f"_dmarc.mail.{D}", "v=DMARC1; p=none;", None, False)
    assert f"_dmarc.{D}" in names_to_read([record], zone=D)
    step = plan_record(record, sets(HostSet(f"_dmarc.{D}", "TXT", 300, (above,))), ours=(), zone=D)
    assert step.action is expected


def test_taking_back_leaves_what_others_have() -> None:
    change = plan_take_back(at(SPF_RECORD, SITE, SPF), ours=[SPF], replaced=[])
    assert change is not None
    assert change.after is not None
    assert change.after.values == (SITE,)


def test_taking_back_a_whole_set_deletes_it() -> None:
    change = plan_take_back(at(MX, "10 Inbound-SMTP.us-east-1.amazonaws.com."), ours=[OURS_MX], replaced=[])
    assert change is not None
    assert change.after is None


def test_taking_back_a_forced_spf_puts_the_one_before_it_back() -> None:
    change = plan_take_back(at(SPF_RECORD, SPF), ours=[SPF], replaced=["v=spf1 mx -all"])
    assert change is not None
    assert change.after is not None
    assert change.after.values == ("v=spf1 mx -all",)


def test_an_spf_that_somebody_set_meanwhile_is_not_doubled_by_taking_back() -> None:
    change = plan_take_back(at(SPF_RECORD, SPF, "v=spf1 a"), ours=[SPF], replaced=["v=spf1 mx -all"])
    assert change is not None
    assert change.after is not None
    assert change.after.values == ("v=spf1 a",)


@pytest.mark.parametrize("here", [None, at(MX, "10 mail.elsewhere.example"), HostSet(D, "MX", 0, (), is_plain=False)])
def test_where_nothing_of_ours_stands_nothing_is_taken_back(here: HostSet | None) -> None:
    assert plan_take_back(here, ours=[OURS_MX], replaced=[]) is None
