"""Public ids: a prefix that says the kind and 21 random characters of `[A-Za-z0-9_-]`."""

from __future__ import annotations

import secrets

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


def public_id(prefix: str) -> str:
    """`prefix_` + 21 characters, 126 bits: unguessable, so that an id in a URL says nothing about its neighbours."""
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(21))


def organization_id() -> str:
    return public_id("org")
