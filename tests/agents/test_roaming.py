"""A user's buddy list and status are kept in the overlay for the user's other devices, under a secret."""

from pathlib import Path
from typing import Any

import pytest

from lib.agent import Agent
from lib.openssl import certificate_for
from lib.overlay import Overlay
from lib.people import People
from lib.rpc import RpcError
from lib.waiting import eventually

ALICE, BOB, CAROL, EVE = (f"{name}@example.net" for name in ("alice", "bob", "carol", "eve"))
SECRET = "correct horse battery"


@pytest.fixture
def overlay(people: People, scratch: Path) -> Overlay:
    """The nodes."""
    return Overlay(people, scratch)


@pytest.fixture
def devices(people: People, overlay: Overlay, scratch: Path) -> tuple[Agent, Agent]:
    """Alice's laptop and phone; only the laptop knows anybody."""
    alice = certificate_for(ALICE, scratch / "certificate")
    laptop = people.agent("laptop", overlay.way_in, alice.arguments, address=ALICE)
    phone = people.agent("phone", overlay.way_in, alice.arguments, address=ALICE)
    laptop.on_line()
    phone.on_line()
    laptop.call("buddies/add", {"address": BOB, "name": "Bob B."})
    laptop.call("buddies/block", {"address": EVE})
    return laptop, phone


def standing(agent: Agent) -> dict[str, tuple[str, str | None]]:
    """Who stands how with the user."""
    buddies = agent.call("buddies/list")["buddies"]
    return {buddy["address"]: (buddy["consent"], buddy.get("name")) for buddy in buddies}


def opens(agent: Agent, secret: str = SECRET, **more: bool) -> Any:  # noqa: ANN401
    """Opens what the devices keep for each other."""
    return agent.call("roaming/open", {"secret": secret, **more})


def refused(agent: Agent, secret: str) -> str:
    """The name of the error that a secret brings."""
    with pytest.raises(RpcError) as error:
        opens(agent, secret)
    return error.value.name


def roams(agent: Agent) -> bool:
    """Whether the device takes part."""
    (identity,) = agent.call("identity/list")["identities"]
    return identity["roaming"]


def test_the_list_comes_to_the_second_device_and_changes_go_both_ways(
    people: People, devices: tuple[Agent, Agent]
) -> None:
    laptop, phone = devices
    assert opens(laptop, create=True) == {"address": ALICE, "devices": 0, "people": 2}
    both = {BOB: ("buddy", "Bob B."), EVE: ("blocked", None)}

    def found() -> bool:
        try:
            return opens(phone) == {"address": ALICE, "devices": 1, "people": 2}
        except RpcError as error:
            assert error.name == "wrong-secret"
            return False

    eventually(found, "the phone finds the list")
    assert standing(phone) == both
    assert roams(laptop) and roams(phone)
    phone.call("buddies/remove", {"address": EVE})
    phone.call("buddies/add", {"address": CAROL})
    phone.call("presence/set", {"status": "away", "note": "on the road"})
    now = {BOB: ("buddy", "Bob B."), CAROL: ("buddy", None)}
    eventually(lambda: standing(laptop) == now, "the laptop has the phone's list")
    laptop.wait("status/changed", lambda status: status.get("note") == "on the road")
    assert laptop.call("status")["presence"] == "away"
    phone.call("settings/set", {"name": "addressBook", "value": "false"})
    laptop.wait("settings/changed", lambda setting: setting == {"name": "addressBook", "value": "false"})
    assert laptop.call("settings/list") == {"settings": {"addressBook": "false"}}
    # What one device does while the other is away comes when that is back.
    phone.goes()
    laptop.call("buddies/block", {"address": BOB})
    laptop.call("buddies/remove", {"address": CAROL})
    laptop.goes()
    phone = people.again(phone)
    eventually(lambda: standing(phone) == {BOB: ("blocked", "Bob B.")}, "the phone has caught up")


def test_a_wrong_secret_is_said_to_be_wrong_and_changes_nothing(devices: tuple[Agent, Agent]) -> None:
    laptop, phone = devices
    opens(laptop, create=True)
    assert refused(phone, "correct horse batterY") == "wrong-secret"
    assert refused(phone, "too short") == "short-secret"
    assert standing(phone) == {} and not roams(phone)
    eventually(lambda: found(phone), "the right one opens it")


def found(agent: Agent, secret: str = SECRET) -> bool:
    """Whether there is something under the secret by now."""
    try:
        opens(agent, secret)
    except RpcError:
        return False
    return True


def test_the_secret_is_nowhere_and_the_list_is_not_in_the_overlay(devices: tuple[Agent, Agent], scratch: Path) -> None:
    laptop, phone = devices
    opens(laptop, create=True)
    eventually(lambda: found(phone), "the phone finds the list")
    files = [file for file in scratch.rglob("*") if file.is_file()]
    assert len(files) > 10
    for file in files:
        held = file.read_bytes()
        assert SECRET.encode() not in held, file
        if "laptop" not in file.parts and "phone" not in file.parts:
            assert b"Bob B." not in held, file
    vaults = list(scratch.glob("*/agent/keys/identities/*/roaming"))
    assert len(vaults) == 2 and all(vault.stat().st_mode & 0o777 == 0o600 for vault in vaults)


def test_a_device_that_ends_it_takes_back_what_it_kept(devices: tuple[Agent, Agent]) -> None:
    laptop, phone = devices
    opens(laptop, create=True)
    eventually(lambda: found(phone), "the phone finds the list")
    phone.call("roaming/close")
    assert not roams(phone) and len(standing(phone)) == 2
    laptop.call("roaming/close")
    eventually(lambda: not found(phone), "nothing is left")
    assert refused(phone, SECRET) == "wrong-secret"
    assert standing(laptop) == {BOB: ("buddy", "Bob B."), EVE: ("blocked", None)}


def test_another_secret_takes_the_place_of_the_former(devices: tuple[Agent, Agent]) -> None:
    laptop, phone = devices
    opens(laptop, create=True)
    eventually(lambda: found(phone), "the phone finds the list")
    phone.call("roaming/close")
    another = "copper lantern twelve"
    assert opens(laptop, another, create=True)["people"] == 2
    eventually(lambda: found(phone, another), "the list is under the other secret")
    phone.call("roaming/close")
    assert refused(phone, SECRET) == "wrong-secret"


def test_a_copy_that_somebody_else_signed_is_nobodys_list(
    people: People, overlay: Overlay, devices: tuple[Agent, Agent], scratch: Path
) -> None:
    laptop, phone = devices
    opens(laptop, create=True)
    eventually(lambda: found(phone), "the phone finds the list")
    phone.call("roaming/close")
    # Whoever has another key for the address does not open it, though they know the secret: it is not theirs.
    impostor = people.agent("impostor", overlay.way_in, certificate_for(ALICE, scratch / "other").arguments, ALICE)
    impostor.on_line()
    assert refused(impostor, SECRET) == "wrong-secret"
    assert opens(impostor, create=True)["devices"] == 0
    assert opens(phone) == {"address": ALICE, "devices": 1, "people": 2}


def test_too_long_a_list_is_refused_and_not_half_kept(devices: tuple[Agent, Agent]) -> None:
    laptop, _ = devices
    for number in range(900):
        laptop.call("buddies/block", {"address": f"somebody-with-a-long-name-{number}@example.net"})
    with pytest.raises(RpcError) as error:
        opens(laptop, create=True)
    assert error.value.name == "list-too-long"
    assert not roams(laptop)


def test_nobody_can_be_asked(people: People) -> None:
    alone = people.agent("alone")
    alone.on_line()
    with pytest.raises(RpcError) as error:
        opens(alone, create=True)
    assert error.value.name == "not-online"
    assert not roams(alone)
