"""`python -m sandbox`: AWS, DNS and SMTP on loopback until a signal comes."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    environ = os.environ.get
    parser.add_argument("--aws-port", type=int, default=int(environ("AWS_PORT", "4566")))
    parser.add_argument("--dns-port", type=int, default=int(environ("DNS_PORT", "5354")))
    parser.add_argument("--smtp-port", type=int, default=int(environ("SMTP_PORT", "2525")))
    parser.add_argument("--folder", type=Path, default=Path("var/sandbox"))
    parser.add_argument("--reset", action="store_true", help="forget what an earlier run left")
    parser.add_argument("--throttle", action="store_true", help="one SES control call a second")
    parser.add_argument("--check-seconds", type=float, default=1.0, help="how often SES looks at DNS")
    return parser.parse_args()


def _refuse_taken_ports(arguments: argparse.Namespace) -> None:
    listened = (
        ("AWS", arguments.aws_port, socket.SOCK_STREAM),
        ("DNS", arguments.dns_port, socket.SOCK_STREAM),
        ("DNS over UDP", arguments.dns_port, socket.SOCK_DGRAM),
        ("SMTP", arguments.smtp_port, socket.SOCK_STREAM),
    )
    for what, port, kind in listened:
        with socket.socket(type=kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise SystemExit(f"sandbox: port {port} ({what}) is taken: {error.strerror}") from error


def main() -> int:
    arguments = _arguments()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    _refuse_taken_ports(arguments)
    # Only now: these imports take a second, and a taken port should be told at once.
    from sandbox.server import Sandbox, clear_folder

    if arguments.reset:
        clear_folder(arguments.folder)
    sandbox = Sandbox(
        aws_port=arguments.aws_port,
        dns_port=arguments.dns_port,
        smtp_port=arguments.smtp_port,
        folder=arguments.folder,
        throttle=arguments.throttle,
        check_seconds=arguments.check_seconds,
    )
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        sandbox.start()
    except OSError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    print(
        f"sandbox: AWS {sandbox.aws_url}  DNS 127.0.0.1:{arguments.dns_port}  SMTP 127.0.0.1:{arguments.smtp_port}",
        flush=True,
    )
    stopping.wait()
    sandbox.stop()
    sys.stdout.flush()
    sys.stderr.flush()
    # A thread that still waits for somebody's answer would hold the end up; all that matters is written.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
