"""Bare arrays that stay bounded: newest first, and a Link header (RFC 8288) where there is more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from api.envelopes import path_of
from api.pagination import Position, read_cursor, whole_number, write_cursor

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, and the cursor of those after them; None at the end."""

    rows: list[Row]
    next_cursor: str | None

    def announce(self, response: HttpResponse, request: HttpRequest) -> HttpResponse:
        """Name the address of the next page in a header: the body has no place for it."""
        if self.next_cursor is not None:
            again = urlencode({**request.GET.dict(), "cursor": self.next_cursor})
            response["Link"] = f'<{path_of(request)}?{again}>; rel="next"'
        return response


def newest(
    rows: QuerySet[Row],
    *,
    by: str,
    query: Mapping[str, str],
    list_name: str,
    most: int,
    weight: Callable[[Row], int] | None = None,
    heaviest: int = 0,
) -> Page[Row]:
    """The page that `limit` and `cursor` of the query ask for; without them the `most` newest.

    With `weight` it ends before the sum exceeds `heaviest`, but holds one row at least. Raises Problem.
    """
    limit = whole_number(query, "limit", default=most, lowest=1, highest=most)
    after = read_cursor(query.get("cursor"), list_name=list_name)
    if after is not None:
        rows = rows.filter(**{f"{by}__lte": after.at}).exclude(**{by: after.at, "pk__gte": after.pk})
    found = list(rows.order_by(f"-{by}", "-pk")[: limit + 1])
    page = found[:limit]
    if weight is not None:
        total = 0
        for index, row in enumerate(page):
            total += weight(row)
            if index and total > heaviest:
                page = page[:index]
                break
    if len(page) == len(found):
        return Page(page, None)
    at: datetime = getattr(page[-1], by)
    return Page(page, write_cursor(Position(at, page[-1].pk), list_name=list_name))
