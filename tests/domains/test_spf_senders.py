"""A plan never shuts a sender out: held against an evaluator of SPF that knows nothing of ours (RFC 7208 section 4)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from domains.dns.answers import Lookup, Observation, Outcome, ServerAnswer
from domains.dns.summary import Wishes, summarise

NAME = "acme.example"
SENDERS = [f"192.0.2.{number}" for number in range(8)] + ["198.51.100.1"]
SES = "198.51.100.0/24"
RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class PermanentError(Exception):
    pass


@dataclass
class Receiver:
    """Evaluates records of a small world as a receiver does: the first match decides, ten look-ups at most."""

    world: dict[str, str]
    lookups: int = 0

    def check(self, sender: str) -> str:
        self.lookups = 0
        try:
            return self._at(NAME, sender)
        except PermanentError:
            return "permerror"

    def _at(self, name: str, sender: str) -> str:
        text = self.world.get(name)
        if text is None:
            raise PermanentError
        redirect = ""
        for word in text.split()[1:]:
            if word.startswith("redirect="):
                redirect = word.partition("=")[2]
                continue
            qualifier = word[0] if word[0] in RESULTS else "+"
            if self._matches(word.lstrip("+-~?"), sender):
                return RESULTS[qualifier]
        return self._look(redirect, sender) if redirect else "neutral"

    def _matches(self, mechanism: str, sender: str) -> bool:
        kind, _, value = mechanism.partition(":")
        if kind == "all":
            return True
        if kind == "ip4":
            return ipaddress.ip_address(sender) in ipaddress.ip_network(value)
        return self._look(value, sender) == "pass"

    def _look(self, name: str, sender: str) -> str:
        self.lookups += 1
        if self.lookups > 10:
            raise PermanentError
        return self._at(name, sender)


def qualified(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from([text, f"+{text}", f"-{text}", f"~{text}", f"?{text}"])


PARTNERS = [f"p{number}.example" for number in range(5)]
ADDRESSES = st.sampled_from([f"ip4:192.0.2.{number}" for number in range(8)] + ["ip4:192.0.2.0/30"])
# A partner includes only partners behind it, so that the world has no loop.
INCLUDES = {
    index: st.sampled_from([f"include:{partner}" for partner in PARTNERS[index:]] or ["ip4:192.0.2.7"])
    for index in range(len(PARTNERS) + 1)
}


def records(index: int) -> st.SearchStrategy[str]:
    terms = st.one_of(
        ADDRESSES.flatmap(qualified), INCLUDES[index].flatmap(qualified), st.just("include:amazonses.com")
    )
    ends = ["", "all", "-all", "~all", "?all", *(f"redirect={partner}" for partner in PARTNERS[index:])]
    return st.builds(
        lambda body, end: " ".join(["v=spf1", *body, *([end] if end else [])]),
        st.lists(terms, max_size=6),
        st.sampled_from(ends),
    )


WORLDS = st.tuples(*(records(index + 1) for index in range(len(PARTNERS)))).map(
    lambda texts: dict(zip(PARTNERS, texts, strict=True)) | {"amazonses.com": f"v=spf1 ip4:{SES} -all"}
)


def plan(record: str, world: dict[str, str]) -> tuple[str | None, str]:
    """What is proposed for the record in this world, or why nothing is."""
    texts = world | {NAME: record}
    seen = Observation(
        {
            (name, "TXT"): Lookup(name, "TXT", name, (ServerAnswer("ns1", Outcome.FOUND, (text,)),))
            for name, text in texts.items()
        }
    )
    part = summarise(seen, Wishes(NAME))["spf"]
    proposed = part["proposed"]
    assert proposed is None or isinstance(proposed, str)
    return proposed, str(part["refusal"])


@given(records(0), WORLDS)
def test_every_sender_that_passed_passes_after_the_plan_and_so_does_ses(record: str, world: dict[str, str]) -> None:
    proposed, refusal = plan(record, world)
    if proposed is None:
        assert refusal == "too_many_lookups"
        return
    before, after = Receiver(world | {NAME: record}), Receiver(world | {NAME: proposed})
    for sender in SENDERS:
        if before.check(sender) == "pass":
            assert after.check(sender) == "pass", (record, proposed, sender)
    if "redirect=" not in record and "include" not in record.replace("include:amazonses.com", ""):
        assert after.check("198.51.100.1") == "pass"


@given(records(0), WORLDS)
def test_the_plan_of_a_plan_is_itself(record: str, world: dict[str, str]) -> None:
    proposed, _ = plan(record, world)
    if proposed is not None:
        assert plan(proposed, world) == (proposed, "")
