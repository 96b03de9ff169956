"""How people come in: by invitation or by staff, never by signing themselves up."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Closes allauth's open sign-up, and heads its mails with the product's name."""

    def format_email_subject(self, subject: str) -> str:
        return f"Postern: {subject}"

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
