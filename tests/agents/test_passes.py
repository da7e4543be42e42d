"""Buddies welcome each other: nodes keep what they write to each other where a crowd of strangers has no place."""

import contextlib
import sqlite3
from pathlib import Path

from lib.agent import Agent, befriend
from lib.overlay import Overlay
from lib.people import People
from lib.waiting import eventually

# Their numbers in the order of classes, `storing/class.rs`.
WELCOME, SELF_SIGNED = 2, 3


def passes(agent: Agent) -> list[str]:
    """Of whom the agent has a pass on its disk."""
    (roster,) = agent.data.glob("**/roster.db")
    with contextlib.closing(sqlite3.connect(f"file:{roster}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT address FROM buddies WHERE pass IS NOT NULL ORDER BY address")
        return [address for (address,) in rows]


def test_what_a_buddy_writes_is_kept_as_that_of_one_who_is_welcome(people: People, scratch: Path) -> None:
    overlay = Overlay(people, scratch)
    alice, bob, eve = (people.agent(name, overlay.way_in) for name in ("alice", "bob", "eve"))
    for agent in (alice, bob, eve):
        agent.on_line()
    befriend(alice, bob)
    alice.sees_state(alice.write(bob.address, "we know each other"), "delivered")
    eventually(lambda: passes(alice) == [bob.address] and passes(bob) == [alice.address], "both are welcome")
    # To Eve, who is none of his buddies, Bob has given nothing.
    eve.write(bob.address, "do you know me?")
    bob.hears("do you know me?", eve.address)
    assert passes(eve) == []
    bob.goes()
    # Also after a restart.
    alice.goes()
    alice = people.again(alice)
    alice.on_line()
    alice.sees_state(alice.write(bob.address, "from a buddy"), "stored")
    eve.sees_state(eve.write(bob.address, "are you there?"), "stored")
    classes = overlay.classes(f"offline:{bob.address}")
    assert (classes[0], set(classes[1:])) == (WELCOME, {SELF_SIGNED})
    bob = people.again(bob)
    bob.hears("from a buddy", alice.address)
