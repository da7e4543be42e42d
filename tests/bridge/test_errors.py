"""Errors by number and name, as the table in PROTOCOL.md has them."""

from pathlib import Path
from typing import Any

import pytest

from lib.native import NativeHost
from lib.openssl import certificate_for
from lib.rpc import RpcError

ALICE, BOB = "alice@example.net", "bob@example.net"
LONGEST_TEXT = 32_768


def refused(host: NativeHost, method: str, params: Any = None) -> RpcError:  # noqa: ANN401
    with pytest.raises(RpcError) as refusal:
        host.call(method, params)
    return refusal.value


@pytest.fixture
def greeted(host: NativeHost) -> NativeHost:
    host.hello()
    return host


@pytest.fixture
def alice(greeted: NativeHost) -> NativeHost:
    greeted.enrol(ALICE)
    return greeted


def test_an_unknown_method(greeted: NativeHost) -> None:
    for method in ("messages/burn", "", "hello ", "Status", "rpc.discover", "x" * 10_000):
        error = refused(greeted, method)
        assert (error.code, error.name) == (-32601, "unknown-method"), method


def test_without_an_identity_nothing_is_sent(greeted: NativeHost) -> None:
    error = refused(greeted, "messages/send", {"to": BOB, "text": "hello"})
    assert (error.code, error.name) == (3, "no-identity")
    assert greeted.call("messages/conversations") == {"conversations": [], "more": False}


def test_what_is_no_address(alice: NativeHost) -> None:
    for address in ("", "bob", "@example.net", "bob@", "bob@@example.net", "b ob@example.net", "bob@exa\nmple.net"):
        error = refused(alice, "buddies/add", {"address": address})
        assert (error.code, error.name) == (4, "invalid-address"), address
    assert alice.call("buddies/list") == {"buddies": []}


def test_every_form_of_an_address_means_the_same_buddy(alice: NativeHost) -> None:
    for form in (BOB, " Bob@Example.NET ", "sip:bob@example.net", "im:bob@example.net", "mailto:bob@example.net"):
        assert alice.call("buddies/add", {"address": form})["address"] == BOB, form
    assert [buddy["address"] for buddy in alice.call("buddies/list")["buddies"]] == [BOB]


def test_an_unknown_buddy(alice: NativeHost) -> None:
    for method in ("buddies/accept", "buddies/remove"):
        error = refused(alice, method, {"address": "nobody@example.net"})
        assert (error.code, error.name) == (5, "unknown-buddy"), method


def test_writing_to_a_blocked_address(alice: NativeHost) -> None:
    alice.call("buddies/add", {"address": BOB})
    assert alice.call("buddies/block", {"address": BOB})["consent"] == "blocked"
    error = refused(alice, "messages/send", {"to": BOB, "text": "hello"})
    assert (error.code, error.name) == (6, "blocked")
    assert alice.call("messages/list", {"with": BOB})["messages"] == []


@pytest.mark.parametrize("text", ["", "x" * (LONGEST_TEXT + 1), "ä" * (LONGEST_TEXT // 2) + "x"], ids=len)
def test_a_text_that_is_empty_or_too_long(alice: NativeHost, text: str) -> None:
    error = refused(alice, "messages/send", {"to": BOB, "text": text})
    assert (error.code, error.name) == (7, "bad-text")


@pytest.mark.parametrize("text", ["x" * LONGEST_TEXT, "ä" * (LONGEST_TEXT // 2), "a\nb\tc", "‮ אב \u0000 🙂"], ids=len)
def test_a_text_comes_back_as_it_went(alice: NativeHost, text: str) -> None:
    sent = alice.call("messages/send", {"to": BOB, "text": text})
    (message,) = alice.call("messages/list", {"with": BOB})["messages"]
    assert (message["id"], message["text"], message["direction"]) == (sent["id"], text, "out")


def test_an_unknown_message(alice: NativeHost) -> None:
    alice.call("messages/send", {"to": BOB, "text": "hello"})
    for method, params in [
        ("messages/markRead", {"with": BOB, "upTo": "no-such-id"}),
        ("messages/retry", {"with": BOB, "id": "no-such-id"}),
        ("messages/list", {"with": BOB, "before": "no-such-id"}),
        ("messages/list", {"with": BOB, "around": "no-such-id"}),
    ]:
        error = refused(alice, method, params)
        assert (error.code, error.name) == (8, "unknown-message"), method


@pytest.mark.parametrize("query", ["before:yesterday", "after:2026-13-01", "", "-", "from:"])
def test_a_query_that_is_none_says_which_part(alice: NativeHost, query: str) -> None:
    error = refused(alice, "messages/search", {"query": query})
    assert (error.code, error.name) == (9, "bad-query")
    assert error.data["detail"]


def test_a_certificate_that_does_not_fit(greeted: NativeHost, scratch: Path) -> None:
    mallory = certificate_for("mallory@example.net", scratch / "mallory")
    alice = certificate_for(ALICE, scratch / "alice")
    for certificate, key in [
        (mallory.certificate, mallory.key),
        (alice.certificate, mallory.key),
        (alice.certificate, "no key"),
        ("no certificate", alice.key),
    ]:
        params = {"address": ALICE, "certificate": certificate, "key": key}
        error = refused(greeted, "identity/import", params)
        assert (error.code, error.name) == (12, "bad-certificate")
        assert error.data["detail"]
    assert greeted.call("identity/list") == {"identities": []}


def test_an_imported_certificate_is_used(greeted: NativeHost, scratch: Path) -> None:
    alice = certificate_for(ALICE, scratch / "alice")
    params = {"address": ALICE, "certificate": alice.certificate, "key": alice.key}
    identity = greeted.call("identity/import", params)
    assert (identity["address"], identity["fingerprint"]) == (ALICE, alice.fingerprint)


def test_the_first_identity(greeted: NativeHost) -> None:
    status = greeted.call("status")
    assert (status["peer"], status["listen"], status["online"], status["addresses"]) == ("", [], False, [])
    identity = greeted.enrol("sip:Alice@Example.net")
    assert (identity["address"], identity["issuer"]) == (ALICE, "self")
    assert len(identity["fingerprint"]) == 64
    status = greeted.wait("status/changed").params
    assert status["online"] and status["addresses"] == [ALICE]
    assert status["peer"] == identity["peer"]
    assert status["listen"] and all(one.endswith("/p2p/" + identity["peer"]) for one in status["listen"])
    assert all(one.startswith("/ip4/127.0.0.1/") for one in status["listen"]), "the tests stay on loopback"
    # A second time makes no second key.
    assert greeted.enrol(ALICE)["fingerprint"] == identity["fingerprint"]
    assert greeted.call("identity/list")["identities"] == [identity]
