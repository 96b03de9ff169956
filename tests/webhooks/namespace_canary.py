"""Every URL of the table is called where forbidden addresses answer, and what was heard is printed as JSON.

Run it inside a network namespace whose loopback is up: those addresses become this host's own.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import threading
from ipaddress import ip_network

from tests.webhooks.forbidden_urls import NOT_PUBLIC, UNREADABLE
from webhooks.delivery import Call, attempt

# The namespace's own, so that a connection to them would succeed.
ADDRESSES = (
    *("0.1.2.3/32", "10.0.0.1/32", "100.64.0.1/32", "100.100.100.200/32", "168.63.129.16/32", "169.254.169.254/32"),
    *("169.254.170.2/32", "172.16.0.1/32", "172.31.255.255/32", "192.0.0.8/32", "192.0.0.192/32", "192.168.0.1/32"),
    *("198.18.0.1/32", "192.0.2.1/32", "198.51.100.1/32", "203.0.113.1/32"),
    *("fd00:ec2::254/128", "fc00::1/128", "fec0::1/128", "64:ff9b::7f00:1/128", "64:ff9b::a9fe:a9fe/128"),
    *("64:ff9b:1::7f00:1/128", "2002:7f00:1::/128", "2002:a9fe:a9fe::1/128", "2001:0:7f00:1::/128", "2001:db8::1/128"),
)
PORTS = (22, 80, 443, 4100, 6379, 8443)


class Canary:
    """Hears every connection to one of PORTS, on any address."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._selector = selectors.DefaultSelector()
        for port in PORTS:
            listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
            self._selector.register(listener, selectors.EVENT_READ)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            for key, _ in self._selector.select():
                connection, _ = key.fileobj.accept()  # type: ignore[union-attr]
                self.heard.append(f"{connection.getsockname()[0]}:{connection.getsockname()[1]}")
                connection.close()


def main() -> None:
    for address in ADDRESSES:
        # Without "nodad" the kernel would first ask around whether another host has an IPv6 address.
        family = ["nodad"] if ":" in address else []
        subprocess.run(["ip", "addr", "add", address, "dev", "lo", *family], check=False, stderr=subprocess.DEVNULL)
    canary = Canary()
    answers = {}
    for url in (*UNREADABLE, *NOT_PUBLIC):
        answer = attempt(Call(url.replace("{port}", "4100"), "{}", {}), seconds=3)
        answers[url] = [answer.status_code, answer.error]
    # Nothing can be proved by a canary that is deaf: these two connections are made.
    for allowed, url in (("169.254.0.0/16", "http://169.254.169.254/"), ("fd00::/8", "http://[fd00:ec2::254]:4100/")):
        attempt(Call(url, "{}", {}, (ip_network(allowed),)), seconds=3)
    print(json.dumps({"answers": answers, "heard": canary.heard}))


if __name__ == "__main__":
    main()
