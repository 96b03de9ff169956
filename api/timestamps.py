"""Times as the contracts write them; they are written below, since webhooks tell them too."""

from __future__ import annotations

from accounts.timestamps import milliseconds, seconds, seconds_or_none

__all__ = ["milliseconds", "seconds", "seconds_or_none"]
