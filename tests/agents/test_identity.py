"""Whose key it is: certificates for another address, and two keys for one address."""

from pathlib import Path
from typing import Any

import pytest

from lib.agent import Agent, befriend
from lib.openssl import authority, certificate_for, issue
from lib.overlay import claims
from lib.people import People
from lib.rpc import RpcError
from lib.waiting import eventually

ALICE, BOB, MALLORY = "alice@example.net", "bob@example.net", "mallory@example.net"


def test_a_certificate_for_another_address_is_refused(people: People, scratch: Path) -> None:
    mallory = certificate_for(MALLORY, scratch / "m")
    agent = people.agent("alice", more=mallory.arguments)
    assert agent.process.ended(within=30) == 1
    log = agent.process.log.read_text()
    assert ALICE in log and "panicked" not in log


def test_a_key_that_does_not_fit_is_refused(people: People, scratch: Path) -> None:
    alice, mallory = certificate_for(ALICE, scratch / "a"), certificate_for(MALLORY, scratch / "m")
    mixed = ["--certificate", str(alice.certificate_file), "--key", str(mallory.key_file)]
    agent = people.agent("alice", more=mixed)
    assert agent.process.ended(within=30) == 1
    assert "panicked" not in agent.process.log.read_text()


def test_an_issued_certificate_is_verified_by_who_trusts_its_authority(people: People, scratch: Path) -> None:
    ca = authority("Example CA", scratch / "ca")
    issued = issue(ca, BOB, scratch / "bob")
    node = people.node()
    trusting = people.agent("alice", node, ["--trust", str(ca.certificate_file)])
    other = people.agent("carol", node)
    bob = people.agent("bob", node, issued.arguments)
    for agent in (trusting, other, bob):
        agent.on_line()
    befriend(trusting, bob)
    befriend(other, bob)
    bob.write(trusting.address, "for Alice")
    bob.write(other.address, "for Carol")
    assert trusting.hears("for Alice", BOB)["trust"] == "verified"
    assert other.hears("for Carol", BOB)["trust"] == "unverified"
    assert trusting.buddy(BOB)["fingerprint"] == issued.fingerprint
    (identity,) = bob.call("identity/list")["identities"]
    assert identity["fingerprint"] == issued.fingerprint and "Example CA" in identity["issuer"]


def two_bobs(people: People, node: list[str]) -> tuple[Agent, Agent]:
    """Two who both say they are Bob, each with a key of its own."""
    first = people.agent("bob", node)
    second = people.agent("impostor", node, address=BOB)
    return first, second


def question(agent: Agent) -> Any:  # noqa: ANN401
    """Waits until the user must decide about Bob's key."""

    def asks(params: Any) -> bool:  # noqa: ANN401
        return params["address"] == BOB and bool(params.get("buddy", {}).get("question"))

    return agent.wait("buddies/changed", asks).params["buddy"]["question"]


def fingerprint(agent: Agent) -> str:
    return agent.call("identity/list")["identities"][0]["fingerprint"]


def test_two_keys_for_one_address_are_a_question(people: People, scratch: Path) -> None:
    node = people.node()
    bob, impostor = two_bobs(people, node)
    bob.on_line()
    impostor.on_line()
    alice = people.agent("alice", node)
    alice.on_line()
    for each in (bob, impostor):
        each.befriend(alice)
    eventually(lambda: claims(scratch / "node", BOB) == 2, "that both have said that they are Bob")
    alice.call("buddies/add", {"address": BOB})
    written = alice.write(BOB, "which Bob?")
    asked = question(alice)
    assert asked["kind"] == "several"
    candidates = {candidate["fingerprint"] for candidate in asked["candidates"]}
    assert candidates == {fingerprint(bob), fingerprint(impostor)}
    waiting = alice.sees_state(written, "pending", because="question")
    assert alice.message(BOB, written) == waiting
    answered = alice.call("buddies/accept", {"address": BOB, "fingerprint": fingerprint(bob)})
    assert (answered["trust"], answered["fingerprint"]) == ("pinned", fingerprint(bob))
    assert bob.hears("which Bob?", ALICE)["id"] == written
    alice.sees_state(written, "delivered")
    assert impostor.conversation(ALICE) == []


def test_who_writes_first_is_not_thereby_who_the_user_means(people: People, scratch: Path) -> None:
    node = people.node()
    bob, impostor = two_bobs(people, node)
    alice = people.agent("alice", node)
    for agent in (bob, impostor, alice):
        agent.on_line()
    eventually(lambda: claims(scratch / "node", BOB) == 2, "that both have said that they are Bob")
    impostor.write(ALICE, "it is me")
    assert alice.hears("it is me", BOB)["request"]
    alice.call("buddies/accept", {"address": BOB})
    assert {one["fingerprint"] for one in question(alice)["candidates"]} == {fingerprint(bob), fingerprint(impostor)}
    secret = alice.write(BOB, "my secret")
    alice.call("buddies/accept", {"address": BOB, "fingerprint": fingerprint(bob)})
    assert bob.hears("my secret", ALICE)["id"] == secret
    assert [message["text"] for message in impostor.conversation(ALICE)] == ["it is me"]
    eventually(
        lambda: [one["text"] for one in alice.conversation(BOB)] == ["my secret"], "that the impostor's words go"
    )


def test_a_changed_key_is_a_question_and_never_used_silently(people: People) -> None:
    node = people.node()
    alice = people.agent("alice", node)
    alice.on_line()
    bob, impostor = people.agent("bob", node), None
    bob.on_line()
    befriend(alice, bob)
    first = alice.write(BOB, "hello")
    alice.sees_state(first, "delivered")
    known = alice.buddy(BOB)["fingerprint"]
    bob.process.kill()
    impostor = people.agent("impostor", node, address=BOB)
    impostor.on_line()
    impostor.befriend(alice)
    impostor.write(ALICE, "it is me, Bob")
    secret = alice.write(BOB, "the secret")
    # The true Bob's records may still be there: then there are two candidates, but never the new one alone.
    asked = question(alice)
    assert fingerprint(impostor) in {candidate["fingerprint"] for candidate in asked["candidates"]}
    buddy = alice.buddy(BOB)
    assert buddy["fingerprint"] == known
    # Written before the question came up, it may wait in the overlay: sealed to the known key, as the end shows.
    assert alice.message(BOB, secret)["state"] in ("pending", "stored")
    assert all(message["text"] != "it is me, Bob" for message in alice.conversation(BOB))
    assert impostor.conversation(ALICE) == [] or all(
        message["direction"] == "out" for message in impostor.conversation(ALICE)
    )
    alice.call("buddies/accept", {"address": BOB, "fingerprint": known})
    impostor.process.kill()
    bob = people.again(bob)
    assert bob.hears("the secret", ALICE)["id"] == secret


@pytest.mark.parametrize("fingerprint", ["0" * 64, "short", "", "G" * 64])
def test_only_a_candidate_answers_the_question(people: People, fingerprint: str) -> None:
    alice = people.agent("alice")
    alice.on_line()
    alice.call("buddies/add", {"address": BOB})
    with pytest.raises(RpcError) as refusal:
        alice.call("buddies/accept", {"address": BOB, "fingerprint": fingerprint})
    assert refusal.value.name in ("invalid-params", "bad-certificate")
    assert "fingerprint" not in alice.buddy(BOB)
