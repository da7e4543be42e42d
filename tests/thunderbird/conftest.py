"""Two people at their Thunderbirds, on one small network."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.certifier import Certifier
from lib.mail import DOMAIN, MailServer
from lib.people import People
from lib.person import Person


@pytest.fixture
def network(people: People) -> list[str]:
    """A node for everyone to join the network by."""
    return people.node()


@pytest.fixture
def sit_down(scratch: Path, network: list[str], request: pytest.FixtureRequest) -> Iterator[Callable[..., Person]]:
    """Makes people by name; what their screens show in the end is kept."""
    everyone: list[Person] = []

    def person(
        name: str, certifier: Certifier | None = None, mail: MailServer | None = None, device: str = ""
    ) -> Person:
        domain = DOMAIN if mail is not None else "example.net"
        address = f"{name.lower()}@{domain}"
        root = scratch / f"{name.lower()}{device}"
        everyone.append(Person(root, name, address, network, certifier, mail))
        return everyone[-1]

    yield person
    try:
        # All before the first one goes: who is gone is off line on the others' screens.
        for one in everyone:
            one.screenshot(f"{request.node.name}-{one.home.root.name}-end".lower())
    finally:
        for one in everyone:
            one.end()
