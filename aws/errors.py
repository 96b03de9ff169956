"""What AWS said when it did not do as asked: refused for good, unavailable for now, or silent (no Django, no boto3)."""

from __future__ import annotations

import re
from typing import Any

_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TooManyRequests",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "SlowDown",
        "429",
    }
)
_BUSY = frozenset({"ConcurrentModification", "ConcurrentModificationException", "OperationAborted"})
_PASSING = frozenset({"RequestTimeout", "RequestTimeoutException", "InternalFailure", "InternalServiceError"})
_LIMIT = frozenset(
    {"LimitExceeded", "LimitExceededException", "TopicLimitExceeded", "SubscriptionLimitExceeded", "TooManyBuckets"}
)
_NOT_FOUND = frozenset(
    {
        "NotFound",
        "NotFoundException",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchHostedZone",
        "NoSuchKey",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "RuleDoesNotExist",
        "RuleDoesNotExistException",
        "RuleSetDoesNotExist",
        "RuleSetDoesNotExistException",
    }
)
# Not BucketAlreadyExists: that bucket belongs to a stranger.
_ALREADY_EXISTS = frozenset({"AlreadyExists", "AlreadyExistsException", "BucketAlreadyOwnedByYou"})
_INVALID = frozenset({"BadRequest", "BadRequestException"})
_ACCESS_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "NoCredentials",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_UNSUPPORTED = frozenset(
    {"InvalidAction", "NotImplemented", "UnknownOperationException", "UnsupportedOperation", "NotImplementedByServer"}
)
# S3 answers a HEAD without a body, so all that is left of "no such key" is the bare status.
_BARE_STATUS_OPERATIONS = frozenset({"HeadObject", "HeadBucket", "GetObject", "CopyObject", "DeleteObject"})
_BARE_CODES = {"404": "NotFound", "403": "AccessDenied"}
_HTML_STATUS = re.compile(r"<title>\s*(\d{3})\b", re.IGNORECASE)
_HTML_MEANS_UNSUPPORTED = frozenset({404, 405, 500, 501})
_LONGEST_MESSAGE = 500


class AwsError(Exception):
    """AWS did not do what was asked. `operation` and `code` are AWS's own words, `message` is for people."""

    def __init__(self, *, operation: str, code: str, message: str) -> None:
        self.operation = operation
        self.code = code
        self.message = message[:_LONGEST_MESSAGE]
        super().__init__(operation, code, self.message)

    def __str__(self) -> str:
        return f"{self.operation}: {self.code}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_revive, (type(self), self.operation, self.code, self.message))


class AwsRefused(AwsError):
    """A permanent no: the same question gets the same answer until something else changes."""

    @property
    def is_limit(self) -> bool:
        """A quota of the account is used up."""
        return self.code in _LIMIT

    @property
    def is_not_found(self) -> bool:
        return self.code in _NOT_FOUND

    @property
    def is_already_exists(self) -> bool:
        return self.code in _ALREADY_EXISTS

    @property
    def is_invalid(self) -> bool:
        """AWS does not take a parameter for what it should be."""
        return self.code in _INVALID

    @property
    def is_access_denied(self) -> bool:
        """Our credentials, their permissions or our clock are wrong: nothing about the thing asked for."""
        return self.code in _ACCESS_DENIED

    @property
    def is_unsupported(self) -> bool:
        """The endpoint (an emulator, or a region without the feature) does not know the operation."""
        return self.code in _UNSUPPORTED


class AwsUnavailable(AwsError):
    """A passing trouble: throttled, a 5xx, unreachable, or an answer that makes no sense."""

    @property
    def is_throttled(self) -> bool:
        """AWS turned the call away without doing anything, because of how many there are."""
        return self.code in _THROTTLED or self.code in _BUSY

    @property
    def is_outcome_unknown(self) -> bool:
        """The call may have taken effect although the answer is lost."""
        return not self.is_throttled and self.code not in {"Unreachable", "OutOfTime"}


class AwsTimedOut(AwsUnavailable):
    """No answer in time: AWS's silence, or the end of the caller's own patience."""

    @property
    def is_out_of_time(self) -> bool:
        """The caller's patience ended while AWS, or we for it, turned calls away: it was not silent."""
        return self.code == "OutOfTime"


def _revive(kind: type[AwsError], operation: str, code: str, message: str) -> AwsError:
    return kind(operation=operation, code=code, message=message)


def out_of_time(operation: str, last: AwsError | None = None) -> AwsTimedOut:
    """The caller's deadline passed before the call could be made; `last` is why it had to wait."""
    message = "The deadline passed before AWS could be asked." if last is None else f"Gave up waiting after: {last}"
    return AwsTimedOut(operation=operation, code="OutOfTime", message=message)


def translate(operation: str, exception: BaseException) -> AwsError:
    """Say in our words what botocore raised (pure; reads `exception.response` where there is one).

    The classes of botocore are told by name along the MRO, so that this module needs no import of it.
    An HTML page in place of an answer is how emulators say that they lack the operation: refused, `is_unsupported`.
    """
    if isinstance(exception, AwsError):
        return exception
    response = getattr(exception, "response", None)
    if isinstance(response, dict):
        return _from_response(operation, response)
    names = {kind.__name__ for kind in type(exception).__mro__}
    message = str(exception) or type(exception).__name__
    if "ResponseParserError" in names:
        return _from_page(operation, message) or _unavailable(operation, "UnreadableAnswer", message)
    if names & {"ConnectTimeoutError", "ConnectTimeout"}:
        return AwsTimedOut(operation=operation, code="Unreachable", message=message)
    if names & {"ReadTimeoutError", "ReadTimeout", "TimeoutError"}:
        return AwsTimedOut(operation=operation, code="ReadTimeout", message=message)
    if names & {"EndpointConnectionError", "ProxyConnectionError", "SSLError"}:
        return _unavailable(operation, "Unreachable", message)
    if names & {"ConnectionError", "HTTPClientError", "HTTPError", "IncompleteReadError", "OSError"}:
        return _unavailable(operation, "ConnectionLost", message)
    if "ChecksumError" in names or "FlexibleChecksumError" in names:
        return _unavailable(operation, "ChecksumMismatch", message)
    if names & {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "NoAuthTokenError"}:
        return AwsRefused(operation=operation, code="NoCredentials", message=message)
    return AwsRefused(operation=operation, code=type(exception).__name__, message=message)


def _from_response(operation: str, response: dict[str, Any]) -> AwsError:
    error = response.get("Error") or {}
    status = int((response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0)
    code = str(error.get("Code") or status or "Unknown")
    message = str(error.get("Message") or "")
    page = _from_page(operation, message, status)
    if page is not None:
        return page
    if code in _THROTTLED or code in _BUSY or status == 429:
        return _unavailable(operation, code if code in _THROTTLED | _BUSY else "429", message)
    if code in _UNSUPPORTED or status == 501 or "has not been implemented" in message:
        return AwsRefused(operation=operation, code="NotImplementedByServer", message=message or code)
    if status >= 500 or code in _PASSING:
        return _unavailable(operation, code, message)
    if code in _BARE_CODES and operation in _BARE_STATUS_OPERATIONS:
        return AwsRefused(operation=operation, code=_BARE_CODES[code], message=message)
    if code in {"404", "405"}:
        return AwsRefused(operation=operation, code="NotImplementedByServer", message=message)
    return AwsRefused(operation=operation, code=code, message=message)


def _from_page(operation: str, text: str, status: int = 0) -> AwsError | None:
    """The error behind an HTML page, or None when the text is no page."""
    lowered = text.lower()
    if "<!doctype html" not in lowered and "<html" not in lowered:
        return None
    title = _HTML_STATUS.search(text)
    shown = status or (int(title.group(1)) if title else 0)
    if shown in _HTML_MEANS_UNSUPPORTED:
        return AwsRefused(
            operation=operation, code="NotImplementedByServer", message=f"The endpoint answered with a {shown} page."
        )
    return _unavailable(operation, str(shown or "UnreadableAnswer"), "The endpoint answered with a web page.")


def _unavailable(operation: str, code: str, message: str) -> AwsUnavailable:
    return AwsUnavailable(operation=operation, code=code, message=message)
