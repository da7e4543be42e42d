"""Headless agents, nodes and the echo: `corella agent | node | echo`."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from lib import built
from lib.home import LOOPBACK, Home
from lib.network import Network
from lib.process import Process
from lib.rpc import Lines, Notification, Rpc
from lib.waiting import PATIENCE, eventually

Json = Any


def _network(bootstrap: Iterable[str]) -> list[str]:
    words = ["--no-mdns"]
    for address in LOOPBACK:
        words += ["--listen", address]
    for address in bootstrap:
        words += ["--bootstrap", address]
    return words


class Agent(Rpc):
    """One running `corella agent`, and how to start it again on the same data."""

    def __init__(
        self,
        home: Home,
        address: str,
        bootstrap: Iterable[str] = (),
        more: Iterable[str] = (),
        data: Path | None = None,
        inside: Network | None = None,
    ) -> None:
        """Starts it; `more` are further arguments.

        It stays on loopback, or `inside` a network of its own with the settings that a user has who sets nothing.
        """
        self.home, self.address, self.inside = home, address, inside
        self.bootstrap, self.more = list(bootstrap), list(more)
        self.data = data or home.root / "agent"
        self.begun = time.monotonic()
        argv = [str(built.host()), "agent", "--data", str(self.data), "--address", address]
        argv = [*inside.enter, *argv] if inside else argv + _network(self.bootstrap)
        argv += self.more
        super().__init__(Process(argv, home, home.root / "agent.log"), Lines())

    def goes(self) -> None:
        """Ends as a user ends it, with a goodbye."""
        self.process.terminate()
        assert self.process.ended(within=PATIENCE) == 0

    def again(self) -> Self:
        """Starts it once more, after it ended."""
        self.process.kill()
        return type(self)(self.home, self.address, self.bootstrap, self.more, self.data, self.inside)

    def on_line(self, patience: float = PATIENCE) -> Json:
        """Waits until it is on line; gives its status."""
        return self.wait("status/changed", lambda status: status["online"], patience=patience).params

    def befriend(self, *others: "Agent") -> None:
        """Consents to others."""
        for other in others:
            self.call("buddies/add", {"address": other.address})

    def write(self, to: str, text: str) -> str:
        """Sends a message; gives its id once it is on disk here."""
        return self.call("messages/send", {"to": to, "text": text})["id"]

    def conversation(self, other: str) -> list[Json]:
        """All messages with `other`, oldest first, page by page."""
        messages: list[Json] = []
        params: Json = {"with": other, "limit": 500}
        while True:
            page = self.call("messages/list", params)
            messages = page["messages"] + messages
            if not page["more"]:
                return messages
            params["before"] = messages[0]["id"]

    def message(self, other: str, message_id: str) -> Json | None:
        """One message of the conversation with `other`."""
        found = self.call("messages/list", {"with": other, "around": message_id, "limit": 1})["messages"]
        return next((one for one in found if one["id"] == message_id), None)

    def hears(self, text: str, sender: str, since: int = 0, patience: float = PATIENCE) -> Json:
        """Waits for the message with that text from `sender`."""

        def fits(params: Json) -> bool:
            message = params["message"]
            return (message["direction"], message["with"], message["text"]) == ("in", sender, text)

        return self.wait("messages/changed", fits, since, patience).params["message"]

    def sees_state(self, message_id: str, *states: str, because: str | None = None, patience: float = PATIENCE) -> Json:
        """Waits until a message of its own is in one of the states, for that reason if one is given."""

        def fits(params: Json) -> bool:
            message = params["message"]
            own = message["id"] == message_id and message["direction"] == "out"
            return own and message["state"] in states and because in (None, message.get("reason"))

        return self.wait("messages/changed", fits, patience=patience).params["message"]

    def sees_presence(self, of: str, status: str, since: int, patience: float = PATIENCE) -> Notification:
        """Waits until it is told that presence."""

        def fits(params: Json) -> bool:
            return params["address"] == of and params["status"] == status

        return self.wait("presence/changed", fits, since, patience)

    def buddy(self, address: str) -> Json | None:
        """An entry of the buddy list."""
        return next((one for one in self.call("buddies/list")["buddies"] if one["address"] == address), None)

    def presence_of(self, address: str) -> str | None:
        """The presence that the buddy list shows now."""
        buddy = self.buddy(address)
        return buddy and buddy["status"]


class Helper:
    """A running `corella node`, which says its status once, or `corella echo`, which says nothing."""

    def __init__(self, home: Home, command: str, more: Iterable[str] = (), bootstrap: Iterable[str] = ()) -> None:
        """Starts it."""
        argv = [str(built.host()), command, "--data", str(home.root / command)]
        argv += [*_network(bootstrap), *more]
        self.process = Process(argv, home, home.root / f"{command}.log")

    def status(self) -> Json:
        """A node's first line, once it is on line."""
        stdout = self.process.child.stdout
        assert stdout is not None
        line = bytearray()

        def complete() -> bool:
            piece = stdout.read(65536)
            assert piece, f"it ended before it was on line; {self.process.said()}"
            line.extend(piece)
            return line.endswith(b"\n")

        eventually(complete, "the status line")
        return json.loads(line)


def befriend(*agents: Agent) -> None:
    """Makes everyone consent to everyone."""
    for agent in agents:
        agent.befriend(*(other for other in agents if other is not agent))
