"""One record's fault stays with that record: what DNS serves must not keep the others from being judged."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Told = TypeVar("Told")
Fallback = TypeVar("Fallback")

logger = logging.getLogger(__name__)


class OrElse(Generic[Fallback]):
    """Where the function raises, log that and answer with `fallback`, which must not be taken for "right"."""

    def __init__(self, fallback: Fallback) -> None:
        self.fallback = fallback

    def __call__(self, function: Callable[Asked, Told]) -> Callable[Asked, Told | Fallback]:
        fallback = self.fallback

        @functools.wraps(function)
        def told(*args: Asked.args, **kwargs: Asked.kwargs) -> Told | Fallback:
            try:
                return function(*args, **kwargs)
            except Exception:
                logger.exception("%s failed on what DNS serves: %r", function.__name__, args[:1])
                return fallback

        return told
