"""Agents meet without any configuration: on one machine through a folder in XDG_RUNTIME_DIR, in one network by mDNS."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lib.agent import Agent, befriend
from lib.home import Home
from lib.native import NativeHost
from lib.network import Network
from lib.people import People


def test_two_agents_in_one_runtime_folder_meet(people: People, home: Home) -> None:
    alice = people.keep(Agent(home, "alice@example.net", data=home.root / "alice"))
    alice.on_line()
    bob = people.keep(Agent(home, "bob@example.net", data=home.root / "bob"))
    bob.on_line()
    befriend(alice, bob)
    written = alice.write(bob.address, "we met")
    bob.hears("we met", alice.address)
    alice.sees_state(written, "delivered")


def test_without_the_internet_those_at_home_meet(people: People, home: Home) -> None:
    """Nobody is where the bootstrap peers should be: whoever has found others does not wait for that."""
    nowhere = ["/ip4/127.0.0.1/tcp/9"]
    alice = people.keep(Agent(home, "alice@example.net", nowhere, data=home.root / "alice"))
    bob = people.keep(Agent(home, "bob@example.net", nowhere, data=home.root / "bob"))
    alice.on_line()
    bob.on_line()
    befriend(alice, bob)
    written = alice.write(bob.address, "we met")
    bob.hears("we met", alice.address)
    alice.sees_state(written, "delivered")


def test_a_host_and_an_agent_meet(people: People, home: Home, host: NativeHost) -> None:
    host.hello()
    host.enrol("alice@example.net")
    host.wait("status/changed")
    bob = people.keep(Agent(home, "bob@example.net"))
    bob.on_line()
    bob.call("buddies/add", {"address": "alice@example.net"})
    host.call("buddies/add", {"address": bob.address})
    host.call("messages/send", {"to": bob.address, "text": "from the host"})
    bob.hears("from the host", "alice@example.net")


def test_what_a_killed_agent_left_there_does_no_harm(people: People, home: Home) -> None:
    first = people.keep(Agent(home, "alice@example.net", data=home.root / "alice"))
    first.on_line()
    first.process.kill()
    for name in ("bob", "carol"):
        people.keep(Agent(home, f"{name}@example.net", data=home.root / name)).on_line()


def test_other_users_of_the_machine_are_not_met(people: People, new_home: Callable[[str], Home]) -> None:
    alice = people.agent("alice")
    alice.on_line()
    bob = people.agent("bob")
    bob.on_line()
    assert alice.call("status")["peers"] == 0
    assert bob.call("status")["peers"] == 0


@pytest.mark.parametrize("address", ["192.168.77.2/24", "192.0.2.2/24"], ids=["private", "public"])
@pytest.mark.parametrize("way", ["folder", "mdns"])
def test_agents_with_nothing_set_talk_in_any_network(people: People, scratch: Path, way: str, address: str) -> None:
    """Whatever addresses the network has: at home, IPv6 gives every machine a public one."""
    with Network(address) as network:

        def start(name: str) -> Agent:
            home = Home(scratch / ("shared" if way == "folder" else name))
            data = scratch / f"{name}-data"
            return people.keep(Agent(home, f"{name}@example.net", data=data, inside=network))

        alice, bob = start("alice"), start("bob")
        alice.on_line()
        bob.on_line()
        befriend(alice, bob)
        written = alice.write(bob.address, "no settings")
        bob.hears("no settings", alice.address)
        alice.sees_state(written, "delivered")
        people.end()
