"""Django's Redis cache, for a Redis that may be away: then each process counts for itself and no request fails."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

QUIET_SECONDS = 5.0


class SparingRedisCache(RedisCache):
    """What is kept here may be lost: rate limits and the like. After a failure Redis is left alone for 5 s."""

    _away_until = 0.0  # on the class: Django makes one instance a thread

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache("while-redis-is-away", {})

    def _either(self, operation: str, *args: Any, **named: Any) -> Any:
        if time.monotonic() >= SparingRedisCache._away_until:
            try:
                return getattr(super(), operation)(*args, **named)
            except (OSError, RedisError) as error:
                SparingRedisCache._away_until = time.monotonic() + QUIET_SECONDS
                logger.warning("the shared cache is away, this process remembers for itself: %s", error)
        return getattr(self._own, operation)(*args, **named)

    def add(self, *args: Any, **named: Any) -> Any:
        return self._either("add", *args, **named)

    def get(self, *args: Any, **named: Any) -> Any:
        return self._either("get", *args, **named)

    def set(self, *args: Any, **named: Any) -> Any:
        return self._either("set", *args, **named)

    def touch(self, *args: Any, **named: Any) -> Any:
        return self._either("touch", *args, **named)

    def delete(self, *args: Any, **named: Any) -> Any:
        return self._either("delete", *args, **named)

    def get_many(self, *args: Any, **named: Any) -> Any:
        return self._either("get_many", *args, **named)

    def has_key(self, *args: Any, **named: Any) -> Any:
        return self._either("has_key", *args, **named)

    def incr(self, *args: Any, **named: Any) -> Any:
        return self._either("incr", *args, **named)

    def set_many(self, *args: Any, **named: Any) -> Any:
        return self._either("set_many", *args, **named)

    def delete_many(self, *args: Any, **named: Any) -> Any:
        return self._either("delete_many", *args, **named)

    def clear(self) -> Any:
        return self._either("clear")
