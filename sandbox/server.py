"""Starts and stops all of the sandbox."""

from __future__ import annotations

import logging
import os
import shutil
import socketserver
import threading
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from sandbox.cloudflare import Cloudflare
from sandbox.control import Control
from sandbox.deposits import Deposits
from sandbox.dns_server import DnsServer
from sandbox.faults import Faults
from sandbox.front import Front
from sandbox.identities import Identities
from sandbox.internet import Internet
from sandbox.moto_stores import MotoStores, give_zones_their_own_servers, let_objects_go_while_they_are_listed
from sandbox.receipts import Receiver
from sandbox.sender import Sender
from sandbox.ses_v1 import SesV1
from sandbox.ses_v2 import SesV2
from sandbox.smtp_server import controller
from sandbox.sns import Sns
from sandbox.sns_delivery import Delivery
from sandbox.sns_signing import Signer
from sandbox.state import WRITE_SECONDS, State
from sandbox.stores import Buckets, Queues

logger = logging.getLogger("sandbox")
HOST = "127.0.0.1"


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "sandbox.connection": self.connection}

    def log_message(self, format: str, *args: Any) -> None:
        return None


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # Nobody waits for a client that keeps its connection when the program shall end.
    block_on_close = False
    request_queue_size = 128

    def server_bind(self) -> None:
        # WSGIServer would look its own name up in DNS here.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]
        self.setup_environ()


class Sandbox:
    """`start()` raises OSError for a taken port; `stop()` ends everything within 2 s."""

    def __init__(
        self, *, aws_port: int, dns_port: int, smtp_port: int, folder: Path, throttle: bool, check_seconds: float
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.aws_url = f"http://{HOST}:{aws_port}"
        self.state = State(folder)
        self.faults = Faults(is_throttling=throttle)
        self.internet, self.cloudflare_api = Internet(self.state), Cloudflare(self.state)
        self.identities = Identities(self.state, self.internet)
        self.delivery = Delivery(Queues(self.state))
        signer = Signer(folder, self.aws_url)
        self.sns = Sns(self.state, signer, self.aws_url, self.delivery)
        self.buckets = Buckets(self.state)
        rules = SesV1(self.state, self.identities, self.buckets, check_seconds)
        ses_v2 = SesV2(self.state, self.identities, Sender(self.state, self.sns), check_seconds)
        self.deposits = Deposits(self.buckets, self.faults)
        receiver = Receiver(
            identities=self.identities,
            rules=rules,
            sns=self.sns,
            deposits=self.deposits,
            mail_exchangers=self.internet.values,
        )
        self.dns = DnsServer(self.internet, dns_port)
        self.smtp = controller(receiver, smtp_port, certificate=signer.certificate_file, key=signer.key_file)
        self.stores = MotoStores(folder)
        control = Control(
            state=self.state,
            faults=self.faults,
            identities=self.identities,
            receiver=receiver,
            cloudflare_api=self.cloudflare_api,
            dns_server=self.dns,
            counts={"deliveries": self.delivery.counts, "receipts": self.deposits.counts},
            reset=self.reset,
        )
        self.front = Front(
            state=self.state,
            faults=self.faults,
            control=control,
            ses_v1=rules,
            ses_v2=ses_v2,
            sns=self.sns,
            cloudflare_api=self.cloudflare_api,
            moto=_moto_application(),
        )
        self._aws_port, self._check_seconds = aws_port, check_seconds
        self._stopping = threading.Event()
        self._saved_version = self.state.moto_version
        self.http: _Server | None = None

    def start(self) -> None:
        self.stores.restore()
        self.dns.start()
        self.dns.bind_new_addresses()
        self.smtp.start()
        self.sns.resume()
        # Last: who gets an answer here finds DNS and SMTP ready too.
        self.http = _Server((HOST, self._aws_port), _Handler)
        self.http.set_app(self.front)
        self._thread(self.http.serve_forever, 0.1)
        self._thread(self._keep_looking)
        self._thread(self._keep_saving)

    @staticmethod
    def _thread(work: Any, *args: Any) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()

    def _keep_looking(self) -> None:
        seen: tuple[int, int] | None = None
        while not self._stopping.wait(self._check_seconds):
            # What SES sees changes with DNS, with the identities, and by the hour.
            now = (self.state.version, int(self.state.now() / 60))
            if now != seen:
                seen = now
                self.identities.look(older_than=self._check_seconds / 2)

    def _keep_saving(self) -> None:
        while not self._stopping.wait(WRITE_SECONDS):
            self._save()

    def _save(self) -> None:
        self.state.write_if_changed()
        version = self.state.moto_version
        if version == self._saved_version:
            return
        try:
            self.stores.save()
        except RuntimeError as error:
            # moto's tables changed while they were read; the next round has them.
            logger.info("saved later: %s", error)
        else:
            self._saved_version = version

    def reset(self) -> None:
        self.delivery.forget()
        self.deposits.forget()
        self.stores.forget()
        self.faults.clear()
        self.state.clear()

    def stop(self) -> None:
        self._stopping.set()
        self.delivery.stop()
        self.smtp.stop(no_assert=True)
        self.dns.stop()
        if self.http is not None:
            self.http.shutdown()
            self.http.server_close()
        self._save()


def _moto_application() -> Any:
    give_zones_their_own_servers()
    let_objects_go_while_they_are_listed()
    # moto must not take these for its own: it would sign and send to the real AWS what it does not know.
    os.environ.setdefault("MOTO_S3_CUSTOM_ENDPOINTS", "")
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)


def clear_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
