"""What one look says of a name as a whole: who gets its mail, its SPF and its DMARC."""

from __future__ import annotations

import pytest

from domains.dns.answers import Lookup, Observation, Outcome, ServerAnswer
from domains.dns.summary import Wishes, further_questions, mail_today, summarise

NAME = "mail.acme.example"
OURS = "v=spf1 include:amazonses.com ~all"
WANTED = "v=DMARC1; p=none;"


def seen(unknown: tuple[str, ...] = (), **values: list[str]) -> Observation:
    """An observation; `MX`, `TXT`, `DMARC`, `ABOVE` are the values at the places that a summary looks at."""
    places = {
        "MX": (NAME, "MX"),
        "TXT": (NAME, "TXT"),
        "DMARC": (f"_dmarc.{NAME}", "TXT"),
        "ABOVE": ("_dmarc.acme.example", "TXT"),
        "PARTNER": ("spf.partner.example", "TXT"),
        "GONE": ("gone.example", "TXT"),
    }
    lookups = {}
    for key, place in places.items():
        found = tuple(values.get(key, ()))
        outcome = Outcome.UNKNOWN if key in unknown else Outcome.FOUND if found else Outcome.NXDOMAIN
        lookups[place] = Lookup(*place, "acme.example", (ServerAnswer("ns1", outcome, found),))
    return Observation(lookups)


def spf(*records: str, wishes: Wishes | None = None, **values: list[str]) -> dict[str, object]:
    return summarise(seen(TXT=list(records), **values), wishes or Wishes(NAME, WANTED))["spf"]


def dmarc(*records: str, wanted: str = WANTED, **values: list[str]) -> dict[str, object]:
    return summarise(seen(DMARC=list(records), **values), Wishes(NAME, wanted))["dmarc"]


def test_the_most_preferred_host_says_who_gets_the_mail() -> None:
    found = mail_today(["20 mx.zoho.com", "1 aspmx.l.google.com"])
    assert found == {"code": "google", "name": "Google Workspace", "hosts": ["aspmx.l.google.com", "mx.zoho.com"]}


def test_a_host_that_nobody_knows_is_named_itself() -> None:
    assert mail_today(["10 mx.acme.example"]) == {
        "code": "other",
        "name": "mx.acme.example",
        "hosts": ["mx.acme.example"],
    }


@pytest.mark.parametrize("values", [[], ["0 "]])
def test_without_mx_and_with_a_null_mx_nobody_gets_the_mail(values: list[str]) -> None:
    assert mail_today(values) == {"code": "none", "name": "Nobody", "hosts": []}


def test_what_could_not_be_seen_is_left_out() -> None:
    assert summarise(seen(unknown=("MX", "TXT", "DMARC")), Wishes(NAME, WANTED)) == {}


def test_a_policy_above_that_could_not_be_seen_leaves_dmarc_open() -> None:
    assert "dmarc" not in summarise(seen(unknown=("ABOVE",)), Wishes(NAME, WANTED))


def test_without_an_spf_record_a_new_one_is_proposed() -> None:
    found = spf("some=token")
    assert (found["current"], found["proposed"], found["lookups"]) == (None, OURS, 0)


def test_ses_is_merged_into_the_record_that_is_there() -> None:
    found = spf("v=spf1 ip4:192.0.2.1 -all")
    assert found["proposed"] == "v=spf1 ip4:192.0.2.1 include:amazonses.com -all"


def test_the_proposal_of_a_proposal_is_itself() -> None:
    first = spf("v=spf1 a mx -all")["proposed"]
    assert spf(str(first))["proposed"] == first


def test_of_several_spf_records_one_is_made() -> None:
    found = spf("v=spf1 a -all", "v=spf1 include:spf.partner.example ~all", PARTNER=["v=spf1 mx -all"])
    assert (found["current"], found["refusal"]) == ("v=spf1 a -all\nv=spf1 include:spf.partner.example ~all", "")
    assert found["proposed"] == "v=spf1 a include:spf.partner.example include:amazonses.com ~all"
    assert (found["lookups"], found["void_lookups"]) == (3, 0)


def test_the_includes_of_several_spf_records_are_asked_for() -> None:
    texts = ("v=spf1 a -all", "v=spf1 include:spf.partner.example ~all")
    answer = ServerAnswer("ns1", Outcome.FOUND, texts)
    known = Observation({(NAME, "TXT"): Lookup(NAME, "TXT", "acme.example", (answer,))})
    assert further_questions(NAME, known) == [("spf.partner.example", "TXT")]


def test_of_several_spf_records_with_a_mistake_that_can_not_be_told_none_is_made() -> None:
    found = spf("v=spf1 ip4:192.0.2.444 -all", "v=spf1 mx -all")
    assert (found["proposed"], found["refusal"]) == (None, "several")


def test_a_record_with_a_mistake_is_not_built_upon() -> None:
    assert spf("v=spf1 ip4:192.0.2.444 -all")["refusal"] == "syntax"


def test_a_record_whose_mistake_can_be_told_is_put_right() -> None:
    found = spf("v=spf1 ipv4:192.0.2.1 -all")
    assert (found["current"], found["proposed"], found["refusal"]) == (
        "v=spf1 ipv4:192.0.2.1 -all",
        "v=spf1 ip4:192.0.2.1 include:amazonses.com -all",
        "",
    )


def test_lookups_and_void_lookups_are_counted_to_the_last_include() -> None:
    found = spf("v=spf1 mx include:spf.partner.example -all", PARTNER=["v=spf1 a include:gone.example ~all"])
    assert (found["lookups"], found["void_lookups"]) == (4, 2)


def test_nothing_is_proposed_that_would_take_too_many_lookups() -> None:
    record = "v=spf1 " + " ".join(f"exists:e{number}.example" for number in range(10)) + " -all"
    found = spf(record)
    assert (found["lookups"], found["proposed"], found["refusal"]) == (10, None, "too_many_lookups")


def test_an_spf_record_that_was_ordered_is_proposed_as_it_is() -> None:
    ordered = Wishes(NAME, WANTED, spf_value="v=spf1 include:amazonses.com -all")
    assert spf("v=spf1 a ~all", wishes=ordered)["proposed"] == "v=spf1 include:amazonses.com -all"


def test_who_wants_no_spf_is_proposed_none() -> None:
    assert spf(wishes=Wishes(NAME, is_spf_wanted=False))["proposed"] is None


def test_a_dmarc_record_that_counts_stays_as_it_is() -> None:
    found = dmarc("v=DMARC1; p=reject; rua=mailto:d@acme.example")
    assert found["current"] == found["proposed"] == "v=DMARC1; p=reject; rua=mailto:d@acme.example"


def test_what_receivers_pass_over_in_a_dmarc_record_is_put_right() -> None:
    found = dmarc("v=DMARC1; p=reject; rua=d@acme.example; pct=half")
    assert found["proposed"] == "v=DMARC1; p=reject; rua=mailto:d@acme.example"


def test_a_broken_dmarc_record_is_put_right_and_keeps_its_policy_and_reports() -> None:
    found = dmarc("v=dmarc1 p=quarantine, rua=mailto:d@acme.example")
    assert found["proposed"] == "v=DMARC1; p=quarantine; rua=mailto:d@acme.example"


def test_a_text_that_was_meant_as_spf_is_built_upon() -> None:
    found = spf("spf1 ip4:192.0.2.1 -all")
    assert (found["current"], found["proposed"]) == (None, "v=spf1 ip4:192.0.2.1 include:amazonses.com -all")


def test_a_policy_above_holds_and_nothing_is_proposed() -> None:
    found = dmarc(ABOVE=["v=DMARC1; p=reject"])
    assert found == {"current": "v=DMARC1; p=reject", "proposed": None, "inherited_from": "acme.example"}


def test_of_two_dmarc_records_the_proposal_is_as_strong_as_the_stronger() -> None:
    found = dmarc("v=DMARC1; p=none", "v=DMARC1; p=reject")
    assert found["proposed"] == "v=DMARC1; p=reject;"


def test_two_dmarc_records_keep_their_reports_and_are_not_made_stricter_than_the_stricter() -> None:
    texts = ("v=DMARC1; p=none; rua=mailto:a@acme.example", "v=DMARC1; p=none; rua=mailto:b@acme.example")
    found = dmarc(*texts, wanted="v=DMARC1; p=reject;")
    assert found["proposed"] == "v=DMARC1; p=none; rua=mailto:a@acme.example,mailto:b@acme.example"


def test_a_policy_without_its_semicolon_stays_the_owners() -> None:
    found = dmarc("v=DMARC1 p=none", wanted="v=DMARC1; p=quarantine;")
    assert found["proposed"] == "v=DMARC1; p=none;"


def test_beside_a_policy_that_counts_a_broken_one_changes_nothing() -> None:
    found = dmarc("v=DMARC1 p=none", "v=DMARC1; p=reject", wanted="v=DMARC1; p=quarantine;")
    assert found["proposed"] == "v=DMARC1; p=reject"


def test_without_any_dmarc_record_ours_is_proposed() -> None:
    assert dmarc() == {"current": None, "proposed": WANTED, "inherited_from": None}


def test_the_includes_and_the_policy_above_are_asked_for() -> None:
    bare = seen(TXT=["v=spf1 include:spf.partner.example -all"])
    lookups = {place: each for place, each in bare.lookups.items() if place[0] == NAME or place[0].endswith(NAME)}
    asked = further_questions(NAME, Observation(lookups))
    assert asked == [("spf.partner.example", "TXT"), ("_dmarc.acme.example", "TXT")]
