"""kill -9 at random moments while messages arrive: what was acknowledged is there, once, and is found."""

import random
import threading

import pytest

from lib.agent import Agent, befriend
from lib.people import People
from lib.waiting import eventually

SEED = 20_261_122


@pytest.mark.timeout(2400)
def test_kill_9_loses_and_doubles_nothing(people: People, is_long: bool) -> None:
    kills = 100 if is_long else 10
    dice = random.Random(SEED)
    node = people.node()
    alice, bob = people.agent("alice", node), people.agent("bob", node)
    alice.on_line()
    bob.on_line()
    befriend(alice, bob)
    alice.sees_presence(bob.address, "online", since=0)
    writer = Writer(alice, bob.address)
    writer.start()
    try:
        for kill in range(kills):
            # A random number of messages after Bob is there: that is the random moment.
            heard = bob.mark()
            enough = heard + dice.randrange(1, 120)
            eventually(lambda b=bob, e=enough: b.mark() >= e, f"messages before kill {kill}", patience=120)
            bob.process.kill()
            acknowledged = [one for one, state in states(alice, bob.address).items() if state in ("sent", "delivered")]
            bob = people.again(bob)
            bob.on_line()
            there = [message["id"] for message in bob.conversation(alice.address)]
            assert set(acknowledged) <= set(there), f"lost by kill {kill}, seed {SEED}"
            assert len(there) == len(set(there)), f"doubled by kill {kill}, seed {SEED}"
    finally:
        writer.stop()
    eventually(lambda: set(states(alice, bob.address).values()) <= {"delivered", "read"}, "all notices", patience=300)
    written = [message["text"] for message in alice.conversation(bob.address)]
    assert [message["text"] for message in bob.conversation(alice.address)] == written == writer.texts
    assert bob.call("messages/search", {"query": "harvest"})["total"] == len(written)
    for number in dice.sample(range(len(written)), 20):
        assert bob.call("messages/search", {"query": f"token{number}x"})["total"] == 1, number


def states(agent: Agent, other: str) -> dict[str, str]:
    return {message["id"]: message["state"] for message in agent.conversation(other) if message["direction"] == "out"}


class Writer(threading.Thread):
    """Writes one message after the other, as fast as the agent takes them, with never too many on their way."""

    def __init__(self, agent: Agent, to: str) -> None:
        super().__init__(daemon=True)
        self.agent, self.to = agent, to
        self.texts: list[str] = []
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.is_set():
            text = f"harvest token{len(self.texts)}x"
            self.agent.write(self.to, text)
            self.texts.append(text)
            # A pause in which the agent sends, not a wait for anything.
            self._is_over.wait(0.01)

    def stop(self) -> None:
        self._is_over.set()
        self.join()
