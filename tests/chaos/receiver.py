"""A customer's system: takes webhooks, now and then says 500 or dies in the middle of an answer, and counts."""

from __future__ import annotations

import json
import random
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Only what was answered by 200 counts as taken."""

    def __init__(self, seed: int) -> None:
        self._ids: dict[str, set[str]] = defaultdict(set)
        self.taken = 0
        self._lock = threading.Lock()
        self._rng = random.Random(seed)
        self._refused: set[str] = set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                if len(body) < length:
                    # The worker died in the middle of its request.
                    return
                status = receiver.take(self.headers.get("webhook-id") or "", body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def take(self, webhook_id: str, body: bytes) -> int:
        """200, or 500 for one event in a hundred the first time that it comes."""
        event = json.loads(body)
        with self._lock:
            if webhook_id not in self._refused and self._rng.random() < 0.01:
                self._refused.add(webhook_id)
                return 500
            if event["type"] == "message.received":
                self._ids[event["data"]["id"]].add(webhook_id)
                self.taken += 1
        return 200

    def ids(self) -> dict[str, frozenset[str]]:
        """By message, the `webhook-id`s under which its event has come until now."""
        with self._lock:
            return {message: frozenset(ids) for message, ids in self._ids.items()}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
