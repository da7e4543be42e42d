"""An agent that finds people through somebody else's gateway."""

from lib.agent import Agent, befriend
from lib.gateway import Gateway, lasting_address
from lib.people import People


def chat(*both: Agent) -> None:
    """They come on line, and each hears the other and knows that it was heard."""
    for agent in both:
        agent.on_line()
    befriend(*both)
    for one, other in (both, both[::-1]):
        text = f"hello {other.address}"
        sent = one.write(other.address, text)
        other.hears(text, one.address)
        one.sees_state(sent, "delivered")


def test_an_agent_behind_a_gateway_and_one_on_the_overlay_chat(people: People) -> None:
    gateway = Gateway(people)
    chat(people.agent("alice", gateway.listen), people.agent("bob", more=["--gateway", gateway.url]))


def test_two_agents_behind_gateways_chat(people: People) -> None:
    first = Gateway(people, "first")
    second = Gateway(people, "second", first.listen)
    chat(*(people.agent(name, more=["--gateway", at.url]) for name, at in (("alice", first), ("bob", second))))


def test_an_agent_waits_for_its_gateway(people: People) -> None:
    gateway = Gateway(people, at=lasting_address())
    gateway.process.kill()
    bob = people.agent("bob", more=["--gateway", gateway.url])
    assert bob.call("status")["online"] is False
    Gateway(people, at=gateway.at)
    bob.on_line()
