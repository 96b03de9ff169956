"""Work that several wait for, done once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Once:
    """The results of one look, by what was asked; who asks for the same while it is under way waits for that."""

    def __init__(self) -> None:
        self._futures: dict[tuple[str, ...], asyncio.Future[Any]] = {}

    async def __call__(self, key: tuple[str, ...], start: Callable[[], Awaitable[T]]) -> T:
        future: asyncio.Future[T] | None = self._futures.get(key)
        if future is None:
            future = self._futures[key] = asyncio.ensure_future(start())
        # Who gives up waiting does not take the result from the others.
        return await asyncio.shield(future)
