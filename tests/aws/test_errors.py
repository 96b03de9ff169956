"""What botocore raises becomes one of three answers: refused, unavailable, timed out."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    FlexibleChecksumError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from aws.errors import AwsError, AwsRefused, AwsTimedOut, AwsUnavailable, translate

URL = "http://127.0.0.1:1"
HTML_404 = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>"
HTML_500 = "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>"
HTML_502 = "<html><head><title>502 Bad Gateway</title></head></html>"


def client_error(code: str, status: int, operation: str = "CreateEmailIdentity", message: str = "") -> AwsError:
    response: dict[str, Any] = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return translate(operation, ClientError(response, operation))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Throttling", 400),
        ("TooManyRequestsException", 429),
        ("ConcurrentModificationException", 500),
        ("ConcurrentModification", 400),
        ("SlowDown", 503),
        ("PriorRequestNotComplete", 400),
        ("Anything", 429),
    ],
)
def test_throttling_is_unavailable_and_certainly_did_nothing(code: str, status: int) -> None:
    error = client_error(code, status)
    assert isinstance(error, AwsUnavailable)
    assert error.is_throttled
    assert not error.is_outcome_unknown


@pytest.mark.parametrize(("code", "status"), [("InternalFailure", 500), ("ServiceUnavailable", 503), ("502", 502)])
def test_a_5xx_is_unavailable_and_may_have_taken_effect(code: str, status: int) -> None:
    error = client_error(code, status)
    assert isinstance(error, AwsUnavailable)
    assert error.is_outcome_unknown


@pytest.mark.parametrize(
    ("code", "property_name"),
    [
        ("LimitExceededException", "is_limit"),
        ("LimitExceeded", "is_limit"),
        ("NotFoundException", "is_not_found"),
        ("RuleDoesNotExist", "is_not_found"),
        ("NoSuchKey", "is_not_found"),
        ("AlreadyExistsException", "is_already_exists"),
        ("AlreadyExists", "is_already_exists"),
        ("BucketAlreadyOwnedByYou", "is_already_exists"),
        ("AccessDenied", "is_access_denied"),
        ("ExpiredTokenException", "is_access_denied"),
        ("InvalidAction", "is_unsupported"),
    ],
)
def test_a_refusal_says_its_one_kind(code: str, property_name: str) -> None:
    error = client_error(code, 400)
    assert isinstance(error, AwsRefused)
    kinds = ["is_limit", "is_not_found", "is_already_exists", "is_access_denied", "is_unsupported"]
    assert [kind for kind in kinds if getattr(error, kind)] == [property_name]


def test_a_strangers_bucket_does_not_count_as_existing() -> None:
    error = client_error("BucketAlreadyExists", 409, "CreateBucket")
    assert isinstance(error, AwsRefused)
    assert not error.is_already_exists


def test_a_bare_404_of_s3_is_not_found() -> None:
    error = client_error("404", 404, "HeadObject", "Not Found")
    assert isinstance(error, AwsRefused)
    assert error.is_not_found


@pytest.mark.parametrize(("code", "status", "page"), [("404", 404, HTML_404), ("500", 500, HTML_500)])
def test_an_emulators_html_page_is_an_unsupported_operation(code: str, status: int, page: str) -> None:
    error = client_error(code, status, "CreateTenant", page)
    assert isinstance(error, AwsRefused)
    assert error.is_unsupported
    assert not error.is_not_found


@pytest.mark.parametrize("page", [HTML_404, HTML_500])
def test_an_html_page_that_the_xml_parser_chokes_on_is_an_unsupported_operation(page: str) -> None:
    parser_error = ResponseParserError(f"Unable to parse response, invalid XML received. Further retries:\n{page!r}")
    error = translate("DeleteReceiptRule", parser_error)
    assert isinstance(error, AwsRefused)
    assert error.is_unsupported


def test_a_gateways_html_page_is_unavailable() -> None:
    error = translate("VerifyDomainIdentity", ResponseParserError(f"Unable to parse: {HTML_502!r}"))
    assert isinstance(error, AwsUnavailable)


def test_an_unreadable_answer_that_is_no_page_is_unavailable() -> None:
    error = translate("VerifyDomainIdentity", ResponseParserError("Unable to parse: b'<Resp'"))
    assert isinstance(error, AwsUnavailable)


def test_a_read_timeout_leaves_the_outcome_open() -> None:
    error = translate("CreateEmailIdentity", ReadTimeoutError(endpoint_url=URL))
    assert isinstance(error, AwsTimedOut)
    assert error.is_outcome_unknown


def test_a_connect_timeout_did_nothing() -> None:
    error = translate("CreateEmailIdentity", ConnectTimeoutError(endpoint_url=URL))
    assert isinstance(error, AwsTimedOut)
    assert not error.is_outcome_unknown


def test_a_refused_connection_is_unavailable_and_did_nothing() -> None:
    error = translate("CreateEmailIdentity", EndpointConnectionError(endpoint_url=URL))
    assert isinstance(error, AwsUnavailable)
    assert not isinstance(error, AwsTimedOut)
    assert not error.is_outcome_unknown


def test_a_lost_connection_leaves_the_outcome_open() -> None:
    error = translate("CreateEmailIdentity", ConnectionClosedError(endpoint_url=URL))
    assert isinstance(error, AwsUnavailable)
    assert error.is_outcome_unknown


def test_a_wrong_checksum_is_unavailable() -> None:
    assert isinstance(translate("GetObject", FlexibleChecksumError(error_msg="differs")), AwsUnavailable)


def test_missing_credentials_are_a_matter_of_access() -> None:
    error = translate("GetCallerIdentity", NoCredentialsError())
    assert isinstance(error, AwsRefused)
    assert error.is_access_denied


def test_a_request_that_botocore_itself_refuses_is_refused() -> None:
    error = translate("CreateTenant", ParamValidationError(report="TenantName too long"))
    assert isinstance(error, AwsRefused)
    assert error.code == "ParamValidationError"


def test_an_error_keeps_awss_words_and_survives_pickling() -> None:
    error = client_error("LimitExceededException", 400, message="10000 identities")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is AwsRefused
    assert (again.operation, again.code, again.message) == (
        "CreateEmailIdentity",
        "LimitExceededException",
        "10000 identities",
    )
