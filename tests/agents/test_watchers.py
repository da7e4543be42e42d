"""A watcher is left in the overlay for a buddy who is off line, and taken back with the consent."""

from pathlib import Path

from lib.agent import befriend
from lib.overlay import Overlay
from lib.people import People
from lib.waiting import eventually


def test_a_watcher_is_left_and_taken_back(people: People, scratch: Path) -> None:
    overlay = Overlay(people, scratch)
    alice, bob = people.agent("alice", overlay.way_in), people.agent("bob", overlay.way_in)
    alice.on_line()
    bob.on_line()
    befriend(alice, bob)
    alice.sees_presence(bob.address, "online", since=0)
    key = f"subscribe:presence:{bob.address}"
    assert overlay.keeps(key) == 0
    bob.goes()
    eventually(lambda: overlay.keeps(key) == 1, "a watcher is left for Bob")
    alice.call("buddies/block", {"address": bob.address})
    eventually(lambda: overlay.keeps(key) == 0, "it is taken back")
