"""SESv2: one door to identities, and to sending with its tenants and configuration sets."""

from __future__ import annotations

from typing import Any

from sandbox.email_identities import EmailIdentities
from sandbox.identities import Identities
from sandbox.sender import Sender
from sandbox.sending import Sending
from sandbox.state import State
from sandbox.wire import AwsProblem


class SesV2(EmailIdentities, Sending):
    """`call(operation, region, parameters)` answers as SESv2 would, or raises AwsProblem."""

    def __init__(self, state: State, identities: Identities, sender: Sender, check_seconds: float) -> None:
        self.state, self.identities, self.sender = state, identities, sender
        self.check_seconds = check_seconds

    def call(self, operation: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        method = getattr(self, operation, None)
        if method is None:
            raise AwsProblem("UnknownOperationException", f"{operation} is not in the sandbox.", 404)
        with self.state.lock:
            result: dict[str, Any] = method(region, **parameters) or {}
            self.state.changed()
            return result
