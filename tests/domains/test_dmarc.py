"""DMARC records: judged by meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.dns.dmarc import (
    STRENGTH,
    change_dmarc,
    compose_dmarc,
    is_at_least_as_strong,
    is_dmarc,
    parse_dmarc,
    report_address,
)
from domains.dns.dmarc_repair import merge_dmarc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=DMARC1; p=none", True),
        ("v=DMARC1;p=none", True),
        (" v = DMARC1 ; p=none", True),
        ("v=DMARC1", True),
        ("V=DMARC1; p=none", False),
        ("v=dmarc1; p=none", False),
        ("v=DMARC10; p=none", False),
        ("v=DMARC1 p=none", False),
        ("p=none; v=DMARC1", False),
        ("v=spf1 -all", False),
    ],
)
def test_the_version_comes_first_and_in_capitals(text: str, expected: bool) -> None:
    assert is_dmarc(text) is expected


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("v=DMARC1; p=none", "none"),
        ("v=DMARC1; p=Reject;", "reject"),
        ("v=DMARC1; rua=mailto:a@b.example; p = quarantine ; pct=50", "quarantine"),
        ("v=DMARC1; p=none; unknown=x; t1=y", "none"),
        ("v=DMARC1; p=none; rubbish; ;", "none"),
    ],
)
def test_a_valid_policy_is_read_in_any_order_and_case(text: str, policy: str) -> None:
    record = parse_dmarc(text)
    assert (record.is_valid, record.policy) == (True, policy)


@pytest.mark.parametrize(
    "text",
    [
        "v=DMARC1",
        "v=DMARC1; p=",
        "v=DMARC1; p=rejected",
        "v=DMARC1; p none",
        "v=DMARC1; p=none; p=reject",
        "v=DMARC1; p=none; sp=nothing",
        "v=DMARC1; p:none",
        "v=DMARC1, p=none",
    ],
)
def test_a_record_without_one_valid_policy_has_its_mistake_named(text: str) -> None:
    record = parse_dmarc(text)
    assert not record.is_valid
    assert record.errors


def test_subdomains_have_the_policy_of_the_domain_unless_they_have_their_own() -> None:
    assert parse_dmarc("v=DMARC1; p=reject").subdomain_policy == "reject"
    assert parse_dmarc("v=DMARC1; p=reject; sp=none").subdomain_policy == "none"


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ("reject", "quarantine", True),
        ("quarantine", "quarantine", True),
        ("none", "quarantine", False),
        ("", "none", False),
        ("reject", "none", True),
    ],
)
def test_policies_have_an_order(found: str, wanted: str, expected: bool) -> None:
    assert is_at_least_as_strong(found, wanted) is expected


@given(st.text(max_size=200))
def test_parsing_never_fails_and_valid_means_a_policy(text: str) -> None:
    record = parse_dmarc("v=DMARC1;" + text)
    assert record.is_valid == (bool(record.policy) and not record.errors)


@pytest.mark.parametrize(
    ("text", "policy", "address", "expected"),
    [
        ("v=DMARC1; p=none;", "reject", None, "v=DMARC1; p=reject;"),
        ("v=DMARC1; p=none;", None, "a@b.example", "v=DMARC1; p=none; rua=mailto:a@b.example"),
        (
            "v=DMARC1; p=none; rua=mailto:old@b.example; pct=50",
            None,
            "a@b.example",
            "v=DMARC1; p=none; rua=mailto:a@b.example; pct=50",
        ),
        ("v=DMARC1;p=reject;sp=none", "quarantine", None, "v=DMARC1; p=quarantine; sp=none"),
        ("v=DMARC1; p=none;", None, None, "v=DMARC1; p=none;"),
    ],
)
def test_a_change_touches_only_what_it_names(text: str, policy: str | None, address: str | None, expected: str) -> None:
    assert change_dmarc(text, policy=policy, report_address=address) == expected


@pytest.mark.parametrize("address", ["dmarc@b.example", "a+b@b.example", "odd!one@b.example", "50%@b.example"])
def test_a_report_address_is_read_as_it_was_written(address: str) -> None:
    record = compose_dmarc(policy="none", report_address=address)
    assert parse_dmarc(record).is_valid
    assert report_address(record) == address


@pytest.mark.parametrize(
    ("texts", "one"),
    [
        (("v=DMARC1; p=none", "v=DMARC1; p=quarantine"), "v=DMARC1; p=quarantine;"),
        (("v=DMARC1; p=reject; sp=none", "v=DMARC1; p=none"), "v=DMARC1; p=reject; sp=none"),
        (("v=DMARC1; p=reject; sp=none", "v=DMARC1; p=quarantine"), "v=DMARC1; p=reject; sp=quarantine"),
        (("v=DMARC1; p=none; sp=reject", "v=DMARC1; p=none"), "v=DMARC1; p=none; sp=reject"),
        (("v=DMARC1; p=none; np=reject", "v=DMARC1; p=none"), "v=DMARC1; p=none; np=reject"),
        (("v=DMARC1; p=reject; pct=10", "v=DMARC1; p=reject; pct=50"), "v=DMARC1; p=reject; pct=50"),
        (("v=DMARC1; p=reject; pct=10", "v=DMARC1; p=reject"), "v=DMARC1; p=reject;"),
        (("v=DMARC1; p=reject; pct=10", "v=DMARC1; p=none"), "v=DMARC1; p=reject; pct=10"),
        (("v=DMARC1; p=reject; t=y", "v=DMARC1; p=none"), "v=DMARC1; p=reject; t=y"),
        (
            ("v=DMARC1; p=none; adkim=s; fo=1", "v=DMARC1; p=none; aspf=s; fo=d"),
            "v=DMARC1; p=none; adkim=s; aspf=s; fo=1",
        ),
        (
            (
                "v=DMARC1; p=none; rua=mailto:a@b.example",
                "v=DMARC1; p=none; rua=mailto:a@b.example, mailto:c@b.example",
            ),
            "v=DMARC1; p=none; rua=mailto:a@b.example,mailto:c@b.example",
        ),
        (("v=DMARC1; p=x", "v=DMARC1; rua=mailto:a@b.example"), "v=DMARC1; p=quarantine; rua=mailto:a@b.example"),
        (("v=DMARC1; p=x", "v=DMARC1; p=none"), "v=DMARC1; p=none;"),
    ],
)
def test_several_records_become_one_that_is_no_weaker(texts: tuple[str, str], one: str) -> None:
    assert merge_dmarc(texts, otherwise="quarantine") == one
    assert merge_dmarc(texts[::-1], otherwise="quarantine") == one


POLICIES = st.sampled_from([*STRENGTH])
VALID = st.builds(
    lambda policy, rest: "; ".join(["v=DMARC1", f"p={policy}", *(f"{name}={value}" for name, value in rest.items())]),
    POLICIES,
    st.fixed_dictionaries({}, optional={"sp": POLICIES, "np": POLICIES, "pct": st.integers(0, 100)}),
)


@given(st.lists(VALID, min_size=2, max_size=4, unique=True))
def test_what_several_become_is_valid_and_at_least_as_strong_as_each(texts: list[str]) -> None:
    one = parse_dmarc(merge_dmarc(texts, otherwise="none"))
    assert one.is_valid
    for each in map(parse_dmarc, texts):
        assert is_at_least_as_strong(one.policy, each.policy)
        assert is_at_least_as_strong(one.subdomain_policy, each.subdomain_policy)
        assert is_at_least_as_strong(
            one.tags.get("np", one.subdomain_policy), each.tags.get("np", each.subdomain_policy)
        )
