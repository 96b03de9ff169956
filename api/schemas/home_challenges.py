"""What the home API takes and answers about challenges: a name that another organization has proved."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from api.json_schema import Facets
from api.operations import Operation
from api.schemas.scalars import Cursor, DomainName, Limit, NextCursor, PublicId, Seconds, WantedName
from domains.challenges import ChallengeExists, NothingToChallenge, TooManyChallenges
from domains.names import InvalidDomainName


class ChallengeRecord(TypedDict):
    """What shows the name to be yours while it stands in DNS."""

    type: Literal["TXT"]
    name: str
    value: Annotated[str, Facets(pattern="^postern-verify=")]


class Challenge(TypedDict):
    """`decidesAt` is when the name moves if all stays as it is; null while the time does not run."""

    id: Annotated[str, Facets(pattern=PublicId.format("chl"))]
    domain: DomainName
    record: ChallengeRecord
    status: Literal["open", "won", "lost", "withdrawn"]
    decidesAt: Seconds | None


class ChallengePage(TypedDict):
    challenges: list[Challenge]
    nextCursor: NextCursor


class ChallengeQuery(TypedDict):
    limit: NotRequired[Limit]
    cursor: NotRequired[Cursor]


class WantedChallenge(TypedDict):
    domain: WantedName


LIST_CHALLENGES = Operation(
    "listChallenges", "List the challenges, the newest first", {200: ChallengePage}, query=ChallengeQuery
)
OPEN_CHALLENGE = Operation(
    "createChallenge",
    "Claim a name that another organization has proved, and get the record to publish",
    {201: Challenge},
    body=WantedChallenge,
    refusals=(InvalidDomainName("empty"), NothingToChallenge, ChallengeExists, TooManyChallenges),
)
