"""Secrets that we must be able to read again, encrypted at rest; a password or an API key is hashed instead."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def _derived(secret_key: str) -> bytes:
    """The Fernet key of an installation that names none: from SECRET_KEY, apart from its other uses."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"postern.encryption:{secret_key}".encode()).digest())


def _fernet() -> MultiFernet:
    """The first key encrypts, all decrypt: a new key goes in front, the old one goes once nothing needs it."""
    derived = [_derived(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    named: tuple[str | bytes, ...] = settings.ENCRYPTION_KEYS
    return MultiFernet([Fernet(key) for key in (*named, *derived)])


def encrypt(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text; raises cryptography's InvalidToken where none of the keys made it."""
    return _fernet().decrypt(token.encode()).decode()
