"""All the processes of one test, started by name and ended together."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from lib.agent import Agent, Helper
from lib.home import Home
from lib.native import NativeHost

Running = TypeVar("Running", Agent, Helper, NativeHost)


class People:
    """Starts agents, nodes and hosts, and ends them all."""

    def __init__(self, scratch: Path) -> None:
        """Keeps every home below `scratch`."""
        self._scratch = scratch
        self._running: list[Agent | Helper | NativeHost] = []

    def node(self, name: str = "node", bootstrap: Iterable[str] = ()) -> list[str]:
        """A node; gives its addresses, the way into the network for others."""
        return self.helper(name, "node", bootstrap=bootstrap).status()["listen"]

    def helper(self, name: str, command: str, more: Iterable[str] = (), bootstrap: Iterable[str] = ()) -> Helper:
        """A node or an echo."""
        return self.keep(Helper(Home(self._scratch / name), command, more, bootstrap))

    def agent(
        self, name: str, bootstrap: Iterable[str] = (), more: Iterable[str] = (), address: str | None = None
    ) -> Agent:
        """An agent for `name`@example.net, in a home of its own."""
        home = Home(self._scratch / name)
        return self.keep(Agent(home, address or f"{name}@example.net", bootstrap, more))

    def again(self, agent: Agent) -> Agent:
        """The same agent, started once more."""
        return self.keep(agent.again())

    def keep(self, running: Running) -> Running:
        """Ends it with the test."""
        self._running.append(running)
        return running

    def end(self) -> None:
        """kill -9 for all."""
        for running in self._running:
            running.process.kill()
