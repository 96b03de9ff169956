"""Several SPF records become one that lets all their senders pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.dns.answers import Lookup, Observation, Outcome, ServerAnswer
from domains.dns.spf import parse_spf
from domains.dns.spf_union import unite
from domains.dns.summary import Wishes, summarise
from tests.domains.test_spf_senders import NAME, PARTNERS, SENDERS, WORLDS, Receiver


@pytest.mark.parametrize(
    ("records", "one"),
    [
        (("v=spf1 a -all", "v=spf1 mx ~all"), "v=spf1 a mx ~all"),
        (("v=spf1 a ~all", "v=spf1 mx ?all"), "v=spf1 a mx ?all"),
        (("v=spf1 a -all", "v=spf1 mx +all"), "v=spf1 a mx -all"),
        (("v=spf1 a all", "v=spf1 mx +all"), "v=spf1 a mx all"),
        (("v=spf1 a", "v=spf1 mx -all"), "v=spf1 a mx -all"),
        (("v=spf1 a", "v=spf1 mx"), "v=spf1 a mx"),
        (
            ("v=spf1 include:A.example a ~all", "v=spf1 mx +include:a.example. ~all"),
            "v=spf1 include:A.example a mx ~all",
        ),
        (("v=spf1 ip4:192.0.2.1 -all include:late.example", "v=spf1 mx -all"), "v=spf1 ip4:192.0.2.1 mx -all"),
        (("v=spf1 a -all exp=why.example", "v=spf1 mx -all exp=how.example"), "v=spf1 a mx -all exp=why.example"),
        (("v=spf1 mx", "v=spf1 redirect=x.example"), "v=spf1 mx redirect=x.example"),
        (("v=spf1 mx -all", "v=spf1 redirect=x.example"), "v=spf1 mx include:x.example -all"),
        (("v=spf1 redirect=x.example", "v=spf1 redirect=y.example"), "v=spf1 include:x.example include:y.example"),
        (("v=spf1 ipv4:192.0.2.1 -all", "v=spf1 mx -all"), "v=spf1 ip4:192.0.2.1 mx -all"),
        (("v=spf1 ip4:192.0.2.444 -all", "v=spf1 mx -all"), None),
    ],
)
def test_one_record_has_the_terms_of_all(records: tuple[str, str], one: str | None) -> None:
    assert unite(records) == one
    assert unite(records[::-1]) == one


PASSING = st.sampled_from([f"ip4:192.0.2.{number}" for number in range(8)] + [f"include:{name}" for name in PARTNERS])
ENDS = st.sampled_from(["", "-all", "~all", "?all", *(f"redirect={name}" for name in PARTNERS)])
RECORDS = st.builds(lambda terms, end: " ".join(["v=spf1", *terms, end]).strip(), st.lists(PASSING, max_size=3), ENDS)


@given(st.lists(RECORDS, min_size=2, max_size=3, unique=True), WORLDS)
def test_whoever_passes_by_one_of_them_passes_by_the_proposal(records: list[str], world: dict[str, str]) -> None:
    answers = {name: (text,) for name, text in world.items()} | {NAME: tuple(records)}
    seen = Observation(
        {
            (name, "TXT"): Lookup(name, "TXT", name, (ServerAnswer("ns1", Outcome.FOUND, texts),))
            for name, texts in answers.items()
        }
    )
    part = summarise(seen, Wishes(NAME))["spf"]
    if part["proposed"] is None:
        assert part["refusal"] == "too_many_lookups"
        return
    one = str(part["proposed"])
    assert parse_spf(one).includes("amazonses.com")
    after = Receiver(world | {NAME: one})
    for record in records:
        before = Receiver(world | {NAME: record})
        for sender in SENDERS:
            if before.check(sender) == "pass":
                assert after.check(sender) == "pass", (records, one, sender)
