"""An AWS endpoint of a few lines that answers as told, for the faults that need exact bytes on the wire."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Answer:
    """One answer; `is_lost` hangs up without a word, `is_silent` says nothing until the endpoint closes."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    is_lost: bool = False
    is_silent: bool = False


def refusal(code: str, status: int) -> Answer:
    """An error in the form of SESv2 (rest-json)."""
    body = json.dumps({"message": f"{code} happened"}).encode()
    return Answer(status=status, body=body, headers={"x-amzn-ErrorType": code})


def v2(**members: object) -> Answer:
    """A success in the form of SESv2 (rest-json)."""
    return Answer(body=json.dumps(members).encode())


def v1(operation: str, inner: str = "") -> Answer:
    """A success in the form of SES v1 and SNS (query/XML)."""
    result = f"<{operation}Result>{inner}</{operation}Result>"
    return Answer(body=f"<{operation}Response>{result}</{operation}Response>".encode())


def v1_refusal(code: str, status: int = 400) -> Answer:
    """An error in the form of SES v1 and SNS (query/XML)."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{code} happened</Message></Error>"
    return Answer(status=status, body=f"<ErrorResponse>{error}</ErrorResponse>".encode())


class ScriptedEndpoint:
    """Gives its `answers` in order, the last one for ever, and keeps what was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [Answer()]
        self.requests: list[tuple[str, str, bytes]] = []
        self.released = threading.Event()
        self._arrived = threading.Condition()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with endpoint._arrived:
                    endpoint.requests.append((self.command, self.path, body))
                    endpoint._arrived.notify_all()
                answer = endpoint.answers[0] if len(endpoint.answers) == 1 else endpoint.answers.pop(0)
                if answer.is_silent:
                    endpoint.released.wait(30)
                if answer.is_lost or answer.is_silent:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                headers = {"Content-Length": str(len(answer.body)), **answer.headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)
                # A Content-Length that promises more than the body is a cut answer.
                self.close_connection = int(headers["Content-Length"]) != len(answer.body)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def asked(self) -> list[str]:
        """What was asked in order: the action of a query call, or the v2 method and path."""
        lines = []
        for method, path, body in self.requests:
            action = parse_qs(body.decode()).get("Action", [""])[0] if path == "/" else ""
            lines.append(action or f"{method} {path.removeprefix('/v2/email/')}")
        return lines

    def wait_for_request(self, seconds: float = 10.0) -> tuple[str, str, bytes]:
        """The first request: method, path, body. Raises TimeoutError."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: self.requests, seconds):
                raise TimeoutError("Nothing was asked.")
            return self.requests[0]

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
