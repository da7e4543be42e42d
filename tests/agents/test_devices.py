"""One user, two devices with one credential: each gets what was written while both were away."""

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest

from lib.agent import Agent, befriend
from lib.openssl import certificate_for
from lib.overlay import Overlay
from lib.people import People
from lib.waiting import eventually

BOB = "bob@example.net"


@pytest.fixture
def overlay(people: People, scratch: Path) -> Overlay:
    """The nodes."""
    return Overlay(people, scratch)


@pytest.fixture
def devices(people: People, overlay: Overlay, scratch: Path) -> tuple[Agent, Agent, Agent]:
    """Alice, and Bob's laptop and phone; they know each other."""
    bob = certificate_for(BOB, scratch / "certificate")
    alice = people.agent("alice", overlay.way_in)
    laptop = people.agent("laptop", overlay.way_in, bob.arguments, address=BOB)
    phone = people.agent("phone", overlay.way_in, bob.arguments, address=BOB)
    for agent in (alice, laptop, phone):
        agent.on_line()
    befriend(alice, laptop)
    phone.befriend(alice)
    for number, device in enumerate((laptop, phone)):
        text = f"we know each other {number}"
        device.write(alice.address, text)
        alice.hears(text, BOB)
    sent = alice.write(BOB, "both of you")
    laptop.hears("both of you", alice.address)
    phone.hears("both of you", alice.address)
    alice.sees_state(sent, "delivered")
    return alice, laptop, phone


def test_what_one_device_fetched_is_kept_for_the_other(
    people: People, overlay: Overlay, devices: tuple[Agent, Agent, Agent]
) -> None:
    alice, laptop, phone = devices
    laptop.goes()
    phone.goes()
    sent = alice.write(BOB, "when you are back")
    alice.sees_state(sent, "stored")
    laptop = people.again(laptop)
    laptop.hears("when you are back", alice.address)
    alice.sees_state(sent, "delivered")
    # The phone comes when everybody else has gone.
    laptop.goes()
    alice.goes()
    assert overlay.keeps(f"offline:{BOB}") == 1
    phone = people.again(phone)
    phone.hears("when you are back", alice.address)
    assert overlay.keeps(f"offline:{BOB}") == 1
    # Now both are there, and see that nobody lacks it any more.
    laptop = people.again(laptop)
    eventually(lambda: overlay.keeps(f"offline:{BOB}") == 0, "nothing waits any more")
    for device in (laptop, phone):
        texts = [message["text"] for message in device.conversation(alice.address)]
        assert texts.count("when you are back") == 1


def test_a_notice_finds_the_device_that_wrote(
    people: People, overlay: Overlay, devices: tuple[Agent, Agent, Agent]
) -> None:
    alice, laptop, phone = devices
    alice.goes()
    sent = phone.write(alice.address, "from the phone")
    phone.sees_state(sent, "stored")
    phone.goes()
    laptop.goes()
    alice = people.again(alice)
    alice.hears("from the phone", BOB)
    alice.on_line()
    alice.goes()
    laptop = people.again(laptop)
    laptop.on_line()
    phone = people.again(phone)

    def is_delivered() -> bool:
        message = phone.message(alice.address, sent)
        return message is not None and message["state"] == "delivered"

    eventually(is_delivered, "the message is delivered")
    eventually(lambda: overlay.keeps(f"offline:{BOB}") == 0, "nothing waits any more")


def _devices_known_to(agent: Agent) -> dict[str, int]:
    with sqlite3.connect(f"file:{_roster(agent)}?mode=ro", uri=True) as database:
        return dict(database.execute("SELECT name, seen FROM devices WHERE own = ?", (BOB,)))


def _roster(agent: Agent) -> Path:
    (file,) = agent.data.glob("**/roster.db")
    return file


def test_a_device_that_only_the_other_has_met_is_waited_for(
    people: People, overlay: Overlay, devices: tuple[Agent, Agent, Agent]
) -> None:
    alice, laptop, phone = devices
    laptop.goes()
    phone.goes()
    tablet = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
    with contextlib.closing(sqlite3.connect(_roster(phone))) as database, database:
        database.execute("INSERT INTO devices VALUES (?, ?, ?)", (BOB, tablet, int(time.time() * 1000)))
    sent = alice.write(BOB, "to all three")
    alice.sees_state(sent, "stored")
    laptop = people.again(laptop)
    phone = people.again(phone)
    for device in (laptop, phone):
        device.hears("to all three", alice.address)
    eventually(lambda: tablet in _devices_known_to(laptop), "the laptop knows of the tablet")
    alice.sees_state(sent, "delivered")
    assert overlay.keeps(f"offline:{BOB}") == 1
