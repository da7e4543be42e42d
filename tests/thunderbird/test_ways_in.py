"""The ways into the chat besides the address book: the buttons in Thunderbird's windows, and the notification."""

from collections.abc import Callable

import pytest

from lib.agent import Agent
from lib.main_window import MainWindow, Notification, put_mail
from lib.pages import add_contact
from lib.people import People
from lib.person import Person
from lib.waiting import eventually

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def bob(people: People, network: list[str]) -> Agent:
    return people.agent("bob", network)


def test_buttons_and_notification(sit_down: Callable[[str], Person], bob: Agent) -> None:
    alice = sit_down("Alice")
    put_mail(alice.thunderbird.profile, "Robert <bob@example.net>", "Lunch")
    alice.start()
    add_contact(alice.thunderbird, "Bob", bob.address)
    alice.chat.go_on_line()
    window = MainWindow(alice.thunderbird)

    # The button in the toolbar, in the mail and in the address book.
    window.open_mail()
    window.click_button()
    alice.chat.is_before_the_user()
    alice.address_book.choose("Bob")
    window.click_button()
    alice.chat.is_before_the_user()

    # A mail's button opens the conversation with its sender.
    window.read_mail()
    alice.screenshot("7-alice-reads-mail")
    window.click_button_of_mail()
    alice.chat.at(bob.address)
    alice.thunderbird.click("#add-buddy")
    bob.call("buddies/add", {"address": alice.address})

    # While Alice looks elsewhere, a message is announced and counted; a click shows it.
    window.open_mail()
    bob.write(alice.address, "Noon is fine")
    assert window.notification() == Notification("Bob", "Noon is fine")
    eventually(lambda: window.badge() == "1", "the count on the button")
    alice.screenshot("8-alice-is-notified")
    window.click_notification()
    alice.chat.at(bob.address)
    alice.chat.is_before_the_user()
    alice.chat.sees("in", "Noon is fine", "read")
    window.open_mail()
    eventually(lambda: window.badge() == "", "that nothing is unread")
