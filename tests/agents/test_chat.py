"""Two agents chat: delivery, states, consent, blocking, and the peer that was away."""

import pytest

from lib.agent import Agent, befriend
from lib.people import People
from lib.waiting import eventually


@pytest.fixture
def pair(people: People) -> tuple[Agent, Agent]:
    """Alice and Bob on line, on one small network; not yet friends."""
    node = people.node()
    alice, bob = people.agent("alice", node), people.agent("bob", node)
    alice.on_line()
    bob.on_line()
    return alice, bob


@pytest.fixture
def friends(pair: tuple[Agent, Agent]) -> tuple[Agent, Agent]:
    """Alice and Bob, who consented to each other."""
    befriend(*pair)
    return pair


def test_two_agents_chat_both_ways(friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    first = alice.write(bob.address, "hello Bob")
    heard = bob.hears("hello Bob", alice.address)
    assert (heard["id"], heard["own"], heard["sealed"]) == (first, bob.address, True)
    assert (heard["trust"], heard["request"], heard["state"]) == ("unverified", False, "received")
    alice.sees_state(first, "delivered")
    second = bob.write(alice.address, "hello Alice — 你好 🙂")
    alice.hears("hello Alice — 你好 🙂", bob.address)
    bob.sees_state(second, "delivered")
    for one, other in ((alice, bob), (bob, alice)):
        texts = [message["text"] for message in one.conversation(other.address)]
        assert texts == ["hello Bob", "hello Alice — 你好 🙂"]


def test_states_only_rise(friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    sent = [alice.write(bob.address, f"number {number}") for number in range(20)]
    for message_id in sent:
        alice.sees_state(message_id, "delivered")
    ladder = ["pending", "sent", "stored", "delivered", "read"]
    for message_id in sent:
        changes = [
            ladder.index(one.params["message"]["state"])
            for one in alice.notifications
            if one.method == "messages/changed" and one.params["message"]["id"] == message_id
        ]
        assert changes == sorted(changes)


def test_order_is_kept(friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    texts = [f"line {number}" for number in range(100)]
    for text in texts:
        alice.write(bob.address, text)
    eventually(lambda: len(bob.conversation(alice.address)) >= len(texts), "all lines at Bob's")
    assert [message["text"] for message in bob.conversation(alice.address)] == texts


def test_the_longest_text_arrives_whole(friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    text = "€" * (32_768 // 3)
    alice.write(bob.address, text)
    bob.hears(text, alice.address)


def test_reading_is_counted(friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    for text in ("one", "two"):
        alice.write(bob.address, text)
    last = bob.hears("two", alice.address)
    bob.hears("one", alice.address)
    assert bob.buddy(alice.address)["unread"] == 2
    bob.call("messages/markRead", {"with": alice.address, "upTo": last["id"]})
    assert bob.buddy(alice.address)["unread"] == 0
    (conversation,) = bob.call("messages/conversations")["conversations"]
    assert (conversation["with"], conversation["unread"]) == (alice.address, 0)


def test_a_message_written_while_the_peer_is_away_arrives_when_it_returns(
    friends: tuple[Agent, Agent], people: People
) -> None:
    alice, bob = friends
    alice.write(bob.address, "are you there?")
    bob.hears("are you there?", alice.address)
    bob.process.send_eof()
    assert bob.process.ended(within=2) == 0
    waiting = alice.write(bob.address, "see you later")
    assert alice.message(bob.address, waiting)["state"] == "pending"
    bob = people.again(bob)
    bob.hears("see you later", alice.address)
    alice.sees_state(waiting, "delivered")


def test_a_message_outlives_a_restart_of_its_sender(people: People) -> None:
    node = people.node()
    alice = people.agent("alice", node)
    alice.on_line()
    waiting = alice.write("bob@example.net", "for later")
    assert alice.message("bob@example.net", waiting)["state"] == "pending"
    alice.process.kill()
    alice = people.again(alice)
    bob = people.agent("bob", node)
    bob.on_line()
    bob.befriend(alice)
    assert bob.hears("for later", alice.address)["id"] == waiting
    alice.sees_state(waiting, "delivered")


def test_a_stranger_waits_as_a_request(pair: tuple[Agent, Agent]) -> None:
    alice, bob = pair
    written = alice.write(bob.address, "may I?")
    heard = bob.hears("may I?", alice.address)
    assert heard["request"]
    assert bob.buddy(alice.address)["consent"] == "request"
    sent = alice.sees_state(written, "sent")
    assert sent.get("reason") == "waiting"
    # A request tells nothing: no delivery notice, no presence.
    assert alice.presence_of(bob.address) == "offline"
    again = alice.write(bob.address, "it is me")
    bob.hears("it is me", alice.address)
    alice.sees_state(again, "sent")
    assert alice.message(bob.address, written)["state"] == "sent"
    accepted = bob.call("buddies/accept", {"address": alice.address})
    assert accepted["consent"] == "buddy"
    alice.sees_state(written, "delivered")
    alice.sees_state(again, "delivered")
    assert not any(message["request"] for message in bob.conversation(alice.address))
    eventually(lambda: alice.presence_of(bob.address) == "online", "Bob's presence after he accepted")


def test_a_blocked_sender_is_not_heard(friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    alice.write(bob.address, "before")
    bob.hears("before", alice.address)
    assert bob.call("buddies/block", {"address": alice.address})["consent"] == "blocked"
    since = bob.mark()
    blocked = alice.write(bob.address, "after")
    refused = alice.sees_state(blocked, "failed")
    assert refused["reason"] == "refused"
    assert [message["text"] for message in bob.conversation(alice.address)] == ["before"]
    heard = [one for one in bob.notifications[since:] if one.method == "messages/changed"]
    assert heard == []
    eventually(lambda: alice.presence_of(bob.address) == "offline", "that Bob looks off line to whom he blocked")


def test_a_removed_buddy_leaves_the_transcript(friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    alice.write(bob.address, "keep this")
    bob.hears("keep this", alice.address)
    removed = bob.call("buddies/remove", {"address": alice.address})
    assert removed["address"] == alice.address
    assert bob.buddy(alice.address) is None
    assert [message["text"] for message in bob.conversation(alice.address)] == ["keep this"]


def test_search_marks_what_it_found(friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    alice.write(bob.address, "hello 🙂 hello there")
    bob.hears("hello 🙂 hello there", alice.address)
    (hit,) = bob.call("messages/search", {"query": "hello"})["hits"]
    units = hit["snippet"].encode("utf-16-le")
    marked = [units[2 * start : 2 * end].decode("utf-16-le") for start, end in hit["marks"]]
    assert marked == ["hello", "hello"]
    assert bob.call("messages/search", {"query": "from:bob hello"})["total"] == 0
    assert bob.call("messages/search", {"query": "from:alice hel*"})["total"] == 1


def test_echo_answers_what_was_said(people: People) -> None:
    node = people.node()
    people.helper("echo", "echo", bootstrap=node)
    alice = people.agent("alice", node)
    alice.on_line()
    sent = alice.write("echo@corella.invalid", "hello")
    alice.hears("hello", "echo@corella.invalid")
    alice.sees_state(sent, "delivered")
