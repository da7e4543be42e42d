"""A certificate from elsewhere, in a file that `openssl` made."""

import base64
from pathlib import Path

import pytest

from lib.agent import Agent, befriend
from lib.certifier import Certifier
from lib.mail import DOMAIN
from lib.openssl import authority, certificate_for, issue, pkcs12
from lib.people import People
from lib.rpc import RpcError
from lib.waiting import eventually

ALICE, BOB = "alice@example.net", "bob@example.net"


def bring(agent: Agent, file: bytes, passphrase: str, address: str = ALICE) -> dict[str, object]:
    """The user chooses the file."""
    params = {"address": address, "file": base64.b64encode(file).decode(), "passphrase": passphrase}
    return agent.call("identity/importFile", params)


@pytest.mark.parametrize("protection", [[], ["-legacy"]], ids=["today", "of-old"])
def test_who_has_a_certificate_uses_it(people: People, scratch: Path, protection: list[str]) -> None:
    ca = authority("Elsewhere", scratch / "ca")
    hers = issue(ca, ALICE, scratch / "alice")
    trusting = ["--trust", str(ca.certificate_file)]
    node = people.node()
    alice = people.agent("alice", node, trusting)
    bob = people.agent("bob", node, trusting)
    alice.on_line()
    bob.on_line()
    identity = bring(alice, pkcs12(hers, ca, "pässword", *protection), "pässword")
    assert (identity["trust"], identity["fingerprint"]) == ("verified", hers.fingerprint)
    befriend(alice, bob)
    written = bob.write(ALICE, "hello")
    bob.sees_state(written, "delivered")
    eventually(lambda: bob.buddy(ALICE)["trust"] == "verified", "Bob sees it")
    # It is kept.
    alice = people.again(alice)
    alice.on_line()
    assert alice.call("identity/list")["identities"][0]["fingerprint"] == hers.fingerprint


def test_what_does_not_fit_has_a_name_and_changes_nothing(people: People, scratch: Path) -> None:
    alice = people.agent("alice")
    alice.on_line()
    before = alice.call("identity/list")
    ca = authority("Elsewhere", scratch / "ca")
    hers, his = certificate_for(ALICE, scratch / "alice"), certificate_for(BOB, scratch / "bob")
    good = pkcs12(hers, None, "secret")
    for file, passphrase, name, detail in [
        (good, "Secret", "wrong-passphrase", None),
        (good, "", "wrong-passphrase", None),
        (good[:200], "secret", "bad-certificate", "unreadable"),
        (hers.certificate.encode(), "secret", "bad-certificate", "unreadable"),
        (pkcs12(his, None, "secret"), "secret", "bad-certificate", "other-address"),
        (pkcs12(ca, None, "secret"), "secret", "bad-certificate", "other-address"),
        (bytes(300_000), "secret", "bad-certificate", "too-large"),
    ]:
        with pytest.raises(RpcError) as error:
            bring(alice, file, passphrase)
        assert (error.value.name, error.value.data.get("detail")) == (name, detail)
    with pytest.raises(RpcError) as error:
        alice.call("identity/importFile", {"address": ALICE, "file": "?", "passphrase": ""})
    assert error.value.name == "invalid-params"
    assert alice.call("identity/list") == before


def test_a_file_ends_what_was_asked_of_an_authority(people: People, certifier: Certifier, scratch: Path) -> None:
    """The certificate of the file stays, though a letter for the former key comes later."""
    ca = authority("Elsewhere", scratch / "ca")
    hers = issue(ca, f"alice@{DOMAIN}", scratch / "alice")
    both = scratch / "both.pem"
    both.write_text(ca.certificate + (certifier.folder / "root.pem").read_text())
    more = ["--trust", str(both), "--authority", f"http://{certifier.at}"]
    alice = people.agent("alice", [], more, f"alice@{DOMAIN}")
    eventually(lambda: alice.call("identity/list")["identities"][0].get("enrolment"), "that a certificate is asked for")
    identity = bring(alice, pkcs12(hers, ca, "secret"), "secret", f"alice@{DOMAIN}")
    assert (identity["fingerprint"], identity["trust"], "enrolment" in identity) == (
        hers.fingerprint,
        "verified",
        False,
    )
    assert list(alice.data.glob("keys/identities/*/request")) == []
