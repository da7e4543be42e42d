"""Messages for those who are off line wait in the overlay; the two never need to be on line together."""

import pytest

from lib.agent import Agent, befriend
from lib.people import People
from lib.waiting import eventually


@pytest.fixture
def friends(people: People) -> tuple[Agent, Agent]:
    """Alice and Bob, who know each other, in an overlay of three more nodes."""
    first = people.node("first")
    people.node("second", first)
    people.node("third", first)
    alice, bob = people.agent("alice", first), people.agent("bob", first)
    alice.on_line()
    bob.on_line()
    befriend(alice, bob)
    sent = alice.write(bob.address, "we know each other")
    alice.sees_state(sent, "delivered")
    return alice, bob


def says(agent: Agent, other: str, message_id: str, state: str) -> None:
    """Waits until a message of the agent's own is in a state, told or not."""

    def is_so() -> bool:
        message = agent.message(other, message_id)
        return message is not None and message["state"] == state

    eventually(is_so, f"the message is {state}")


def test_a_message_waits_for_its_recipient_and_its_notice_for_the_sender(
    people: People, friends: tuple[Agent, Agent]
) -> None:
    alice, bob = friends
    bob.goes()
    sent = alice.write(bob.address, "when you are back")
    alice.sees_state(sent, "stored")
    alice.goes()
    bob = people.again(bob)
    heard = bob.hears("when you are back", alice.address)
    assert (heard["id"], heard["sealed"], heard["request"]) == (sent, True, False)
    bob.on_line()
    # Whatever Bob has to say to that is in the overlay when he goes.
    bob.goes()
    alice = people.again(alice)
    says(alice, bob.address, sent, "delivered")
    # Nothing comes twice.
    bob = people.again(bob)
    bob.on_line()
    last = alice.write(bob.address, "now we are both here")
    alice.sees_state(last, "delivered")
    texts = [message["text"] for message in bob.conversation(alice.address)]
    assert texts == ["we know each other", "when you are back", "now we are both here"]


def test_a_large_message_waits_too(people: People, friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    bob.process.kill()
    text = "a long story " * 2000
    sent = alice.write(bob.address, text)
    alice.sees_state(sent, "stored")
    alice.process.kill()
    bob = people.again(bob)
    bob.hears(text, alice.address)


def test_a_request_waits_too(people: People) -> None:
    node = people.node("first")
    people.node("second", node)
    alice, bob = people.agent("alice", node), people.agent("bob", node)
    alice.on_line()
    bob.on_line()
    bob.goes()
    sent = alice.write(bob.address, "do you know me?")
    alice.sees_state(sent, "stored")
    alice.goes()
    bob = people.again(bob)
    assert bob.hears("do you know me?", alice.address)["request"] is True


def test_what_nobody_else_keeps_is_not_said_to_be_stored(people: People) -> None:
    alice = people.agent("alice")
    bob = people.agent("bob", alice.on_line()["listen"])
    bob.on_line()
    befriend(alice, bob)
    alice.sees_state(alice.write(bob.address, "hello"), "delivered")
    bob.goes()
    sent = alice.write(bob.address, "alone")
    alice.sees_state(sent, "pending", because="offline")
