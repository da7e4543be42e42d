"""Alice and Bob, each in their own real Thunderbird, through the user interface alone."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from lib.pages import add_contact
from lib.person import Person
from lib.waiting import eventually

# The promise to the user: presence is the truth within this many seconds.
TRUTH = 10.0

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def alice(sit_down: Callable[[str], Person]) -> Person:
    return arrive(sit_down("Alice"), knows="Bob")


@pytest.fixture
def bob(sit_down: Callable[[str], Person]) -> Person:
    return arrive(sit_down("Bob"), knows="Alice")


def arrive(person: Person, knows: str) -> Person:
    """First start: someone with one contact goes on line."""
    person.start()
    add_contact(person.thunderbird, knows, f"{knows.lower()}@example.net")
    person.chat.go_on_line()
    return person


def meet(one: Person, other: Person) -> None:
    """Each opens the other's conversation from the address book and adds the other."""
    for person, peer in ((one, other), (other, one)):
        person.address_book.click_sip_link(peer.name)
        person.chat.at(peer.address)
        person.thunderbird.click("#add-buddy, #accept-request")
    for person in (one, other):
        eventually(lambda p=person: p.chat.presence() == "online", f"presence at {person.name}'s")


def test_the_main_job(alice: Person, bob: Person) -> None:
    alice.screenshot("1-alice-on-line")
    meet(alice, bob)
    alice.chat.write("hello Bob")
    bob.chat.sees("in", "hello Bob")
    alice.chat.sees("out", "hello Bob", "delivered")
    bob.chat.write("hello Alice, 你好 🙂")
    alice.chat.sees("in", "hello Alice, 你好 🙂")
    alice.screenshot("2-alice-chats")
    bob.screenshot("2-bob-chats")

    # The restart: everything is there again.
    alice.thunderbird.quit()
    alice.start()
    alice.chat.open_space()
    alice.chat.open(bob.address)
    alice.chat.sees("out", "hello Bob")
    alice.chat.sees("in", "hello Alice, 你好 🙂")

    # The search: both messages, marked; a click shows the conversation at the message.
    found = alice.chat.search("hello")
    assert {one.text for one in found} == {"hello Bob", "hello Alice, 你好 🙂"}
    assert all(one.marks == ["hello"] for one in found)
    alice.screenshot("3-alice-searches")
    alice.chat.open_result(found[0].id)
    alice.screenshot("4-alice-found")
    (two_characters,) = alice.chat.search("你好")
    assert two_characters.marks == ["你好"]


def test_a_host_killed_in_a_conversation_recovers(alice: Person, bob: Person) -> None:
    meet(alice, bob)
    alice.chat.write("before")
    bob.chat.sees("in", "before")
    (host,) = bob.hosts()
    host.kill()
    alice.chat.write("meanwhile")
    bob.chat.sees("in", "meanwhile")
    eventually(lambda: bob.chat.notice() == "", "that Bob's Thunderbird is content again")
    assert [one.pid for one in bob.hosts()] != [host.pid]
    bob.chat.write("after")
    alice.chat.sees("in", "after")
    assert [line.text for line in bob.chat.lines()] == ["before", "meanwhile", "after"]
    for person in (alice, bob):
        eventually(lambda p=person: p.chat.presence() == "online", f"presence at {person.name}'s, all being well")


def test_a_message_for_someone_away_arrives_later(alice: Person, bob: Person) -> None:
    meet(alice, bob)
    bob.thunderbird.quit()
    eventually(lambda: alice.chat.presence() == "offline", "that Bob is away")
    alice.chat.write("see you later")
    alice.chat.sees("out", "see you later", "stored")
    alice.screenshot("5-alice-writes-to-someone-away")
    bob.start()
    bob.chat.open_space()
    bob.chat.open(alice.address)
    bob.chat.sees("in", "see you later")
    alice.chat.sees("out", "see you later", "delivered")


def test_presence_in_chat_and_address_book_is_the_truth(alice: Person, bob: Person) -> None:
    meet(alice, bob)

    def is_seen(status: str, begun: float, what: str) -> None:
        """Alice sees it in both places within the time promised."""
        alice.address_book.choose(bob.name)
        eventually(lambda: alice.address_book.shows(status), f"{status} in the address book after {what}")
        assert time.monotonic() - begun <= TRUTH, what
        alice.screenshot(f"6-address-book-{status}-after-{what}")
        alice.chat.at(bob.address)
        eventually(lambda: alice.chat.presence() == status, f"{status} in the chat after {what}")
        assert time.monotonic() - begun <= TRUTH, what

    begun = time.monotonic()
    bob.thunderbird.quit()
    is_seen("offline", begun, "a clean exit")
    begun = time.monotonic()
    bob.start()
    is_seen("online", begun, "a start")
    pids = [one.pid for one in bob.hosts()]
    assert pids
    begun = time.monotonic()
    # First the host, so that it cannot say good-bye; then Thunderbird, so that nobody starts it again.
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    bob.thunderbird.kill()
    is_seen("offline", begun, "kill -9")
