"""How this installation knows its own things in the AWS account again: by tag, and where AWS has no tags by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.conf import settings

INSTALLATION_TAG = "postern-installation"


def our_tags() -> list[dict[str, str]]:
    """The tags that we put on what we make, in AWS's form."""
    return [{"Key": INSTALLATION_TAG, "Value": settings.INSTALLATION_ID}]


def has_our_tag(tags: Sequence[Mapping[str, str]] | None) -> bool:
    """Whether a list of AWS tags names this installation."""
    return any(
        tag.get("Key") == INSTALLATION_TAG and tag.get("Value") == settings.INSTALLATION_ID for tag in tags or ()
    )


def our_name_prefix() -> str:
    """What the names of our receipt rules begin with: `postern-<installation>-`."""
    return f"postern-{settings.INSTALLATION_ID}-"
