"""Every method of the gateway, called by Python's own XML-RPC client."""

import base64
import hashlib
import subprocess
import xmlrpc.client
from pathlib import Path

import pytest

from lib import built
from lib.gateway import DHT, DSIG, Gateway, key_request, records_in
from lib.people import People
from lib.waiting import eventually

SERVICES = "urn:ietf:params:xml:ns:p2p-sip"


@pytest.fixture
def gateway(people: People) -> Gateway:
    """A node's gateway; two more nodes are in the overlay."""
    gateway = Gateway(people)
    people.node("second", gateway.listen)
    people.node("third", gateway.listen)
    return gateway


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One record of each form, by name."""
    folder = tmp_path_factory.mktemp("records")
    subprocess.run([built.example("records"), folder], check=True)
    return {path.name.split(".")[0]: path.read_text() for path in Path(folder).glob("*.xml")}


def digest_request(content: bytes) -> str:
    """What `get-immut` asks with."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return (
        f'<dhtRecord xmlns="{DHT}"><key>'
        f'<DigestMethod xmlns="{DSIG}" Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        f'<DigestValue xmlns="{DSIG}">{digest}</DigestValue></key></dhtRecord>'
    )


def test_signed_records(gateway: Gateway, written: dict[str, str]) -> None:
    contacts = written["contacts"]
    assert gateway.call("put-auth", contacts) is True
    assert gateway.call("put-auth", xmlrpc.client.Binary(contacts.encode())) is True
    key = "sip:bob@example.net"
    assert records_in(gateway.call("get", key_request(key))) == [contacts]
    # By digest of the key, too.
    assert records_in(gateway.call("get", digest_request(key.encode()))) == [contacts]
    changed = gateway.fault("put-auth", contacts.replace("192.0.2.17", "192.0.2.18"))
    assert (changed.faultCode, changed.faultString) == (-32000, "bad-signature")
    assert gateway.fault("put-auth", "<dhtRecord/>").faultString == "malformed"
    assert gateway.fault("get", key_request("offline:bob@example.net")).faultString == "not-yours"
    assert records_in(gateway.call("get", key_request("sip:nobody@example.net"))) == []


def test_records_of_one_writer(gateway: Gateway, written: dict[str, str]) -> None:
    assert gateway.call("put-auth", written["contacts"]) is True
    pem = written["contacts"].split("<X509Certificate>")[1].split("<")[0]
    certificate = base64.b64decode(pem)
    spki = subprocess.run(
        "openssl x509 -inform der -pubkey -noout | openssl pkey -pubin -outform der",
        shell=True,
        input=certificate,
        capture_output=True,
        check=True,
    ).stdout
    for writer, found in [(spki, 1), (b"another key", 0)]:
        digest = base64.b64encode(hashlib.sha1(writer).digest()).decode()
        request = (
            f'<dhtRecord xmlns="{DHT}"><key>sip:bob@example.net</key><KeyInfo xmlns="{DSIG}"><KeyValue>'
            f"<DigestValue>{digest}</DigestValue></KeyValue></KeyInfo></dhtRecord>"
        )
        assert len(records_in(gateway.call("get-auth", request))) == found


def test_messages_are_read_with_a_ticket_and_taken_back(gateway: Gateway, written: dict[str, str]) -> None:
    assert gateway.call("put-auth", written["offline"]) is True
    assert records_in(gateway.call("get", written["ticket"])) == [written["offline"]]
    assert gateway.call("remove-auth", written["removal"]) is True
    assert written["offline"] not in records_in(gateway.call("get", written["ticket"]))
    again = gateway.fault("put-auth", written["offline"])
    assert again.faultString.split()[0] == "not-newer"
    assert gateway.fault("remove-auth", written["offline"]).faultString == "malformed"
    secret = base64.b64encode(bytes(32)).decode()
    request = (
        f'<dhtRecord xmlns="{DHT}"><key>offline:bob@example.net</key>'
        f"<value><base64>{secret}</base64></value></dhtRecord>"
    )
    assert gateway.call("remove-auth", request) is True


def test_immutable_values(gateway: Gateway) -> None:
    content = bytes(range(256)) * 16
    value = base64.b64encode(content).decode()
    request = f'<dhtRecord xmlns="{DHT}"><value><base64>{value}</base64></value></dhtRecord>'
    assert gateway.call("put-immut", request) is True
    [found] = records_in(gateway.call("get-immut", digest_request(content)))
    assert value in found
    assert records_in(gateway.call("get-immut", digest_request(b"other"))) == []
    larger = base64.b64encode(content + b"1").decode()
    request = f'<dhtRecord xmlns="{DHT}"><value><base64>{larger}</base64></value></dhtRecord>'
    assert gateway.fault("put-immut", request).faultString == "too-large"


def test_service_hosts(gateway: Gateway) -> None:
    host = "turn:turn.example.net"
    join = (
        f'<dhtService xmlns="{DHT}"><namespace>{SERVICES}</namespace>'
        f'<serviceHosts><serviceHost service="turn">{host}</serviceHost></serviceHosts></dhtService>'
    )
    joined = gateway.call("join", join)
    assert "hostIdentifier" in joined
    lookup = join.replace(f">{host}<", ">urn:any<").replace(
        "<serviceHosts>", "<key>sip:bob@example.net</key><serviceHosts>"
    )
    assert host in gateway.call("lookup", lookup)
    # The nodes themselves relay.
    assert "/p2p/" in gateway.call("lookup", lookup.replace('"turn"', '"relay"'))
    assert "serviceHost " not in gateway.call("lookup", lookup.replace('"turn"', '"stun"')).split("</key>")[1]
    assert gateway.call("leave", joined) is True
    assert gateway.call("leave", joined) is False
    assert host not in gateway.call("lookup", lookup)


def blob(content: bytes) -> xmlrpc.client.Binary:
    """Bytes as XML-RPC has them."""
    return xmlrpc.client.Binary(content)


def test_values_as_opendht_had_them(gateway: Gateway) -> None:
    key, secret = hashlib.sha1(b"some key").digest(), b"my secret"
    hashed = hashlib.sha1(secret).digest()
    assert gateway.call("put", blob(key), blob(b"one"), 3600, "test") == 0
    assert gateway.call("put_removable", blob(key), blob(b"two"), "SHA", blob(hashed), 3600, "test") == 0
    values, placemark = gateway.call("get", blob(key), 10, blob(b""), "test")
    assert sorted(value.data for value in values) == [b"one", b"two"]
    assert placemark.data == b""
    details, _ = gateway.call("get_details", blob(key), 10, blob(b""), "test")
    by_value = {value.data: (ttl, algorithm, secret.data) for value, ttl, algorithm, secret in details}
    assert by_value[b"two"][1:] == ("SHA", hashed)
    assert by_value[b"one"][1:] == ("", b"")
    assert all(3590 <= ttl <= 3600 for ttl, _, _ in by_value.values())
    value_hash = hashlib.sha1(b"two").digest()
    assert gateway.call("rm", blob(key), blob(value_hash), "SHA", blob(b"a guess"), 3600, "test") == 0
    assert len(gateway.call("get", blob(key), 10, blob(b""), "test")[0]) == 2
    assert gateway.call("rm", blob(key), blob(value_hash), "SHA", blob(secret), 3600, "test") == 0
    values, _ = gateway.call("get", blob(key), 10, blob(b""), "test")
    assert [value.data for value in values] == [b"one"]


def test_values_come_in_pages(gateway: Gateway) -> None:
    key = blob(b"paged")
    wanted = {f"value {number}".encode() for number in range(25)}
    for value in wanted:
        assert gateway.call("put", key, blob(value), 3600, "test") == 0
    found: list[bytes] = []
    placemark = blob(b"")
    for _ in range(10):
        values, placemark = gateway.call("get", key, 7, placemark, "test")
        assert len(values) <= 7
        found += [value.data for value in values]
        if placemark.data == b"":
            break
    assert len(found) == 25
    assert set(found) == wanted


def test_values_end(gateway: Gateway) -> None:
    key = blob(b"short")
    assert gateway.call("put", key, blob(b"gone in a second"), 1, "test") == 0
    assert gateway.call("put", key, blob(b"gone at once"), 0, "test") == 0
    values, _ = gateway.call("get", key, 10, blob(b""), "test")
    assert [value.data for value in values] == [b"gone in a second"]
    eventually(lambda: not gateway.call("get", key, 10, blob(b""), "test")[0], "that the value ends")


@pytest.mark.parametrize(
    ("method", "params", "text"),
    [
        ("put", (blob(bytes(21)), blob(b"v"), 60, "test"), "key is longer than 20 bytes"),
        ("put", (blob(b"k"), blob(bytes(1025)), 60, "test"), "value is longer than 1024 bytes"),
        ("put_removable", (blob(b"k"), blob(b"v"), "MD5", blob(b"h"), 60, "test"), "hash"),
        ("put_removable", (blob(b"k"), blob(b"v"), "SHA", blob(bytes(21)), 60, "test"), "secret hash"),
        ("rm", (blob(b"k"), blob(bytes(20)), "SHA", blob(bytes(41)), 60, "test"), "secret"),
        ("get", (blob(b"k"), 0, blob(b""), "test"), "maxvals"),
        ("get", (blob(b"k"), 10, blob(bytes(101)), "test"), "placemark"),
        ("get", (blob(b"k"), 10, blob(b"none of ours"), "test"), "placemark"),
        ("put", (blob(b"k"), blob(b"v")), "put"),
        ("get", (), ""),
    ],
)
def test_what_is_over_the_limits_is_a_fault(
    gateway: Gateway, method: str, params: tuple[object, ...], text: str
) -> None:
    fault = gateway.fault(method, *params)
    assert fault.faultCode == -32602
    assert text in fault.faultString
    assert len(fault.faultString) < 300


def test_opendhts_own_clients_post_to_the_root(gateway: Gateway) -> None:
    at_the_root = xmlrpc.client.ServerProxy(f"http://{gateway.at}/")
    assert at_the_root.put(blob(b"root"), blob(b"value"), 3600, "put.py") == 0
    values, _ = gateway.call("get", blob(b"root"), 10, blob(b""), "get.py")
    assert [value.data for value in values] == [b"value"]


def test_an_unknown_method_is_a_fault(gateway: Gateway) -> None:
    assert gateway.fault("system.listMethods").faultCode == -32601


def test_a_week_is_the_longest_life(gateway: Gateway) -> None:
    assert gateway.call("put", blob(b"long"), blob(b"v"), 2**31 - 1, "test") == 0
    [[_, ttl, _, _]], _ = gateway.call("get_details", blob(b"long"), 1, blob(b""), "test")
    assert 604_790 <= ttl <= 604_800
    # A negative one is over before it begins, as it was with OpenDHT.
    assert gateway.call("put", blob(b"negative"), blob(b"v"), -5, "test") == 0
    assert gateway.call("get", blob(b"negative"), 1, blob(b""), "test")[0] == []


def test_a_restarted_node_serves_what_it_held(people: People, written: dict[str, str]) -> None:
    gateway = Gateway(people, "only")
    assert gateway.call("put-auth", written["private"]) is True
    assert gateway.call("put", blob(b"key"), blob(b"value"), 3600, "test") == 0
    gateway.process.kill()
    again = Gateway(people, "only")
    key = written["private"].split('<key Id="One">')[1].split("<")[0]
    assert records_in(again.call("get", key_request(key))) == [written["private"]]
    assert [value.data for value in again.call("get", blob(b"key"), 9, blob(b""), "test")[0]] == [b"value"]
