"""The home API's challenges: claim a name that another organization has proved."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import CREATE, VIEW
from api.home.manners import HomeView
from api.idempotency import once
from api.pagination import Position, limit_of, read_cursor, write_cursor
from api.schemas import home_challenges as schemas
from api.timestamps import seconds_or_none
from domains.challenges import challenge_record, decides_at, open_challenge, visible_challenges
from domains.models import Challenge


class ChallengeList(HomeView):
    permissions = {"GET": VIEW, "POST": CREATE}
    operations = {"GET": schemas.LIST_CHALLENGES, "POST": schemas.OPEN_CHALLENGE}

    def get(self, request: Request) -> HttpResponse:
        limit = limit_of(self.query)
        only = self.caller.only_domain
        list_name = f"challenges:{self.caller.organization.pk}:{only}"
        after = read_cursor(self.query.get("cursor"), list_name=list_name)
        rows = visible_challenges(organization=self.caller.organization)
        if only:
            rows = rows.filter(name=only)
        if after is not None:
            rows = rows.filter(created_at__lte=after.at).exclude(created_at=after.at, pk__gte=after.pk)
        page = list(rows.order_by("-created_at", "-pk")[: limit + 1])
        has_more, page = len(page) > limit, page[:limit]
        cursor = write_cursor(Position(page[-1].created_at, page[-1].pk), list_name=list_name) if has_more else None
        return self.answer(200, {"challenges": [challenge_body(each) for each in page], "nextCursor": cursor})

    @once
    def post(self, request: Request) -> HttpResponse:
        name = self.body.get("domain")
        self.caller.demand_name(name)
        challenge = open_challenge(
            organization=self.caller.organization, name=name, actor=self.caller.actor, now=self.caller.now
        )
        return self.answer(201, challenge_body(challenge))


def challenge_body(challenge: Challenge) -> dict[str, object]:
    record = challenge_record(challenge)
    return {
        "id": challenge.public_id,
        "domain": challenge.name,
        "record": {"type": record.type, "name": record.name, "value": record.value},
        "status": challenge.status,
        "decidesAt": seconds_or_none(decides_at(challenge)),
    }


urlpatterns = [path("api/email/challenges", ChallengeList.as_view())]
