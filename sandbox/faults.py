"""Faults on demand, and the log of AWS calls."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.wire import AwsProblem

# "cut" closes the connection before the call has taken effect, "lose_answer" after.
KINDS = ("error", "delay", "lose_answer", "cut")
MOST_CALLS = 20_000
THROTTLED = frozenset({"Throttling", "TooManyRequestsException"})


@dataclass
class Fault:
    """`operation` is AWS's name or `*`; `seconds` is the delay, or how long the client waits for the end of a
    connection that is cut or whose answer is lost; `skip` calls go by first."""

    operation: str
    kind: str
    code: str = "InternalFailure"
    message: str = "A fault of the sandbox."
    status: int = 500
    seconds: float = 0.0
    times: int = 1
    skip: int = 0


@dataclass
class Faults:
    lock: threading.Lock = field(default_factory=threading.Lock)
    pending: list[Fault] = field(default_factory=list)
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_CALLS))
    is_throttling: bool = False
    last_control_call: dict[str, float] = field(default_factory=dict)

    def add(self, given: dict[str, Any]) -> Fault:
        fault = Fault(**given)
        if fault.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        if fault.times < 1:
            raise ValueError("times is 1 or more")
        if fault.code in THROTTLED and "status" not in given:
            fault.status = 429 if fault.code.startswith("TooMany") else 400
        elif "code" in given and "status" not in given:
            fault.status = 400
        with self.lock:
            self.pending.append(fault)
        return fault

    def clear(self) -> None:
        with self.lock:
            self.pending.clear()
            self.calls.clear()
            self.last_control_call.clear()

    def listed(self) -> list[dict[str, Any]]:
        with self.lock:
            return [asdict(fault) for fault in self.pending]

    def note(self, service: str, operation: str, region: str, parameters: Any, at: float, fault: str) -> dict[str, Any]:
        """Log the call; the entry that comes back gets its `status` when it is answered, and a `code` if refused."""
        call = {"service": service, "operation": operation, "region": region, "at": at, "parameters": parameters}
        if fault:
            call["fault"] = fault
        self.calls.append(call)
        return call

    def throttle(self, service: str, operation: str, region: str) -> None:
        """One control call a second an account and region, sends apart (SES quotas); raises AwsProblem."""
        if not self.is_throttling or operation.startswith("Send"):
            return
        with self.lock:
            now = time.monotonic()
            if now - self.last_control_call.get(region, -10.0) < 1.0:
                if service == "ses":
                    raise AwsProblem("Throttling", "Rate exceeded", 400)
                raise AwsProblem("TooManyRequestsException", "Too many requests", 429)
            self.last_control_call[region] = now

    def take(self, operation: str) -> Fault | None:
        """The next fault for this operation, counted down."""
        with self.lock:
            for fault in self.pending:
                if fault.operation not in (operation, "*"):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                else:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.pending.remove(fault)
                    return fault
        return None
