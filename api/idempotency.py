"""Idempotency-Key: a creating request that is sent again is answered again, and creates once.

After draft-ietf-httpapi-idempotency-key-header: a key belongs to the API key that sent it and to the route, for 24 h.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from accounts.encryption import decrypt, encrypt
from accounts.errors import Refusal
from api.authentication import Caller
from api.base import ContractView
from api.envelopes import Kind, Problem
from api.models import IdempotencyKey

logger = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
LIFETIME = timedelta(hours=24)
# Longer than any request lasts: two that carry one key never run side by side.
LEASE = timedelta(seconds=60)

View = TypeVar("View", bound=ContractView)
Path = ParamSpec("Path")
Create = Callable[Concatenate[View, Request, Path], HttpResponse]


class KeyInFlight(Refusal):
    """The first request with this key has no answer yet."""

    code = "idempotency_key_in_flight"
    default_message = "A request with this Idempotency-Key is under way; ask again in a moment"


class KeyReused(Refusal):
    """The key came before, with another body."""

    code = "idempotency_key_reused"
    default_message = "This Idempotency-Key was used with another body"


def once(create: Create[View, Path]) -> Create[View, Path]:
    """A view's method that creates something, made to do so once for each Idempotency-Key.

    Kept are good answers and refusals alike; after a 429 or a 5xx the request runs again. A process that dies under
    way leaves a key that is free when its lease ends.
    """

    @wraps(create)
    def create_once(view: View, request: Request, /, *args: Path.args, **path: Path.kwargs) -> HttpResponse:
        key = key_of(request._request)
        if key is None:
            return create(view, request, *args, **path)
        row = begin(caller=view.caller, route=request._request.path, key=key, body_hash=hash_of(view.body))
        if row.status is not None:
            return replay(row)
        try:
            response = create(view, request, *args, **path)
        except Exception as error:  # noqa: BLE001 - the view would answer it in the same way one step later
            response = view.handle_exception(error)
        settle(row, response)
        return response

    create_once.is_once = True  # type: ignore[attr-defined]
    return create_once


def is_once(method: object) -> bool:
    return getattr(method, "is_once", False)


def key_of(request: HttpRequest) -> str | None:
    """The key as it was sent; raises Problem for one that is no key."""
    text = request.headers.get(HEADER)
    if text is not None and not KEY.fullmatch(text):
        raise Problem(Kind.INVALID_FIELD, f"{HEADER} must be 1 to 255 printable ASCII characters", field=HEADER)
    return text


def hash_of(body: Mapping[str, object]) -> str:
    """The same for bodies that say the same in another order or spacing."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def begin(*, caller: Caller, route: str, key: str, body_hash: str) -> IdempotencyKey:
    """The row of this request: ours to settle, or with the answer of the first one.

    Raises KeyInFlight, KeyReused.
    """
    now = caller.now
    names = {"api_key": caller.api_key, "route": route, "key": key}
    # What ran out is not there, whether or not it has been forgotten yet.
    IdempotencyKey.objects.filter(**names, created_at__lte=now - LIFETIME).delete()
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(**names, body_hash=body_hash, created_at=now, leased_until=now + LEASE)
    except IntegrityError:
        # The constraint decides between two at the same moment.
        row = IdempotencyKey.objects.filter(**names).first()
    if row is None:
        # Let go of between the two statements, after a failure: the next try has it.
        raise KeyInFlight
    if row.body_hash != body_hash:
        raise KeyReused
    return row if row.status is not None else _take_over(row, now=now)


def _take_over(row: IdempotencyKey, *, now: datetime) -> IdempotencyKey:
    """The row of a request that died under way; raises KeyInFlight while it may still be answered."""
    abandoned = IdempotencyKey.objects.filter(pk=row.pk, leased_until=row.leased_until, leased_until__lte=now)
    if not abandoned.update(leased_until=now + LEASE):
        raise KeyInFlight
    row.leased_until = now + LEASE
    return row


def settle(row: IdempotencyKey, response: HttpResponse) -> None:
    """Keep the answer, or free the key where trying again may end otherwise."""
    ours = IdempotencyKey.objects.filter(pk=row.pk, leased_until=row.leased_until)
    if response.status_code == 429 or response.status_code >= 500:
        settled, _ = ours.delete()
    else:
        settled = ours.update(
            status=response.status_code, answer_encrypted=encrypt(response.content.decode()), leased_until=None
        )
    if not settled:
        logger.warning("the request outlived its lease: %s %s", row.route, row.pk)


def replay(row: IdempotencyKey) -> HttpResponse:
    response = HttpResponse(decrypt(row.answer_encrypted), content_type="application/json", status=row.status or 200)
    response[REPLAYED] = "true"
    return response


def forget_old(*, now: datetime) -> int:
    """Delete what is older than its lifetime; how many."""
    count, _ = IdempotencyKey.objects.filter(created_at__lte=now - LIFETIME).delete()
    return count
