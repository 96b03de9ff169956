"""The one SNS endpoint: believe nothing, store once, answer only after the commit."""

from __future__ import annotations

import logging

from django.db import Error as DatabaseFailure
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from aws.errors import AwsError
from inbound import door
from inbound.certificates import CertificateUnavailable, UntrustedCertificateUrl
from inbound.sns import MAX_BODY_BYTES, MalformedMessage, UnsignedMessage, parse_message

logger = logging.getLogger(__name__)


def _answer(status: int, text: str) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain")


def _body(request: HttpRequest) -> bytes:
    """The body, cut one byte past the limit; raises MalformedMessage for one that ends too early, or in bad chunks.

    Django reads none where a proxy sends it in chunks, without a length.
    """
    is_in_chunks = not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated")
    read = request.META["wsgi.input"].read if is_in_chunks else request.read
    try:
        return bytes(read(MAX_BODY_BYTES + 1))
    except Exception as error:
        raise MalformedMessage(f"the body can not be read: {error}") from error


@csrf_exempt
@require_POST
def receive_sns(request: HttpRequest) -> HttpResponse:
    """200 once the message is committed, 4xx for what is certainly not SNS's, 503 for what may be our own fault."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isdecimal() and int(length[:20]) > MAX_BODY_BYTES:
        return _answer(413, "larger than SNS sends")
    try:
        body = _body(request)
        if len(body) > MAX_BODY_BYTES:
            return _answer(413, "larger than SNS sends")
        message = parse_message(body)
        door.check_headers(message, request.META)
        door.believe(message, now=timezone.now())
        door.take_in(message, source="sns", now=timezone.now())
    except (door.NotOurs, UnsignedMessage, UntrustedCertificateUrl) as error:
        logger.warning("refused a message at the SNS door: %s", error)
        return _answer(403, "not ours")
    except MalformedMessage as error:
        return _answer(400, str(error))
    except (CertificateUnavailable, door.NotNow, AwsError, DatabaseFailure) as error:
        # DatabaseFailure: a connection that the server closed is an InterfaceError, which is no DatabaseError.
        logger.warning("could not take a message at the SNS door: %s", error)
        response = _answer(503, "try again")
        response["Retry-After"] = "20"
        return response
    return _answer(200, "ok")
