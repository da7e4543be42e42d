"""A node's gateway, called as any XML-RPC client would call it."""

import contextlib
import random
import socket
import xmlrpc.client
from typing import Any

from lib.people import People

Json = Any

DHT = "urn:ietf:params:xml:ns:dht"
DSIG = "http://www.w3.org/2000/09/xmldsig#"


def lasting_address() -> str:
    """An address for a gateway that goes and comes back.

    Not of the ports that the system gives out: whoever calls one of those while nobody listens there may be given that
    very port for the call, and is connected to itself.
    """
    for port in random.sample(range(10_000, 20_000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return f"127.0.0.1:{port}"
    raise AssertionError("no port is free")


class Gateway:
    """The gateway of a running node."""

    def __init__(
        self, people: People, name: str = "gateway", bootstrap: list[str] | None = None, at: str = "127.0.0.1:0"
    ) -> None:
        """Starts the node."""
        more = ["--gateway", at]
        helper = people.helper(name, "node", more, bootstrap or [])
        status = helper.status()
        self.process = helper.process
        self.listen: list[str] = status["listen"]
        self.at: str = status["gateway"]
        self.url = f"http://{status['gateway']}/RPC2"
        self.proxy = xmlrpc.client.ServerProxy(self.url)

    def call(self, method: str, *params: object) -> Json:
        """Calls a method, whatever its name."""
        return getattr(self.proxy, method)(*params)

    def fault(self, method: str, *params: object) -> xmlrpc.client.Fault:
        """The fault that a call is answered with."""
        try:
            answer = self.call(method, *params)
        except xmlrpc.client.Fault as fault:
            return fault
        raise AssertionError(f"{method} is answered with {answer!r}")


def key_request(key: str) -> str:
    """What `get` asks with."""
    return f'<dhtRecord xmlns="{DHT}"><key>{key}</key></dhtRecord>'


def records_in(answer: str) -> list[str]:
    """The records in a `dhtRecords`, as they stand there."""
    inside = answer.removeprefix(f'<dhtRecords xmlns="{DHT}">').removesuffix("</dhtRecords>")
    parts = inside.split("</dhtRecord>")[:-1]
    return [part + "</dhtRecord>" for part in parts]
