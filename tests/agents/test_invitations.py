"""Invitations by mail between running agents; the test carries the mails."""

from pathlib import Path
from typing import Any

from lib.agent import Agent
from lib.openssl import certificate_for
from lib.people import People
from lib.waiting import eventually

ALICE, BOB, CAROL = "alice@example.net", "bob@example.net", "carol@example.net"


def read(agent: Agent, mail: dict[str, str], sender: str | None = None) -> tuple[str, str | None]:
    """A mail comes that says it is from `sender`; what it was, and why it is worth nothing."""
    params = {"from": sender or mail["from"], "content": mail["content"]}
    said = agent.call("invitations/read", params)
    return said["outcome"], said.get("reason")


def known(agent: Agent, address: str) -> tuple[str | None, str | None]:
    """How somebody is known."""
    buddy: Any = agent.buddy(address) or {}
    return buddy.get("trust"), buddy.get("known", {}).get("how")


def test_keys_are_known_when_what_was_mailed_came_back(people: People) -> None:
    node = people.node()
    alice, bob = people.agent("alice", node), people.agent("bob", node)
    alice.on_line()
    bob.on_line()
    mail = alice.call("invitations/write", {"to": BOB})
    assert (mail["from"], mail["to"], alice.buddy(BOB)["invitation"]) == (ALICE, BOB, "sent")
    assert read(bob, mail) == ("offered", None)
    assert read(bob, mail) == ("known", None)
    assert bob.buddy(ALICE)["invitation"] == "offered"
    answer = bob.call("invitations/accept", {"address": ALICE})
    assert (answer["from"], answer["to"], bob.buddy(ALICE)["invitation"]) == (BOB, ALICE, "answered")
    eventually(lambda: known(bob, ALICE) == ("unverified", "first"), "Bob has met her")
    # All of it is kept while the answer is on its way.
    alice, bob = people.again(alice), people.again(bob)
    alice.on_line()
    bob.on_line()
    assert read(alice, answer) == ("accepted", None)
    assert known(alice, BOB) == ("pinned", "invitation")
    alice.write(BOB, "you got my mail")
    bob.hears("you got my mail", ALICE)
    eventually(lambda: known(bob, ALICE) == ("pinned", "invitation"), "it came back with her message")
    assert "invitation" not in bob.buddy(ALICE) and "invitation" not in alice.buddy(BOB)


def test_mails_of_others_make_nobody_known(people: People, scratch: Path) -> None:
    node = people.node()
    alice, bob, carol = (people.agent(name, node) for name in ("alice", "bob", "carol"))
    for agent in (alice, bob, carol):
        agent.on_line()
    # Mallory makes a certificate in Alice's name, and takes part in no network.
    hers = certificate_for(ALICE, scratch / "mallory")
    mallory = people.agent("mallory", [], [*hers.arguments], ALICE)
    mallory.on_line()
    forged = mallory.call("invitations/write", {"to": BOB})
    # What the mail program says of the sender has to be what is in it.
    assert read(bob, forged, CAROL) == ("refused", "other-sender")
    assert read(carol, forged) == ("refused", "other-recipient")
    # A forged From: Bob is asked, and his answer goes to Alice's own mailbox, who knows nothing of it.
    assert read(bob, forged) == ("offered", None)
    answer = bob.call("invitations/accept", {"address": ALICE})
    assert answer["to"] == ALICE
    assert read(alice, answer) == ("refused", "unknown")
    eventually(lambda: known(bob, ALICE) == ("unverified", "first"), "Bob has met Alice")
    [identity] = alice.call("identity/list")["identities"]
    assert bob.buddy(ALICE)["key"] == identity["key"], "not the key in the forged mail"

    # Alice invites Bob. Carol, and Mallory in his name, answer without having read his mail.
    alice.call("invitations/write", {"to": BOB})
    in_his_name = people.agent("false-bob", [], certificate_for(BOB, scratch / "false-bob").arguments, BOB)
    in_his_name.on_line()
    assert read(in_his_name, mallory.call("invitations/write", {"to": BOB})) == ("offered", None)
    guess = in_his_name.call("invitations/accept", {"address": ALICE})
    assert read(alice, guess) == ("refused", "unknown")
    assert known(alice, BOB)[0] != "pinned"

    # Something else, or something changed, is nothing.
    for content in ("", "hello", forged["content"][:-40], forged["content"].replace("A", "B")):
        outcome, reason = read(bob, {**forged, "content": content})
        assert outcome == "refused" and reason in ("unreadable", "bad-signature"), content
    eventually(lambda: known(bob, ALICE) == ("unverified", "first"), "nothing has changed")
