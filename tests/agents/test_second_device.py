"""A second device of the same person: it gets the credential with the address and a secret, or from a backup file."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.agent import Agent
from lib.home import Home
from lib.native import NativeHost
from lib.openssl import authority, certificate_for, issue, reissue
from lib.overlay import Overlay
from lib.people import People
from lib.rpc import Rpc, RpcError
from lib.waiting import eventually

ALICE, BOB = "alice@example.net", "bob@example.net"
SECRET = "copper lantern twelve"
PASSPHRASE = "pässphrase of mine"


@pytest.fixture
def overlay(people: People, scratch: Path) -> Overlay:
    """The nodes."""
    return Overlay(people, scratch)


@pytest.fixture
def laptop(people: People, overlay: Overlay) -> Agent:
    """Alice's first device."""
    laptop = people.agent("laptop", overlay.way_in, address=ALICE)
    laptop.on_line()
    return laptop


@pytest.fixture
def phone(people: People, overlay: Overlay, new_home: Callable[[str], Home]) -> NativeHost:
    """A device that is nobody's yet, as Thunderbird starts it."""
    home = new_home("phone")
    home.configure(overlay.way_in)
    phone = people.keep(NativeHost(home))
    phone.hello()
    return phone


def keeps(agent: Agent, **more: bool) -> None:
    """The list is kept for other devices, and the credential unless it is said otherwise."""
    agent.call("roaming/open", {"secret": SECRET, "create": True, "credential": True, **more})


def fetch(device: Rpc, secret: str = SECRET, address: str = ALICE) -> Any:  # noqa: ANN401
    return device.call("identity/fetch", {"address": address, "secret": secret})


def refused(device: Rpc, secret: str = SECRET) -> tuple[str, str | None]:
    """By which name the host says that there is nothing."""
    with pytest.raises(RpcError) as error:
        fetch(device, secret)
    return error.value.name, error.value.data.get("detail")


def fetched(device: Rpc) -> Any:  # noqa: ANN401
    """The identity, once what the first device keeps has reached the nodes."""

    def found() -> Any:  # noqa: ANN401
        try:
            return fetch(device)
        except RpcError as error:
            assert error.name == "wrong-secret"
            return None

    return eventually(found, "the identity is found")


def identity(device: Rpc) -> Any:  # noqa: ANN401
    (one,) = device.call("identity/list")["identities"]
    return one


def news(device: Rpc) -> list[str]:
    """The devices that the user was told of."""
    notices = [one.params for one in device.notifications if one.method == "notice"]
    assert all(one["kind"] == "new-device" and one["address"] == ALICE for one in notices), notices
    return [one["device"] for one in notices]


def standing(device: Rpc) -> dict[str, str]:
    return {buddy["address"]: buddy["consent"] for buddy in device.call("buddies/list")["buddies"]}


def hears(device: Rpc, text: str) -> None:
    def fits(params: dict[str, Any]) -> bool:
        return (params["message"]["direction"], params["message"]["text"]) == ("in", text)

    device.wait("messages/changed", fits)


def test_address_and_secret_make_a_device_one_of_hers(
    people: People, overlay: Overlay, laptop: Agent, phone: NativeHost
) -> None:
    bob = people.agent("bob", overlay.way_in)
    bob.on_line()
    bob.befriend(laptop)
    laptop.befriend(bob)
    bob.sees_state(bob.write(ALICE, "hello"), "delivered")
    keeps(laptop)
    first = identity(laptop)
    assert first["roaming"] and first["portable"]

    found = fetched(phone)
    assert found["fingerprint"] == first["fingerprint"] and found["peer"] != first["peer"]
    assert found["roaming"] and found["portable"]
    assert standing(phone) == {BOB: "buddy"}
    (key,) = (phone.home.data).glob("corella/*/keys/identities/*/*.key")
    assert key.stat().st_mode & 0o777 == 0o600

    # To Bob she is one person, and has been all the time.
    phone.wait("status/changed", lambda status: status["online"])
    eventually(lambda: phone.call("buddies/list")["buddies"][0]["status"] == "online", "the phone sees Bob")
    bob.write(ALICE, "both of you")
    hears(laptop, "both of you")
    hears(phone, "both of you")
    phone.call("messages/send", {"to": BOB, "text": "from the phone"})
    bob.hears("from the phone", ALICE)
    buddy = bob.buddy(ALICE)
    assert "question" not in buddy and buddy["fingerprint"] == first["fingerprint"]
    assert news(bob) == []

    # The laptop's user is told of the phone, once; the phone's user knows.
    assert laptop.wait("notice").params["device"] == found["peer"]
    laptop = people.again(laptop)
    laptop.on_line()
    hears_again = bob.write(ALICE, "and again")
    laptop.hears("and again", BOB)
    bob.sees_state(hears_again, "delivered")
    assert news(laptop) == [] and news(phone) == []


def test_a_wrong_secret_leaves_nothing_behind(laptop: Agent, phone: NativeHost) -> None:
    keeps(laptop)
    assert refused(phone, "copper lantern Twelve") == ("wrong-secret", None)
    assert refused(phone, "fifteen letters") == ("short-secret", None)
    assert phone.call("identity/list") == {"identities": []}
    assert phone.call("status")["peer"] == ""
    assert not list(phone.home.data.glob("corella/*/keys/device.key"))
    fetched(phone)


def test_nobody_can_be_asked(people: People, new_home: Callable[[str], Home]) -> None:
    home = new_home("alone")
    home.configure([])
    alone = people.keep(NativeHost(home))
    alone.hello()
    assert refused(alone) == ("not-online", None)


def test_a_list_is_not_an_identity(laptop: Agent, phone: NativeHost) -> None:
    keeps(laptop, credential=False)
    assert not identity(laptop)["portable"]
    eventually(lambda: refused(phone) == ("wrong-secret", "no-identity"), "the list is found")
    with pytest.raises(RpcError) as error:
        laptop.call("roaming/open", {"secret": "fifteen letters", "create": True, "credential": True})
    assert (error.value.name, error.value.data["least"]) == ("short-secret", 16)
    # The user thinks better of it.
    keeps(laptop)
    fetched(phone)


def test_whose_key_it_is_has_to_be_clear(people: People, overlay: Overlay, scratch: Path) -> None:
    """Somebody else who knows the secret keeps another key there."""
    ca = authority("Elsewhere", scratch / "ca")
    hers, other = issue(ca, ALICE, scratch / "alice"), certificate_for(ALICE, scratch / "other")
    laptop = people.agent("laptop", overlay.way_in, hers.arguments, ALICE)
    impostor = people.agent("impostor", overlay.way_in, other.arguments, ALICE)
    phone = people.agent("phone", overlay.way_in)
    tablet = people.agent("tablet", overlay.way_in, ["--trust", str(ca.certificate_file)])
    for agent in (laptop, impostor, phone, tablet):
        agent.on_line()
    keeps(laptop)
    keeps(impostor)
    # The one that came there before the other would be taken.
    (vault,) = laptop.data.glob("keys/identities/*/roaming")
    place = f"private:{ALICE}:{vault.read_text().splitlines()[0]}"
    eventually(lambda: overlay.current(place) == 2, "both keys are kept")
    assert refused(phone) == ("bad-certificate", "several")
    assert [one["address"] for one in phone.call("identity/list")["identities"]] == [phone.address]
    # An authority that the tablet trusts vouches for hers.
    assert fetch(tablet)["fingerprint"] == hers.fingerprint


def test_a_renewed_certificate_comes_to_the_other_device(
    people: People, overlay: Overlay, phone: NativeHost, scratch: Path
) -> None:
    ca = authority("Elsewhere", scratch / "ca")
    trusting = ["--trust", str(ca.certificate_file)]
    hers = issue(ca, ALICE, scratch / "alice")
    laptop = people.agent("laptop", overlay.way_in, [*trusting, *hers.arguments], address=ALICE)
    bob = people.agent("bob", overlay.way_in, trusting)
    for agent in (laptop, bob):
        agent.on_line()
    laptop.befriend(bob)
    bob.befriend(laptop)
    bob.sees_state(bob.write(ALICE, "hello"), "delivered")
    keeps(laptop)
    assert fetched(phone)["fingerprint"] == hers.fingerprint

    renewed = reissue(ca, hers, ALICE, scratch / "renewed")
    laptop.call("identity/import", {"address": ALICE, "certificate": renewed.certificate, "key": renewed.key})
    phone.wait("identity/changed", lambda said: said["identity"]["fingerprint"] == renewed.fingerprint)
    assert identity(phone)["fingerprint"] == renewed.fingerprint
    eventually(lambda: bob.buddy(ALICE)["fingerprint"] == renewed.fingerprint, "Bob sees the certificate")
    phone.call("messages/send", {"to": BOB, "text": "it is still me"})
    bob.hears("it is still me", ALICE)
    assert "question" not in bob.buddy(ALICE)
    # An older one that is found there later is no step back.
    assert identity(laptop)["fingerprint"] == renewed.fingerprint


def test_the_backup_is_a_file_for_openssl_and_for_another_device(
    people: People, laptop: Agent, phone: NativeHost, scratch: Path
) -> None:
    with pytest.raises(RpcError) as error:
        laptop.call("identity/export", {"address": ALICE, "passphrase": "too short"})
    assert (error.value.name, error.value.data["least"]) == ("short-secret", 12)
    backup = laptop.call("identity/export", {"address": ALICE, "passphrase": PASSPHRASE})["file"]
    file = scratch / "backup.p12"
    file.write_bytes(base64.b64decode(backup, validate=True))

    def openssl(*words: str, passphrase: str = PASSPHRASE) -> tuple[int, str]:
        argv = ["openssl", "pkcs12", "-in", str(file), "-passin", f"pass:{passphrase}", *words]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    code, said = openssl("-info", "-nodes")
    assert code == 0 and "BEGIN PRIVATE KEY" in said and f"friendlyName: {ALICE}" in said
    assert said.count("PBES2, PBKDF2, AES-256-CBC, Iteration 600000, PRF hmacWithSHA256") == 2, said
    assert "MAC: sha256, Iteration 600000" in said
    assert openssl("-nokeys", passphrase="another one of mine")[0] != 0
    certificate = scratch / "of-the-backup.pem"
    assert openssl("-nokeys", "-out", str(certificate))[0] == 0

    taken = phone.call("identity/importFile", {"address": ALICE, "file": backup, "passphrase": PASSPHRASE})
    assert taken["fingerprint"] == identity(laptop)["fingerprint"] and taken["peer"] != identity(laptop)["peer"]
    assert laptop.wait("notice").params["device"] == taken["peer"]
    assert news(phone) == []


def test_who_stole_the_credential_is_noticed_though_it_calls_nobody(
    people: People, overlay: Overlay, laptop: Agent, phone: NativeHost
) -> None:
    """The laptop is away when the other device comes, and that one has gone when the laptop is back."""
    backup = laptop.call("identity/export", {"address": ALICE, "passphrase": PASSPHRASE})["file"]
    laptop.goes()
    taken = phone.call("identity/importFile", {"address": ALICE, "file": backup, "passphrase": PASSPHRASE})
    phone.wait("status/changed", lambda status: status["online"])
    eventually(lambda: overlay.current(f"sip:{ALICE}") >= 2, "it can be found")
    assert phone.end() == 0
    laptop = people.again(laptop)
    assert laptop.wait("notice").params["device"] == taken["peer"]
    laptop.on_line()
    assert news(laptop) == [taken["peer"]]


def test_nothing_of_a_new_key_lies_where_a_lost_device_can_open_it(
    laptop: Agent, phone: NativeHost, people: People, overlay: Overlay, new_home: Callable[[str], Home]
) -> None:
    keeps(laptop)
    lost = fetched(phone)
    assert laptop.call("identity/list")["identities"][0]["fingerprint"] == lost["fingerprint"]
    renewed = laptop.call("identity/revoke", {"address": ALICE})
    assert (renewed["key"] != lost["key"], renewed["roaming"], renewed["portable"]) == (True, False, False)
    eventually(lambda: phone.call("identity/list")["identities"][0]["revoked"], "the lost device is told")
    assert not phone.call("identity/list")["identities"][0]["roaming"]
    # Nor does a third device become the person by the key that is void.
    home = new_home("tablet")
    home.configure(overlay.way_in)
    tablet = people.keep(NativeHost(home))
    tablet.hello()
    assert refused(tablet) == ("wrong-secret", None)
    # With another secret all is as it was.
    laptop.call("roaming/open", {"secret": SECRET[::-1], "create": True, "credential": True})

    def comes() -> bool:
        try:
            return fetch(tablet, SECRET[::-1])["key"] == renewed["key"]
        except RpcError as error:
            assert error.name == "wrong-secret"
            return False

    eventually(comes, "the new key comes with the new secret")
