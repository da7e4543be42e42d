"""Presence is the truth within ten seconds: of a start, a change, a clean exit, a kill -9, a machine that is gone."""

import time

import pytest

from lib.agent import Agent, befriend
from lib.people import People

# The promise to the user.
TRUTH = 10.0


@pytest.fixture
def friends(people: People) -> tuple[Agent, Agent]:
    """Two who see each other on line."""
    node = people.node()
    alice, bob = people.agent("alice", node), people.agent("bob", node)
    alice.on_line()
    bob.on_line()
    befriend(alice, bob)
    alice.sees_presence(bob.address, "online", since=0)
    bob.sees_presence(alice.address, "online", since=0)
    return alice, bob


@pytest.mark.parametrize(("status", "note"), [("away", "back at five"), ("busy", "")])
def test_a_status_and_its_note_are_told(friends: tuple[Agent, Agent], status: str, note: str) -> None:
    alice, bob = friends
    since = alice.mark()
    begun = time.monotonic()
    bob.call("presence/set", {"status": status, "note": note} if note else {"status": status})
    seen = alice.sees_presence(bob.address, status, since)
    assert seen.at - begun <= TRUTH
    assert seen.params.get("note", "") == note
    buddy = alice.buddy(bob.address)
    assert (buddy["status"], buddy.get("note", "")) == (status, note)
    since = alice.mark()
    bob.call("presence/set", {"status": "online"})
    seen = alice.sees_presence(bob.address, "online", since)
    assert seen.params.get("note", "") == "", "the note goes with its status"


def test_who_sets_offline_looks_offline_and_still_hears(friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    since = alice.mark()
    begun = time.monotonic()
    bob.call("presence/set", {"status": "offline"})
    assert alice.sees_presence(bob.address, "offline", since).at - begun <= TRUTH
    alice.write(bob.address, "I know you are there")
    bob.hears("I know you are there", alice.address)


@pytest.mark.parametrize("way", ["send_eof", "terminate", "kill"])
def test_who_goes_looks_offline_and_who_returns_online(friends: tuple[Agent, Agent], people: People, way: str) -> None:
    alice, bob = friends
    since = alice.mark()
    begun = time.monotonic()
    getattr(bob.process, way)()
    assert alice.sees_presence(bob.address, "offline", since).at - begun <= TRUTH
    since = alice.mark()
    bob.process.kill()
    bob = people.again(bob)
    seen = alice.sees_presence(bob.address, "online", since)
    assert seen.at - bob.begun <= TRUTH
    told = bob.sees_presence(alice.address, "online", since=0)
    assert told.at - bob.begun <= TRUTH


def test_a_kill_9_long_after_the_last_word_is_noticed(friends: tuple[Agent, Agent]) -> None:
    alice, bob = friends
    alice.write(bob.address, "hello")
    bob.hears("hello", alice.address)
    since = alice.mark()
    begun = time.monotonic()
    bob.process.kill()
    assert alice.sees_presence(bob.address, "offline", since).at - begun <= TRUTH
    assert alice.presence_of(bob.address) == "offline"


def test_who_is_frozen_looks_offline_and_is_back_when_thawed(friends: tuple[Agent, Agent]) -> None:
    """As a machine that lost power or its network: its connections stay open, and nobody answers."""
    alice, bob = friends
    since = alice.mark()
    begun = time.monotonic()
    bob.process.freeze()
    assert alice.sees_presence(bob.address, "offline", since).at - begun <= TRUTH
    since = alice.mark()
    bob.process.thaw()
    alice.sees_presence(bob.address, "online", since)
    alice.write(bob.address, "are you well?")
    bob.hears("are you well?", alice.address)


def test_presence_is_for_buddies_only(people: People) -> None:
    node = people.node()
    alice, stranger = people.agent("alice", node), people.agent("stranger", node)
    alice.on_line()
    stranger.on_line()
    stranger.befriend(alice)
    alice.call("presence/set", {"status": "away", "note": "not for strangers"})
    stranger.write(alice.address, "hello")
    alice.hears("hello", stranger.address)
    assert stranger.presence_of(alice.address) == "offline"
    assert not any("not for strangers" in str(one.params) for one in stranger.notifications)
