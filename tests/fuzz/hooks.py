"""What schemathesis must not do: take everything away, and ask for all things under one name."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import schemathesis

KEY = "Idempotency-Key"
# The first thing of each kind, and the key that asks.
KEPT = frozenset(os.environ["FUZZ_KEPT"].split(","))


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leave something to the calls that come after one that deletes."""
    if case.method == "DELETE" or case.operation.path.startswith(("/domains/Remove", "/channels/email/disconnect")):
        body = case.body if isinstance(case.body, dict) else {}
        return KEPT.isdisjoint(map(str, [*(case.path_parameters or {}).values(), *body.values()]))
    return True


@schemathesis.hook
def map_case(context: Any, case: Any) -> Any:
    """Give most requests an Idempotency-Key of their own: one for all would answer everything with *used before*."""
    if case.headers and KEY in case.headers:
        digest = hashlib.sha256(repr(case.body).encode("utf-8", "backslashreplace")).hexdigest()
        if int(digest[0], 16) >= 4:
            case.headers[KEY] = f"{case.headers[KEY]}{digest}"[-200:]
    return case


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """A request line that is longer than any that the document allows is the web server's to refuse."""
    return bool(response.status_code != 414)
