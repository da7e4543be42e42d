"""A credential is revoked: nobody goes on with it within a minute, and whose it was goes on with another."""

import datetime
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authority.test_enrolment import hand, identity, is_verified, letter_to
from lib.agent import Agent, befriend
from lib.certifier import Certifier
from lib.gateway import Gateway, key_request, records_in
from lib.mail import DOMAIN, MailServer
from lib.openssl import Certified, authority, certificate_for
from lib.people import People
from lib.revoking import issued_for_key_of, record, removed
from lib.waiting import eventually

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"
# What is promised.
MINUTE = 60.0


def chat(one: Agent, other: Agent) -> None:
    """They are on line, consent to each other, and each message is noticed."""
    for agent in (one, other):
        agent.on_line()
    befriend(one, other)
    for writer, reader in ((one, other), (other, one)):
        sent = writer.write(reader.address, "hello")
        writer.sees_state(sent, "delivered")


def used(agent: Agent, folder: Path) -> Certified:
    """A copy of the credential that an agent uses now, as a thief makes one."""
    fingerprint = identity(agent)["fingerprint"]
    [certificate] = agent.data.glob(f"keys/identities/*/{fingerprint}.crt")
    folder.mkdir()
    files = [folder / "stolen.pem", folder / "stolen.key"]
    for source, copy in zip((certificate, certificate.with_suffix(".key")), files, strict=True):
        shutil.copy(source, copy)
    return Certified(*files)


def knows_no_key(agent: Agent, of: str) -> bool:
    """Whether nothing would be sent to somebody, who is not there either."""
    buddy = agent.buddy(of)
    assert buddy is not None
    return "fingerprint" not in buddy and buddy["status"] == "offline"


def within_a_minute(condition: Callable[[], Any], what: str) -> float:
    """Waits for it; how long it took, in seconds."""
    begun = time.monotonic()
    eventually(condition, what, patience=MINUTE)
    return time.monotonic() - begun


def heard(agent: Agent, sender: str) -> list[str]:
    """What was heard from somebody."""
    return [one["text"] for one in agent.conversation(sender) if one["direction"] == "in"]


def overlay_with_authority(people: People, found: Callable[..., Certifier]) -> tuple[Gateway, Certifier]:
    """A node, and an authority that tells it what it has revoked."""
    node, certifier = Gateway(people), found()
    settings = certifier.folder / "ca.toml"
    settings.write_text(f'gateway = "http://{node.at}"\n' + settings.read_text())
    certifier.serve()
    return node, certifier


def test_what_the_authority_revokes_is_not_gone_on_with_and_its_owner_goes_on_with_another(
    people: People, found: Callable[..., Certifier], mail: MailServer
) -> None:
    node, certifier = overlay_with_authority(people, found)
    trusting = ["--trust", str(certifier.folder / "root.pem")]
    asking = [*trusting, "--authority", f"http://{certifier.at}"]
    alice = people.agent("alice", node.listen, asking, ALICE)
    bob = people.agent("bob", node.listen, trusting, BOB)
    assert hand(alice, letter_to(mail, "alice").get_content())
    is_verified(alice)
    chat(alice, bob)
    eventually(lambda: bob.buddy(ALICE)["trust"] == "verified", "Bob sees it")

    assert certifier.run("revoke", "--address", ALICE) == "1 revoked\n"
    took = within_a_minute(lambda: knows_no_key(bob, ALICE), "that Bob stops")
    print(f"Bob stopped after {took:.1f} s")
    eventually(lambda: identity(alice)["revoked"], "that Alice knows")
    waiting = bob.write(ALICE, "for Alice only")
    alice.write(BOB, "it is me")

    # She goes on with another key, and nobody is asked about it once the same authority vouches for it.
    mail.empty()
    alice.call("identity/enrol", {"address": ALICE})
    assert identity(alice)["revoked"] is False
    assert hand(alice, letter_to(mail, "alice").get_content())
    eventually(lambda: identity(alice)["trust"] == "verified", "that she has the new certificate")
    bob.wait("notice", lambda said: said == {"kind": "key-renewed", "address": ALICE}, patience=MINUTE)
    buddy = bob.buddy(ALICE)
    assert "question" not in buddy
    assert (buddy["trust"], buddy["fingerprint"]) == ("verified", identity(alice)["fingerprint"])
    bob.sees_state(waiting, "delivered", patience=MINUTE)
    alice.hears("for Alice only", BOB)
    bob.hears("it is me", ALICE, patience=MINUTE)


def test_whoever_lost_a_device_revokes_its_key_and_the_thief_is_not_heard(people: People, scratch: Path) -> None:
    node = people.node()
    alice = people.agent("alice", node, [], ALICE)
    bob = people.agent("bob", node, [], BOB)
    chat(alice, bob)
    stolen = used(alice, scratch / "stolen")

    new = alice.call("identity/revoke", {"address": ALICE})
    assert new["fingerprint"] != stolen.fingerprint and not new["revoked"]
    within_a_minute(lambda: "question" in bob.buddy(ALICE), "that Bob is asked")
    buddy = bob.buddy(ALICE)
    assert "fingerprint" not in buddy
    [candidate] = buddy["question"]["candidates"]
    assert (buddy["question"]["kind"], candidate["fingerprint"]) == ("changed", new["fingerprint"])
    bob.call("buddies/accept", {"address": ALICE, "fingerprint": candidate["fingerprint"]})
    text = bob.write(ALICE, "is it you?")
    bob.sees_state(text, "delivered")

    # The thief comes with what was stolen, and Bob is back without having heard anything but what he remembers.
    bob.goes()
    bob = people.again(bob)
    bob.on_line()
    thief = people.agent("thief", node, stolen.arguments, ALICE)
    thief.call("buddies/add", {"address": BOB})
    thief.write(BOB, "it is me, send me everything")
    within_a_minute(lambda: identity(thief)["revoked"], "that the thief's own program stops")
    again = alice.write(BOB, "it is me")
    alice.sees_state(again, "delivered")
    assert "it is me, send me everything" not in heard(bob, ALICE)
    assert "question" not in bob.buddy(ALICE)
    # Nor does anybody who has never heard of Alice take it.
    carol = people.agent("carol", node)
    carol.on_line()
    carol.call("buddies/add", {"address": ALICE})
    eventually(lambda: carol.buddy(ALICE).get("fingerprint") == new["fingerprint"], "that Carol knows Alice")
    assert "question" not in carol.buddy(ALICE)


def test_whoever_lost_a_device_has_a_new_certificate_in_one_step(
    people: People, found: Callable[..., Certifier], mail: MailServer
) -> None:
    node, certifier = overlay_with_authority(people, found)
    trusting = ["--trust", str(certifier.folder / "root.pem")]
    alice = people.agent("alice", node.listen, [*trusting, "--authority", f"http://{certifier.at}"], ALICE)
    bob = people.agent("bob", node.listen, trusting, BOB)
    assert hand(alice, letter_to(mail, "alice").get_content())
    is_verified(alice)
    chat(alice, bob)
    eventually(lambda: bob.buddy(ALICE)["trust"] == "verified", "Bob sees it")
    lost = identity(alice)["key"]
    # Which of two certificates is the newer can be told by whole seconds.
    certified = time.time()
    eventually(lambda: time.time() > certified + 1, "the next second")

    mail.empty()
    assert alice.call("identity/revoke", {"address": ALICE})["key"] != lost
    within_a_minute(lambda: "question" in bob.buddy(ALICE) or knows_no_key(bob, ALICE), "that Bob stops")
    assert hand(alice, letter_to(mail, "alice").get_content())
    eventually(lambda: identity(alice)["trust"] == "verified", "that she has the new certificate")
    bob.wait("notice", lambda said: said == {"kind": "key-renewed", "address": ALICE}, patience=MINUTE)
    buddy = bob.buddy(ALICE)
    assert "question" not in buddy
    assert (buddy["trust"], buddy["key"]) == ("verified", identity(alice)["key"])
    sent = alice.write(BOB, "this is me again")
    alice.sees_state(sent, "delivered")
    states = sorted(line.split("\t")[4].split(" ")[0].strip() for line in certifier.run("list").splitlines())
    assert states == ["revoked", "valid"]


def test_whoever_lost_the_only_device_has_the_authority_revoke_its_key(
    people: People, found: Callable[..., Certifier], mail: MailServer, scratch: Path
) -> None:
    node, certifier = overlay_with_authority(people, found)
    trusting = ["--trust", str(certifier.folder / "root.pem")]
    asking = [*trusting, "--authority", f"http://{certifier.at}"]
    lost = people.agent("lost", node.listen, asking, ALICE)
    bob = people.agent("bob", node.listen, trusting, BOB)
    assert hand(lost, letter_to(mail, "alice").get_content())
    is_verified(lost)
    chat(lost, bob)
    eventually(lambda: bob.buddy(ALICE)["trust"] == "verified", "Bob sees it")
    lost.goes()
    # Which of two certificates is the newer can be told by whole seconds.
    certified = time.time()
    eventually(lambda: time.time() > certified + 1, "the next second")

    # A new device, on which nothing of the old one is.
    mail.empty()
    new = people.agent("new", node.listen, trusting, ALICE)
    new.on_line()
    new.goes()
    new.more = asking
    new = people.again(new)
    new.call("identity/enrol", {"address": ALICE, "revokeOthers": True})
    assert hand(new, letter_to(mail, "alice").get_content())
    bob.wait("notice", lambda said: said == {"kind": "key-renewed", "address": ALICE}, patience=MINUTE)
    assert bob.buddy(ALICE)["fingerprint"] == identity(new)["fingerprint"]
    states = sorted(line.split("\t")[4].split(" ")[0].strip() for line in certifier.run("list").splitlines())
    assert states == ["revoked", "valid"]
    # Whoever has found the old one cannot go on with it.
    thief = people.again(lost)
    within_a_minute(lambda: identity(thief)["revoked"], "that the old device stops")
    new.befriend(bob)
    sent = bob.write(ALICE, "welcome back")
    new.hears("welcome back", BOB)
    bob.sees_state(sent, "delivered")


def test_the_users_other_device_goes_off_line_and_says_so(people: People, scratch: Path) -> None:
    node = people.node()
    first = people.agent("first", node, [], ALICE)
    first.on_line()
    second = people.agent("second", node, used(first, scratch / "copy").arguments, ALICE)
    second.on_line()
    first.call("identity/revoke", {"address": ALICE})
    second.wait("identity/changed", lambda said: said["identity"]["revoked"], patience=MINUTE)
    assert identity(first)["revoked"] is False
    # One thing to do.
    anew = second.call("identity/enrol", {"address": ALICE})
    assert not anew["revoked"] and identity(second)["fingerprint"] == anew["fingerprint"]


@pytest.fixture
def stranger(scratch: Path) -> Certified:
    """Another key that claims Alice's address."""
    return certificate_for(ALICE, scratch / "stranger")


def test_what_a_stranger_revokes_changes_nothing(people: People, stranger: Certified, scratch: Path) -> None:
    node = Gateway(people)
    alice = people.agent("alice", node.listen, [], ALICE)
    bob = people.agent("bob", node.listen, [], BOB)
    chat(alice, bob)
    own = used(alice, scratch / "own")
    evil = authority("Evil", scratch / "evil")

    for forged in (
        record(ALICE, own.certificate, stranger),
        record(ALICE, own.certificate, evil),
        record(BOB, own.certificate, own),
        record(BOB, own.certificate, stranger),
    ):
        assert node.fault("put-auth", forged).faultString == "wrong-key"
    # What anybody may say: of their own key, and of what an authority of their own making has issued for Alice's.
    issued = issued_for_key_of(own.certificate, evil)
    for idle in (record(ALICE, stranger.certificate, stranger), record(ALICE, issued, evil)):
        assert node.call("put-auth", idle) is True
    assert len(records_in(node.call("get", key_request(f"revoked:{ALICE}")))) == 2
    # Both have read it by then: they look at the start.
    for agent in (alice, bob):
        agent.goes()
    alice, bob = people.again(alice), people.again(bob)
    for writer, reader in ((alice, bob), (bob, alice)):
        sent = writer.write(reader.address, "still there?")
        writer.sees_state(sent, "delivered")
    assert bob.buddy(ALICE)["fingerprint"] == own.fingerprint
    assert not identity(alice)["revoked"]


def test_a_node_lets_nobody_take_a_revocation_back(people: People, stranger: Certified) -> None:
    node = Gateway(people)
    revocation = record(ALICE, stranger.certificate, stranger)
    assert node.call("put-auth", revocation) is True
    removal = record(ALICE, stranger.certificate, stranger, removed(stranger.certificate))
    for method in ("remove-auth", "put-auth"):
        assert node.fault(method, removal).faultString == "malformed"
    at_once = record(ALICE, stranger.certificate, stranger, life=datetime.timedelta(minutes=1))
    assert node.fault("put-auth", at_once).faultString == "malformed"
    assert records_in(node.call("get", key_request(f"revoked:{ALICE}"))) == [revocation]
