"""The use cases of contract `ses_setups`: what a setup is used for; each is an inbox of the core."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import CREATE, DELETE, VIEW
from api.field_errors import Fields, InvalidFields, email_error
from api.schemas import ses_setups as schemas
from api.timestamps import seconds
from api.workspaces.manners import WorkspaceView
from channels.addresses import InvalidAddress
from channels.models import UseCase
from channels.setups import WrongSenderDomain, create_use_case, delete_use_case
from domains.installation import configuration_sets

CHANNELS = ("email",)
EMAIL_TYPES = tuple(UseCase.EmailType.values)
NAME = r"^[A-Za-z\- ]+$"
LONGEST_NAME = 31
SENDER = "sender_email_address"


class UseCaseList(WorkspaceView):
    permissions = {"GET": VIEW, "POST": CREATE}
    operations = {"GET": schemas.LIST_USE_CASES, "POST": schemas.CREATE_USE_CASE}

    def get(self, request: Request, workspace_id: str) -> HttpResponse:
        fields = Fields("query", self.query)
        rows = self.caller.use_cases()
        if "entity_name" in self.query:
            rows = rows.filter(entity_name=fields.text("entity_name"))
        if "channel" in self.query:
            fields.word("channel", CHANNELS)
        if "setup_id" in self.query:
            rows = rows.filter(setup__domain__uuid=fields.uuid("setup_id"))
        fields.check()
        sets = configuration_sets()
        return self.answer(200, {"items": [use_case_body(use_case, sets) for use_case in rows]})

    def post(self, request: Request, workspace_id: str) -> HttpResponse:
        fields = self.body_fields()
        fields.word("channel", CHANNELS)
        entity_name = fields.text("entity_name", shortest=1, longest=LONGEST_NAME, pattern=NAME)
        name = fields.text("name", shortest=1, longest=LONGEST_NAME, pattern=NAME)
        description = None
        if self.body.get("description") is not None:
            description = fields.text("description", longest=2000)
        setup_id = fields.uuid("setup_id")
        sender = fields.email(SENDER)
        email_type = fields.word("email_type", EMAIL_TYPES)
        fields.check()
        setup = self.caller.access_setup(setup_id)
        try:
            with self.refused_as({WrongSenderDomain: SENDER}):
                use_case = create_use_case(
                    setup=setup,
                    entity_name=entity_name,
                    name=name,
                    description=description,
                    sender=sender,
                    email_type=UseCase.EmailType(email_type),
                    actor=self.caller.actor,
                    now=self.caller.now,
                )
        except InvalidAddress as refusal:
            raise InvalidFields([email_error(["body", SENDER], refusal.message, sender)]) from refusal
        return self.answer(201, use_case_body(use_case, configuration_sets()))


class UseCaseDetail(WorkspaceView):
    permissions = {"DELETE": DELETE}
    operations = {"DELETE": schemas.DELETE_USE_CASE}

    def delete(self, request: Request, workspace_id: str, use_case_id: str) -> HttpResponse:
        use_case = self.caller.access_use_case(self.ids["use_case_id"])
        delete_use_case(use_case=use_case, actor=self.caller.actor, now=self.caller.now)
        return self.no_content()


def use_case_body(use_case: UseCase, configuration_sets: dict[str, str]) -> dict[str, object]:
    return {
        "id": str(use_case.uuid),
        "channel": "email",
        "entity_name": use_case.entity_name,
        "name": use_case.name,
        "description": use_case.description,
        "setup_id": str(use_case.setup.domain.uuid),
        "configuration_set_name": configuration_sets.get(use_case.setup.domain.region) or None,
        "sender_email_address": use_case.inbox.email,
        "email_type": use_case.email_type,
        "tier": None,
        "created_at": seconds(use_case.created_at),
        "updated_at": seconds(use_case.created_at),
    }


urlpatterns = [
    path("v1/<workspace:workspace_id>/use-cases", UseCaseList.as_view()),
    path("v1/<workspace:workspace_id>/use-cases/<str:use_case_id>", UseCaseDetail.as_view()),
]
