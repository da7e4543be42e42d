"""Alice's buddy list on a second device: kept and ended in Thunderbird's windows, fetched elsewhere with the secret."""

import shutil
from collections.abc import Callable

import pytest

from lib.agent import Agent
from lib.home import Home
from lib.pages import add_contact
from lib.people import People
from lib.person import Person
from lib.rpc import RpcError
from lib.waiting import eventually

SECRET = "copper lantern twelve"

pytestmark = pytest.mark.timeout(900)


def second_device(people: People, person: Person, network: list[str]) -> Agent:
    """An agent elsewhere with the same credential, which a backup would have brought there, and nothing else."""
    (keys,) = person.home.data.glob("corella/*/keys")
    home = Home(person.home.root.parent / "phone")
    data = home.root / "agent"
    shutil.copytree(keys / "identities", data / "keys" / "identities")
    return people.keep(Agent(home, person.address, network, data=data))


def test_the_buddy_list_comes_to_another_device(
    sit_down: Callable[[str], Person], people: People, network: list[str]
) -> None:
    people.node("second", network)
    alice = sit_down("Alice")
    alice.start()
    add_contact(alice.thunderbird, "Bob", "bob@example.net")
    alice.chat.go_on_line()
    alice.address_book.click_sip_link("Bob")
    alice.chat.at("bob@example.net")
    alice.thunderbird.click("#add-buddy")

    phone = second_device(people, alice, network)
    phone.on_line()
    with pytest.raises(RpcError) as error:
        phone.call("roaming/open", {"secret": SECRET})
    assert error.value.name == "wrong-secret"

    alice.thunderbird.click("#own-status")
    alice.thunderbird.click(".devices button")
    alice.thunderbird.find("#devices-secret").send_keys(SECRET)
    alice.thunderbird.find("#devices-secret-again").send_keys(SECRET)
    alice.screenshot("9-alice-keeps-her-list")
    alice.thunderbird.click("#devices-submit")
    alice.thunderbird.find('.devices[data-roaming="true"]')

    def opens() -> bool:
        try:
            return phone.call("roaming/open", {"secret": SECRET})["people"] == 1
        except RpcError as error:
            assert error.name == "wrong-secret"
            return False

    eventually(opens, "the phone finds the list")
    assert phone.buddy("bob@example.net")["consent"] == "buddy"

    # What is changed on the phone is so in Thunderbird.
    phone.call("buddies/block", {"address": "bob@example.net"})
    phone.call("presence/set", {"status": "busy", "note": "on the train"})
    alice.thunderbird.find('#own-status[data-status="busy"]')
    alice.thunderbird.find("#unblock")
    alice.screenshot("10-alice-blocked-bob-elsewhere")
