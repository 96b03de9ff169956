"""The contracts' documents: OpenAPI for programs, and the same as a page of plain HTML for people."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from api.contracts import CONTRACTS
from api.envelopes import Answer, respond
from api.errors import unknown_path
from api.json_schema import JsonSchema
from api.openapi import document_of
from api.reference import Reference, reference_of

BY_NAME = {contract.name: contract for contract in CONTRACTS}


def document(name: str) -> JsonSchema:
    """Made once; raises KeyError for a contract that is none."""
    return _document(name, settings.C4_JSON_CASE)


@cache
def _document(name: str, case: str) -> JsonSchema:
    return document_of(BY_NAME[name])


@cache
def _reference(name: str, case: str) -> Reference:
    return reference_of(_document(name, case))


@require_safe
def read_document(request: HttpRequest, name: str) -> HttpResponse:
    if name not in BY_NAME:
        return unknown_path(request)
    response = respond(Answer(200, document(name)))
    # It tells nothing of anybody: a generator of clients in a browser may read it from anywhere.
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = "public, max-age=300"
    return response


@require_safe
def read_page(request: HttpRequest, name: str) -> HttpResponse:
    if name not in BY_NAME:
        return unknown_path(request)
    reference = _reference(name, settings.C4_JSON_CASE)
    return render(request, "api/contract.html", {"name": name, "reference": reference, "names": list(BY_NAME)})


@require_safe
def list_documents(request: HttpRequest) -> HttpResponse:
    manuals = [(name, contract.manual) for name, contract in BY_NAME.items()]
    return render(request, "api/contracts.html", {"manuals": manuals})


urlpatterns = [
    path("api/schema", list_documents, name="api_schema"),
    path("api/schema/", list_documents),
    path("api/schema/<str:name>.json", read_document, name="api_schema_document"),
    path("api/schema/<str:name>", read_page, name="api_schema_page"),
]
