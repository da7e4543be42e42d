"""Two people whom no authority knows invite each other by mail, in real Thunderbirds."""

from collections.abc import Callable

import pytest

from lib.mail import MailServer
from lib.person import Person
from lib.waiting import eventually

pytestmark = pytest.mark.timeout(600)


def test_an_invitation_by_mail_makes_both_keys_known(sit_down: Callable[..., Person], mail: MailServer) -> None:
    mail.empty()
    alice, bob = sit_down("Alice", None, mail), sit_down("Bob", None, mail)
    for person in (alice, bob):
        person.start()
        person.fetch_mail()
        person.chat.go_on_line()

    # Alice invites him; she sees the mail, and sends it.
    alice.thunderbird.click("#new-chat")
    alice.thunderbird.find("#new-chat-address").send_keys(bob.address)
    alice.thunderbird.click("#new-chat-invite")
    written = alice.composed()
    assert (written["from"], written["to"]) == (alice.address, [bob.address])
    assert written["attachments"] == ["invitation.corella-invitation"]
    assert "Corella" in written["text"]
    alice.send_mail()
    mail.letter("bob")

    # It is found in his mail. He accepts, sees the answer, and sends it.
    bob.chat.open(alice.address)
    bob.thunderbird.find("#invitation-panel")
    bob.screenshot("30-bob-is-invited")
    bob.thunderbird.click("#accept-invitation")
    answer = bob.composed()
    assert (answer["from"], answer["to"]) == (bob.address, [alice.address])
    bob.send_mail()
    mail.letter("alice")

    # It is found in hers: his key is known to her, and with her first message hers to him.
    alice.chat.open(bob.address)
    alice.thunderbird.find('#person-trust[data-trust="pinned"]')
    alice.screenshot("31-alice-knows-bob")
    alice.chat.write("you got my mail")
    bob.chat.sees("in", "you got my mail")
    bob.thunderbird.find('#person-trust[data-trust="pinned"]')
    bob.screenshot("32-bob-knows-alice")
    # What Corella has taken in is marked as read, here and at the server.
    eventually(lambda: mail.unseen("alice") == 0, "that the server knows it")
    eventually(lambda: [read for _, read in alice.inbox()] == [True], "that Thunderbird shows it")
