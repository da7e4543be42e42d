"""Two people at their Thunderbirds, on one small network."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.people import People
from lib.person import Person


@pytest.fixture
def network(people: People) -> list[str]:
    """A node for everyone to join the network by."""
    return people.node()


@pytest.fixture
def sit_down(scratch: Path, network: list[str], request: pytest.FixtureRequest) -> Iterator[Callable[[str], Person]]:
    """Makes people by name; what their screens show in the end is kept."""
    everyone: list[Person] = []

    def person(name: str) -> Person:
        everyone.append(Person(scratch / name.lower(), name, f"{name.lower()}@example.net", network))
        return everyone[-1]

    yield person
    try:
        # All before the first one goes: who is gone is off line on the others' screens.
        for one in everyone:
            one.screenshot(f"{request.node.name}-{one.name}-end".lower())
    finally:
        for one in everyone:
            one.end()
