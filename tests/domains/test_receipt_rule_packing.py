"""Receipt rules are packed: few writes, never too many recipients, never an empty rule kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domains.receipt_rules import pack

PREFIX = "postern-x-"
names = st.sets(st.sampled_from([f"d{number}.example" for number in range(40)]))


@given(wanted=names, before=names, limit=st.integers(1, 7))
def test_every_wanted_name_is_in_exactly_one_rule_within_the_limit(
    wanted: set[str], before: set[str], limit: int
) -> None:
    current = pack(wanted=before, current={}, prefix=PREFIX, limit=limit)
    packed = pack(wanted=wanted, current=current, prefix=PREFIX, limit=limit)
    listed = [name for names in packed.values() for name in names]
    assert sorted(listed) == sorted(wanted)
    assert all(len(names) <= limit for names in packed.values())
    assert set(current) <= set(packed)


@given(wanted=names, limit=st.integers(1, 7))
def test_packing_what_is_packed_changes_nothing(wanted: set[str], limit: int) -> None:
    once = pack(wanted=wanted, current={}, prefix=PREFIX, limit=limit)
    assert pack(wanted=wanted, current=once, prefix=PREFIX, limit=limit) == once


def test_a_removed_name_rewrites_only_its_own_rule() -> None:
    wanted = [f"d{number}.example" for number in range(6)]
    once = pack(wanted=wanted, current={}, prefix=PREFIX, limit=2)
    again = pack(wanted=wanted[1:], current=once, prefix=PREFIX, limit=2)
    assert [rule for rule in once if once[rule] != again[rule]] == ["postern-x-001"]


def test_an_emptied_rule_is_named_for_deletion() -> None:
    assert pack(wanted=[], current={"postern-x-001": ("a.example",)}, prefix=PREFIX, limit=2) == {"postern-x-001": ()}
