"""Ten agents on one network: everyone writes to everyone."""

import pytest

from lib.agent import Agent, befriend
from lib.people import People
from lib.waiting import eventually

NAMES = ["ann", "ben", "cleo", "dan", "eve", "finn", "gus", "hana", "ivo", "jo"]


@pytest.mark.timeout(600)
def test_everyone_to_everyone_once_and_in_order(people: People, is_long: bool) -> None:
    lines = 30 if is_long else 3
    node = people.node()
    agents = [people.agent(name, node) for name in NAMES]
    for agent in agents:
        agent.on_line()
    befriend(*agents)
    pairs = [(one, other) for one in agents for other in agents if one is not other]
    assert len(pairs) == 90
    for line in range(lines):
        asked = [(one, one.ask("messages/send", message(one, other, line))) for one, other in pairs]
        for one, number in asked:
            one.result(number)
    for one, other in pairs:
        expected = [text(one, other, line) for line in range(lines)]
        eventually(lambda o=one, r=other: len(heard(o, r)) >= lines, f"{one.address} at {other.address}", patience=240)
        assert heard(one, other) == expected
    for one, other in pairs:
        eventually(lambda o=one, r=other: all_delivered(o, r), f"notices of {other.address}", patience=120)


def text(one: Agent, other: Agent, line: int) -> str:
    return f"{one.address} to {other.address}, line {line}"


def message(one: Agent, other: Agent, line: int) -> dict[str, str]:
    return {"to": other.address, "text": text(one, other, line)}


def heard(one: Agent, other: Agent) -> list[str]:
    """What `other` has of `one`, in display order."""
    return [entry["text"] for entry in other.conversation(one.address) if entry["direction"] == "in"]


def all_delivered(one: Agent, other: Agent) -> bool:
    return all(
        entry["state"] in ("delivered", "read")
        for entry in one.conversation(other.address)
        if entry["direction"] == "out"
    )
