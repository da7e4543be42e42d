"""An agent that finds people through somebody else's gateway."""

from lib.agent import befriend
from lib.gateway import Gateway
from lib.people import People


def test_an_agent_behind_a_gateway_and_one_on_the_overlay_chat(people: People) -> None:
    gateway = Gateway(people)
    alice = people.agent("alice", gateway.listen)
    bob = people.agent("bob", more=["--gateway", gateway.url])
    alice.on_line()
    bob.on_line()
    befriend(alice, bob)
    there = alice.write(bob.address, "hello behind the gateway")
    bob.hears("hello behind the gateway", alice.address)
    alice.sees_state(there, "delivered")
    back = bob.write(alice.address, "hello on the overlay")
    alice.hears("hello on the overlay", bob.address)
    bob.sees_state(back, "delivered")


def test_two_agents_behind_gateways_chat(people: People) -> None:
    first = Gateway(people, "first")
    second = Gateway(people, "second", first.listen)
    alice = people.agent("alice", more=["--gateway", first.url])
    bob = people.agent("bob", more=["--gateway", second.url])
    alice.on_line()
    bob.on_line()
    befriend(alice, bob)
    sent = alice.write(bob.address, "from one gateway to the other")
    bob.hears("from one gateway to the other", alice.address)
    alice.sees_state(sent, "delivered")


def test_an_agent_waits_for_its_gateway(people: People) -> None:
    gateway = Gateway(people)
    gateway.process.kill()
    bob = people.agent("bob", more=["--gateway", gateway.url])
    assert bob.call("status")["online"] is False
    Gateway(people, at=gateway.at)
    bob.on_line()
