"""Certificates by mail in real Thunderbirds: the user presses one button, and nobody clicks between."""

from collections.abc import Callable

import pytest

from lib.certifier import Certifier
from lib.mail import DOMAIN, MailServer
from lib.pages import add_contact
from lib.person import Person
from lib.waiting import eventually

pytestmark = pytest.mark.timeout(900)

# The subjects, and whether they are read.
LETTERS = [("Your certificate for Corella", True), ("Your certificate for Corella, to keep", True)]


def arrive(person: Person, knows: str) -> None:
    """First start: one button, and then the tick."""
    person.start()
    person.fetch_mail()
    add_contact(person.thunderbird, knows, f"{knows.lower()}@{DOMAIN}")
    person.chat.go_on_line()
    person.thunderbird.click("#own-status")
    person.thunderbird.find('.certificate[data-trust="verified"]')


def test_two_people_get_their_certificates_and_chat(
    sit_down: Callable[..., Person], certifier: Certifier, mail: MailServer
) -> None:
    alice, bob = sit_down("Alice", certifier, mail), sit_down("Bob", certifier, mail)
    arrive(alice, "Bob")
    alice.screenshot("10-alice-is-certified")
    arrive(bob, "Alice")
    for person in (alice, bob):
        # Nobody need see the letters: both are read already.
        eventually(lambda one=person: sorted(one.inbox()) == LETTERS, f"{person.name}'s letters are read")
    for person, peer in ((alice, bob), (bob, alice)):
        person.address_book.click_sip_link(peer.name)
        person.chat.at(peer.address)
        person.thunderbird.click("#add-buddy, #accept-request")
    alice.chat.write("certified hello")
    bob.chat.sees("in", "certified hello")
    bob.thunderbird.find('#person-trust[data-trust="verified"]')
    bob.screenshot("11-bob-knows-alice")


def test_a_letter_that_came_before_is_found_and_letters_go_to_the_trash(
    sit_down: Callable[..., Person], certifier: Certifier, mail: MailServer
) -> None:
    alice = sit_down("Alice", certifier, mail)
    alice.start()
    alice.chat.go_on_line()
    alice.thunderbird.click("#own-status")
    alice.thunderbird.find('.certificate[data-enrolment="letter-coming"]')
    alice.screenshot("12-alice-waits-for-the-letter")
    mail.letter("alice")
    alice.thunderbird.click("#own-status-tidy-letters")
    # Thunderbird is closed and opened again: then the mail is fetched.
    alice.thunderbird.quit()
    alice.start()
    alice.fetch_mail()
    alice.chat.open_space()
    alice.thunderbird.click("#own-status")
    alice.thunderbird.find('.certificate[data-trust="verified"]')
    eventually(lambda: alice.inbox() == [], "the letters are in the trash")
