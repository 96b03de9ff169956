"""What is asked first where a zone has too many servers to ask all for all."""

from __future__ import annotations

import pytest

from domains.dns.asking_order import Question, Weight, at_least, in_order

PROOF = ("_amazonses.acme.example", "TXT")
MX = ("acme.example", "MX")
SPF = ("acme.example", "TXT")
DMARC = ("_dmarc.acme.example", "TXT")
KEYS = [(f"k{number}._domainkey.acme.example", "CNAME") for number in range(3)]
ALL = [PROOF, MX, SPF, DMARC, *KEYS]
WEIGHTS = {PROOF: Weight.DECIDES, MX: Weight.NEEDED, **dict.fromkeys(KEYS, Weight.NEEDED)}


def servers(count: int) -> dict[Question, int]:
    return dict.fromkeys(ALL, count)


@pytest.mark.parametrize("count", [0, 1, 3, 8])
def test_in_the_end_everything_is_asked_once(count: int) -> None:
    asks = [(ask.question, ask.server) for ask in in_order(servers(count), WEIGHTS, turn=5)]
    assert len(asks) == len(set(asks))
    assert set(asks) == {(question, server) for question in ALL for server in [None, *range(count)]}


@pytest.mark.parametrize("turn", range(8))
def test_what_must_be_asked_is_the_proof_at_all_servers_and_each_record_at_one(turn: int) -> None:
    order = in_order(servers(8), WEIGHTS, turn=turn)
    first = [(ask.question, ask.server) for ask in order[: at_least(order)]]
    assert sorted(first[:8]) == [(PROOF, server) for server in range(8)]
    assert sorted(question for question, _ in first[8:]) == sorted(set(ALL) - {PROOF})


@pytest.mark.parametrize("turn", range(8))
def test_two_servers_for_each_record_leave_none_of_eight_out(turn: int) -> None:
    records = [ask for ask in in_order(servers(8), WEIGHTS, turn=turn) if ask.question != PROOF and not ask.is_public]
    assert {ask.server for ask in records[:12]} == set(range(8))


def test_the_caches_view_of_one_dkim_name_tells_that_of_the_others() -> None:
    order = in_order(servers(4), WEIGHTS, turn=0)
    public = [ask.question for ask in order if ask.is_public]
    assert public[0] == PROOF
    assert public[-2:] == KEYS[1:]
    # Before them, every record is asked for at every server.
    assert [ask.is_public for ask in order[-2:]] == [True, True]
