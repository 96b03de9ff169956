"""How many requests a key may make: one counter a key and window, in the shared cache."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass

from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

RATE = re.compile(r"([0-9]{1,9})/(s|sec|m|min|h|hour)")
SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600}
# Where the shared cache is away, each process counts for itself: the limit is then too generous, never too strict.
_own_counters = LocMemCache("api-rate-limit", {"OPTIONS": {"MAX_ENTRIES": 10_000}})


@dataclass(frozen=True)
class Allowance:
    """What is left of a key's window after this request; `seconds_left` until the next one begins."""

    limit: int
    window_seconds: int
    used: int
    seconds_left: int
    resets_at: int

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        """The customary X-RateLimit-* (reset as Unix time) and draft-ietf-httpapi-ratelimit-headers-10."""
        remaining = max(0, self.limit - self.used)
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(self.resets_at),
            "RateLimit-Policy": f'"key";q={self.limit};w={self.window_seconds}',
            "RateLimit": f'"key";r={remaining};t={self.seconds_left}',
        }


def parse_rate(text: str) -> tuple[int, int]:
    """`600/min` as (600, 60 seconds); raises ValueError."""
    found = RATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"API_RATE_LIMIT must look like 600/min, not {text!r}")
    return int(found.group(1)), SECONDS[found.group(2)]


def spend(*, key_id: int, rate: str, at: float | None = None) -> Allowance:
    """Count one request of this key; `at` is Unix time."""
    limit, window_seconds = parse_rate(rate)
    at = time.time() if at is None else at
    window = int(at // window_seconds)
    resets_at = (window + 1) * window_seconds
    counter = f"api-rate:{key_id}:{window_seconds}:{window}"
    try:
        used = _increment(cache, counter, window_seconds)
    except (OSError, RedisError) as error:
        logger.warning("the shared cache is away, requests are counted in this process: %s", error)
        used = _increment(_own_counters, counter, window_seconds)
    return Allowance(
        limit=limit,
        window_seconds=window_seconds,
        used=used,
        seconds_left=max(1, int(resets_at - at + 0.999)),
        resets_at=resets_at,
    )


def _increment(store: BaseCache, counter: str, window_seconds: int) -> int:
    if store.add(counter, 1, timeout=window_seconds * 2):
        return 1
    try:
        return store.incr(counter)
    except ValueError:
        # Evicted between the two calls.
        store.set(counter, 1, timeout=window_seconds * 2)
        return 1
