"""Authorities that the user adds from a file."""

import base64
from pathlib import Path
from typing import Any

import pytest

from lib.agent import Agent, befriend
from lib.openssl import authority, certificate_for, issue
from lib.people import People
from lib.rpc import RpcError
from lib.waiting import eventually

ALICE, BOB = "alice@example.net", "bob@example.net"


def names(agent: Agent, fingerprint: str) -> list[tuple[str, bool]]:
    """What an agent trusts, once the fingerprint of all of it is seen to be this."""
    listed = agent.call("authorities/list")["authorities"]
    assert [one["fingerprint"] for one in listed] in ([], [fingerprint])
    return [(one["name"], one["added"]) for one in listed]


def knows(agent: Agent, trust: str, how: str, name: str | None = None) -> bool:
    """Whether Bob sees Alice so."""
    buddy: Any = agent.buddy(ALICE)
    known = buddy.get("known", {})
    return (buddy.get("trust"), known.get("how"), known.get("authority")) == (trust, how, name)


def test_an_authority_from_a_file_is_trusted_at_once_until_it_is_removed(people: People, scratch: Path) -> None:
    ca = authority("Elsewhere", scratch / "ca")
    hers = issue(ca, ALICE, scratch / "alice")
    node = people.node()
    alice, bob = people.agent("alice", node, hers.arguments), people.agent("bob", node)
    alice.on_line()
    bob.on_line()
    [identity] = alice.call("identity/list")["identities"]
    befriend(alice, bob)
    eventually(lambda: knows(bob, "unverified", "first"), "Bob knows her by the first key seen")
    assert bob.buddy(ALICE)["key"] == identity["key"] != identity["fingerprint"]

    pem = ca.certificate
    assert bob.call("authorities/inspect", {"file": base64.b64encode(ca.der).decode()}) == bob.call(
        "authorities/inspect", {"file": pem}
    )
    [found] = bob.call("authorities/inspect", {"file": pem})["authorities"]
    assert (found["name"], found["fingerprint"]) == ("Elsewhere", ca.fingerprint)
    assert names(bob, ca.fingerprint) == [], "looking at a file trusts nobody"
    with pytest.raises(RpcError) as error:
        bob.call("authorities/add", {"file": pem, "fingerprint": hers.fingerprint})
    assert error.value.name == "invalid-params"

    bob.call("authorities/add", {"file": pem, "fingerprint": ca.fingerprint})
    assert names(bob, ca.fingerprint) == [("Elsewhere", True)]
    eventually(lambda: knows(bob, "verified", "authority", "Elsewhere"), "Bob sees who vouches for her")
    bob = people.again(bob)
    bob.on_line()
    assert names(bob, ca.fingerprint) == [("Elsewhere", True)], "it is kept"
    assert knows(bob, "verified", "authority", "Elsewhere")

    bob.call("authorities/remove", {"fingerprint": ca.fingerprint})
    assert names(bob, ca.fingerprint) == []
    eventually(lambda: knows(bob, "unverified", "first"), "nobody vouches for her any more")
    written = bob.write(ALICE, "still you")
    bob.sees_state(written, "delivered")
    bob = people.again(bob)
    bob.on_line()
    assert names(bob, ca.fingerprint) == []


def test_what_the_configuration_names_is_removed_there(people: People, scratch: Path) -> None:
    ca = authority("Elsewhere", scratch / "ca")
    alice = people.agent("alice", [], ["--trust", str(ca.certificate_file)])
    alice.on_line()
    assert names(alice, ca.fingerprint) == [("Elsewhere", False)]
    with pytest.raises(RpcError) as error:
        alice.call("authorities/remove", {"fingerprint": ca.fingerprint})
    assert error.value.name == "invalid-params"
    alice.call("authorities/add", {"file": ca.certificate, "fingerprint": ca.fingerprint})
    assert names(alice, ca.fingerprint) == [("Elsewhere", False)]


def test_what_is_no_authority_is_none(people: People, scratch: Path) -> None:
    alice = people.agent("alice")
    alice.on_line()
    ca = authority("Elsewhere", scratch / "ca")
    person = certificate_for(BOB, scratch / "bob")
    for file, detail in [
        ("", "unreadable"),
        ("AAAA", "unreadable"),
        ("-----BEGIN CERTIFICATE-----\n", "unreadable"),
        (person.certificate, "no-authority"),
        (base64.b64encode(person.der).decode(), "no-authority"),
        (ca.certificate + person.certificate, "no-authority"),
        (ca.certificate * 600, "too-large"),
    ]:
        for method, more in [("inspect", {}), ("add", {"fingerprint": ca.fingerprint})]:
            with pytest.raises(RpcError) as error:
                alice.call(f"authorities/{method}", {"file": file, **more})
            assert (error.value.name, error.value.data.get("detail")) == ("bad-certificate", detail)
    assert names(alice, ca.fingerprint) == []
