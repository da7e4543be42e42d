"""What a certificate is worth to peers: nobody takes the place of somebody whom an authority has verified."""

from collections.abc import Callable

from authority.test_enrolment import hand, identity, is_verified, letter_to
from lib.agent import befriend
from lib.certifier import Certifier
from lib.mail import DOMAIN, MailServer
from lib.people import People
from lib.waiting import eventually

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


def test_who_was_verified_is_not_followed_by_somebody_who_vouches_for_himself(
    people: People, found: Callable[..., Certifier], mail: MailServer
) -> None:
    certifier = found()
    certifier.serve()
    node = people.node()
    trusting = ["--trust", str(certifier.folder / "root.pem")]
    alice = people.agent("alice", node, trusting, ALICE)
    bob = people.agent("bob", node, [*trusting, "--authority", f"http://{certifier.at}"], BOB)
    assert hand(bob, letter_to(mail, "bob").get_content())
    is_verified(bob)
    befriend(alice, bob)
    eventually(lambda: alice.buddy(BOB).get("trust") == "verified", "that Alice knows him")
    true = identity(bob)["fingerprint"]
    bob.process.kill()

    impostor = people.agent("impostor", node, trusting, BOB)
    impostor.on_line()
    impostor.call("buddies/add", {"address": ALICE})
    impostor.write(ALICE, "I have a new computer")
    secret = alice.write(BOB, "for Bob only")
    eventually(lambda: "question" in alice.buddy(BOB), "that Alice is asked")
    asked = alice.buddy(BOB)
    assert asked["question"]["kind"] == "changed"
    # Bob's own certificate may be among those to choose from; the impostor's is worth nothing.
    of_impostor = identity(impostor)["fingerprint"]
    worth = {one["fingerprint"]: one["trust"] for one in asked["question"]["candidates"]}
    assert worth[of_impostor] == "unverified"
    assert (asked["fingerprint"], asked["trust"]) == (true, "verified")
    assert alice.message(BOB, secret)["state"] == "pending"
    assert impostor.conversation(ALICE)[0]["text"] == "I have a new computer"
    assert len(impostor.conversation(ALICE)) == 1
    assert alice.conversation(BOB)[-1]["text"] == "for Bob only"
