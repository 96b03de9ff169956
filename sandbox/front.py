"""The one HTTP port: SES, SNS and Cloudflare are ours, S3, Route 53, SQS and STS are moto's, the rest is for people."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from sandbox import cloudflare, hosted_zone_rules
from sandbox.cloudflare_records import CloudflareProblem
from sandbox.control import Control
from sandbox.faults import Fault, Faults
from sandbox.moto_stores import mend_start_records
from sandbox.operations import operation_of
from sandbox.ses_v1 import SesV1
from sandbox.ses_v2 import SesV2
from sandbox.sns import Sns
from sandbox.state import State
from sandbox.wire import (
    AwsProblem,
    Response,
    json_answer,
    json_problem,
    read_query,
    read_rest,
    xml_answer,
    xml_problem,
)

logger = logging.getLogger("sandbox.aws")
SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
# The links in SNS's messages are followed without a signature.
UNSIGNED = re.compile(r"(^|&)Action=(ConfirmSubscription|Unsubscribe)(&|$)")
READS = ("Describe", "Get", "Head", "List", "Receive")
Operation = Callable[[str, str, dict[str, Any]], dict[str, Any]]
MOST_BODY = 64 * 1024 * 1024


class Front:
    """A WSGI application."""

    def __init__(
        self,
        *,
        state: State,
        faults: Faults,
        control: Control,
        ses_v1: SesV1,
        ses_v2: SesV2,
        sns: Sns,
        cloudflare_api: cloudflare.Cloudflare,
        moto: Callable[..., Iterable[bytes]],
    ) -> None:
        self.state, self.faults, self.control = state, faults, control
        self.ses_v1, self.ses_v2, self.sns, self.moto = ses_v1, ses_v2, sns, moto
        self.cloudflare_api = cloudflare_api

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/_sandbox"):
            return _send(start_response, self.control.answer(environ, _body(environ)))
        if path == self.sns.signer.path:
            return _send(start_response, (200, [("Content-Type", "application/x-pem-file")], self.sns.signer.pem))
        if path.startswith(cloudflare.PREFIX + "/"):
            return _send(start_response, self._cloudflare(environ, path))
        scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        region, service = scope.groups() if scope else ("us-east-1", "")
        if service == "ses":
            answer = self._ses(environ, path, region)
        elif service == "sns" or (not scope and UNSIGNED.search(environ.get("QUERY_STRING", ""))):
            answer = self._query("sns", self.sns.call, environ, region)
        else:
            return self._moto(environ, start_response, service, region)
        return _send(start_response, answer)

    def _ses(self, environ: dict[str, Any], path: str, region: str) -> Response:
        if not path.startswith("/v2/"):
            return self._query("ses", self.ses_v1.call, environ, region)
        try:
            operation, parameters = read_rest(
                environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), _body(environ)
            )
            return json_answer(self._call(environ, "sesv2", self.ses_v2.call, operation, region, parameters))
        except AwsProblem as problem:
            return json_problem(problem)

    def _cloudflare(self, environ: dict[str, Any], path: str) -> Response:
        try:
            operation, parameters = cloudflare.operation_of(environ["REQUEST_METHOD"], path)
            query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
            raw = _body(environ)
            body = json.loads(raw) if raw else {}
            fault, entry = self._noted("cloudflare", operation, "", {**parameters, **query, "body": body})
            try:
                _before(fault, environ)
                result = self.cloudflare_api.call(
                    operation, parameters, query, environ.get("HTTP_AUTHORIZATION", ""), body
                )
            except AwsProblem as problem:
                code = int(problem.code) if problem.code.isdigit() else 10001
                entry["status"], entry["code"] = problem.status, str(code)
                raise CloudflareProblem(code, problem.message, problem.status) from problem
            except CloudflareProblem as problem:
                entry["status"], entry["code"] = problem.status, str(problem.code)
                raise
            entry["status"] = 200
            _after(fault, environ)
            return cloudflare.answer(result)
        except (KeyError, TypeError, ValueError) as error:
            return cloudflare.refusal(CloudflareProblem(9207, f"Request body is invalid: {error!r}", 400))
        except CloudflareProblem as problem:
            return cloudflare.refusal(problem)

    def _query(self, service: str, call: Operation, environ: dict[str, Any], region: str) -> Response:
        try:
            operation, parameters = read_query(service, _body(environ) or environ.get("QUERY_STRING", "").encode())
            topic = str(parameters.get("TopicArn", "")).split(":")
            if len(topic) == 6 and not environ.get("HTTP_AUTHORIZATION"):
                region = topic[3]
            return xml_answer(service, operation, self._call(environ, service, call, operation, region, parameters))
        except AwsProblem as problem:
            return xml_problem(problem)

    def _call(
        self,
        environ: dict[str, Any],
        service: str,
        call: Operation,
        operation: str,
        region: str,
        parameters: dict[str, Any],
    ) -> dict[str, Any]:
        fault, entry = self._noted(service, operation, region, parameters)
        try:
            if service in ("ses", "sesv2"):
                self.faults.throttle(service, operation, region)
            _before(fault, environ)
            result = _answered(call, operation, region, parameters)
        except AwsProblem as problem:
            entry["status"], entry["code"] = problem.status, problem.code
            raise
        entry["status"] = 200
        _after(fault, environ)
        return result

    def _noted(self, service: str, operation: str, region: str, parameters: Any) -> tuple[Fault | None, dict[str, Any]]:
        fault = self.faults.take(operation)
        kind = fault.kind if fault else ""
        return fault, self.faults.note(service, operation, region, parameters, self.state.now(), kind)

    def _moto(
        self, environ: dict[str, Any], start_response: Callable[..., Any], service: str, region: str
    ) -> Iterable[bytes]:
        operation = operation_of(environ, service)
        fault, entry = self._noted(service, operation, region, environ["PATH_INFO"])

        def start(status: str, *rest: Any) -> Any:
            entry["status"] = int(status.partition(" ")[0])
            return start_response(status, *rest)

        try:
            _before(fault, environ)
            if service == "route53":
                hosted_zone_rules.check(environ)
        except AwsProblem as problem:
            entry["code"] = problem.code
            return _send(start, json_problem(problem) if service == "sqs" else xml_problem(problem))
        result = self.moto(environ, start)
        if not operation.startswith(READS):
            self.state.moto_changed()
            if service == "route53":
                mend_start_records()
                self.state.zones_changed()
        _after(fault, environ)
        return result


def _answered(call: Operation, operation: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        return call(operation, region, parameters)
    except TypeError as error:
        # The operations take AWS's parameters by name: one that is missing, or not known here.
        raise AwsProblem("ValidationError", str(error)) from error
    except AwsProblem:
        raise
    except Exception as error:
        logger.exception("%s is broken in the sandbox", operation)
        raise AwsProblem("InternalFailure", f"The sandbox failed: {error!r}", 500) from error


def _before(fault: Fault | None, environ: dict[str, Any]) -> None:
    if fault is None:
        return
    if fault.kind == "delay":
        time.sleep(fault.seconds)
    elif fault.kind == "error":
        raise AwsProblem(fault.code, fault.message, fault.status)
    elif fault.kind == "cut":
        _hang_up(fault, environ)
        raise AwsProblem("Cut", "Nobody reads this: the connection is closed.", 500)


def _after(fault: Fault | None, environ: dict[str, Any]) -> None:
    """The effect stands; the client waits until its own patience ends, or finds the connection closed."""
    if fault is not None and fault.kind == "lose_answer":
        _hang_up(fault, environ)


def _hang_up(fault: Fault, environ: dict[str, Any]) -> None:
    time.sleep(fault.seconds)
    with contextlib.suppress(OSError):
        environ["sandbox.connection"].shutdown(socket.SHUT_RDWR)


def _body(environ: dict[str, Any]) -> bytes:
    length = min(int(environ.get("CONTENT_LENGTH") or 0), MOST_BODY)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    return body


REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}


def _send(start_response: Callable[..., Any], answer: Response) -> Iterable[bytes]:
    status, headers, body = answer
    start_response(f"{status} {REASONS.get(status, 'Answer')}", [*headers, ("Content-Length", str(len(body)))])
    return [body]
