"""The one table of contracts: whose routes there are, and whose envelope a path gets when no route answers."""

from __future__ import annotations

from api import custom_email, domains_by_name, domains_service, email_domains, ses_setups
from api.envelopes import Contract

CONTRACTS: tuple[Contract, ...] = (
    custom_email.CONTRACT,
    email_domains.CONTRACT,
    # Before any other below /v1/: its words go first there.
    domains_by_name.CONTRACT,
    ses_setups.CONTRACT,
    domains_service.CONTRACT,
)


def contract_of(path: str) -> Contract | None:
    """The contract that speaks for this path, whether or not it has such a route."""
    return next((contract for contract in CONTRACTS if contract.speaks_for(path)), None)
