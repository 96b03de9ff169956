"""What all admin pages share: rows that staff look at but only verbs change, and who staff are in a history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

Column = TypeVar("Column", bound=Callable[..., object])


def column(
    description: str, *, ordering: str | None = None, colours: dict[str, str] | None = None
) -> Callable[[Column], Column]:
    """A computed column of a list; with `colours` (value -> unfold's colour word) it is shown as a chip."""
    decorate: Callable[[Column], Column] = display(description=description, ordering=ordering, label=colours)
    return decorate


def staff_actor(request: HttpRequest) -> str:
    """The actor in events and audit lines for what a member of staff does."""
    return f"staff {request.user}"


class StaffAdmin(ModelAdmin):  # type: ignore[misc]
    """A page of rows that staff fill in by hand."""

    list_per_page = 50
    show_full_result_count = False


class LookOnlyAdmin(StaffAdmin):
    """Rows to search, filter and read. Nothing is edited by hand: state moves by verbs, which keep the history."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may run this page's actions: staff with Django's change permission on the model."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}"))


class StaffInline(TabularInline):  # type: ignore[misc]
    """Rows of another table under their owner."""

    extra = 0


class LookOnlyInline(StaffInline):
    """Rows of another table under their owner, to read."""

    can_delete = False
    hide_title = True
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:
        return list(self.fields or ())

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
