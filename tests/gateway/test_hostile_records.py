"""Bad records and documents through the gateway of a real node: each is refused by name, and the node goes on.

The records were changed after they were signed, or are well signed and of another time than now.
"""

import base64
import itertools
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib import built
from lib.besieged import WITNESS, Besieged, call, text
from lib.gateway import DHT, DSIG, key_request, records_in
from lib.people import People

PARAMS = -32602


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of each form, and untimely ones."""
    folder = tmp_path_factory.mktemp("records")
    subprocess.run([built.example("records"), folder], check=True)
    return folder


@pytest.fixture(scope="module")
def contacts(folder: Path) -> str:
    """Bob's contacts, well signed."""
    return (folder / "contacts.bob.xml").read_text()


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    """One node for all of them: whatever one test does to it, the next would notice."""
    people = People(tmp_path_factory.mktemp("t"))
    yield Besieged(people)
    people.end()


def put(*changes: tuple[str, str]) -> Callable[[str], str]:
    """Puts the second text in the place of the first, once."""

    def change(xml: str) -> str:
        for old, new in changes:
            assert xml.count(old) >= 1, old
            xml = xml.replace(old, new, 1)
        return xml

    return change


def dtd(declarations: str, *references: tuple[str, str]) -> Callable[[str], str]:
    """Puts a document type declaration before, and references into it."""
    return put(("<dhtRecord ", f"<!DOCTYPE dhtRecord [{declarations}]><dhtRecord "), *references)


def part(xml: str, name: str) -> str:
    """An element, with all that is in it."""
    found = re.search(rf"<{name}[ >].*</{name}>", xml, re.DOTALL)
    assert found
    return found[0]


def twin(xml: str, name: str) -> str:
    """The same element, saying something else."""
    return part(xml, name).replace("bob", WITNESS.lower())


def laughs() -> str:
    """Entities of entities."""
    names = [f"e{level}" for level in range(10)]
    nested = [f'<!ENTITY {name} "{f"&{inner};" * 10}">' for inner, name in itertools.pairwise(names)]
    return f'<!ENTITY e0 "{WITNESS}">' + "".join(nested)


def moved_into_object(xml: str) -> str:
    """Signature wrapping: the signed value is kept where nobody looks, and another stands in its place."""
    value = part(xml, "value")
    inside = f"</KeyInfo><Object>{value}</Object></Signature>"
    return xml.replace(value, twin(xml, "value")).replace("</KeyInfo></Signature>", inside)


BOB = "sip:bob@example.net"
# What it is, how a good record is changed, and the refusal.
CHANGED: list[tuple[str, Callable[[str], str], str]] = [
    ("billion laughs", dtd(laughs(), (BOB, "&e9;")), "malformed"),
    ("quadratic", dtd(f'<!ENTITY a "{WITNESS * 200}">', (BOB, "&a;" * 500)), "malformed"),
    ("external entity", dtd('<!ENTITY a SYSTEM "file:///etc/passwd">', (BOB, f"{WITNESS}&a;")), "malformed"),
    ("parameter entity", dtd(f'<!ENTITY % a SYSTEM "file:///{WITNESS}">%a;'), "malformed"),
    ("default attribute", dtd(f'<!ATTLIST value reference CDATA "{WITNESS}">'), "malformed"),
    ("external DTD", put(("<dhtRecord ", f'<!DOCTYPE d SYSTEM "{WITNESS}.dtd"><dhtRecord ')), "malformed"),
    ("XML declaration", put(("<dhtRecord ", "<?xml version='1.0'?><dhtRecord ")), "malformed"),
    ("entity", put((BOB, f"sip:&{WITNESS};")), "malformed"),
    ("character reference", put(("sip:bob", "sip:&#98;ob")), "malformed"),
    ("comment in the key", put((BOB, f"sip:<!-- {WITNESS} -->bob@example.net")), "malformed"),
    ("comment in the value", put(("<contact>", f"<!-- {WITNESS} --><contact>")), "malformed"),
    ("comment in the signature", put(("<SignatureValue>", f"<SignatureValue><!-- {WITNESS} -->")), "malformed"),
    ("comment after", lambda xml: f"{xml}<!-- {WITNESS} -->", "malformed"),
    ("processing instruction", put(("<key ", f"<?{WITNESS}?><key ")), "malformed"),
    ("CDATA", put((BOB, f"<![CDATA[{BOB}]]>")), "malformed"),
    ("both Ids One", put(('Id="Two"', 'Id="One"')), "malformed"),
    ("both Ids Two", put(('Id="One"', 'Id="Two"')), "malformed"),
    ("Ids exchanged", put(('Id="One"', 'Id="x"'), ('Id="Two"', 'Id="One"'), ('Id="x"', 'Id="Two"')), "malformed"),
    ("an Id twice", put(('Id="One"', 'Id="One" Id="One"')), "malformed"),
    ("an Id of the record", put(("<dhtRecord ", '<dhtRecord Id="One" ')), "malformed"),
    ("an Id of the signature", put(("<Signature ", '<Signature Id="Two" ')), "malformed"),
    ("an unsigned key before", lambda xml: xml.replace("<key ", f"{twin(xml, 'key')}<key ", 1), "malformed"),
    ("an unsigned key after", lambda xml: xml.replace("</key>", f"</key>{twin(xml, 'key')}", 1), "malformed"),
    ("an unsigned value before", lambda xml: xml.replace("<value ", f"{twin(xml, 'value')}<value ", 1), "malformed"),
    ("an unsigned value after", lambda xml: xml.replace("</value>", f"</value>{twin(xml, 'value')}", 1), "malformed"),
    ("an unsigned value at the end", put(("</dhtRecord>", f"<value>{WITNESS}</value></dhtRecord>")), "malformed"),
    ("contacts twice", put(("</contacts>", f"</contacts><contacts>{WITNESS}</contacts>")), "malformed"),
    ("two signatures", lambda xml: xml.replace("</Signature>", f"</Signature>{part(xml, 'Signature')}"), "malformed"),
    ("two certificates", put(("</X509Data>", "<X509Certificate>AA==</X509Certificate></X509Data>")), "malformed"),
    ("moved into an Object", moved_into_object, "malformed"),
    ("within a record", lambda xml: f'<dhtRecord xmlns="{DHT}">{xml}</dhtRecord>', "malformed"),
    ("within a record's value", lambda xml: xml.replace(part(xml, "contacts"), xml), "malformed"),
    ("around a record", lambda xml: xml.replace("</Signature>", f"</Signature>{xml}"), "malformed"),
    ("within dhtRecords", lambda xml: f'<dhtRecords xmlns="{DHT}">{xml}</dhtRecords>', "malformed"),
    ("two records", lambda xml: xml + xml, "malformed"),
    ("within 300 others", lambda xml: "<dhtRecord>" * 300 + xml + "</dhtRecord>" * 300, "malformed"),
    ("no namespace", put((f' xmlns="{DHT}"', "")), "malformed"),
    ("another namespace", put((DHT, f"urn:{WITNESS}")), "malformed"),
    ("another namespace of the signature", put((DSIG, DHT)), "malformed"),
    ("a prefix", put(("<dhtRecord xmlns", f"<dhtRecord xmlns:{WITNESS}='u' xmlns")), "malformed"),
    ("another algorithm", put(("#ecdsa-sha256", "#ecdsa-sha1")), "malformed"),
    ("a reference to a file", put(('URI="#One"', f'URI="file:///{WITNESS}"')), "malformed"),
    ("a reference to all", put(('URI="#One"', 'URI=""')), "malformed"),
    ("the same reference twice", put(('URI="#Two"', 'URI="#One"')), "malformed"),
    ("two transforms", put(("</Transform>", f'</Transform><Transform A="{WITNESS}"></Transform>')), "malformed"),
    ("other quotation marks", put(('Id="One"', "Id='One'")), "malformed"),
    ("a space in a tag", put(("</dhtRecord>", "</dhtRecord >")), "malformed"),
    ("line breaks", lambda xml: xml.replace("><", ">\n<"), "malformed"),
    ("another's key", lambda xml: xml.replace("sip:bob@", "sip:eve@"), "wrong-key"),
    ("another key than the contacts'", put((BOB, "sip:eve@example.net")), "malformed"),
    ("a key of no kind", put((BOB, f"{WITNESS}:bob@example.net")), "malformed"),
    ("a key of another kind", put((BOB, "certificate:bob@example.net")), "malformed"),
    ("a key of 2,000 bytes", put((BOB, f"sip:{WITNESS * 170}@example.net")), "malformed"),
    ("another contact", put(("192.0.2.17", "192.0.2.18")), "bad-signature"),
    ("another sequence", put((' sequence="1', ' sequence="0')), "malformed"),
    ("a negative sequence", put((' sequence="', ' sequence="-')), "malformed"),
    ("a later end", lambda xml: re.sub(r'expires="\d{4}', 'expires="2999', xml), "bad-signature"),
    ("no end", lambda xml: re.sub(r' expires="[^"]*"', "", xml), "malformed"),
    ("an end of 0", lambda xml: re.sub(r'expires="[^"]*"', 'expires="0"', xml), "malformed"),
    ("no signature", lambda xml: xml.replace(part(xml, "Signature"), ""), "malformed"),
    ("an empty signature", lambda xml: xml.replace(part(xml, "SignatureValue"), "<SignatureValue></SignatureValue>"),
     "bad-signature"),
    ("another signer", lambda xml: re.sub(r'signer="[^"]*"', f'signer="{"0" * 64}"', xml), "bad-signature"),
    ("a value of 6,000 bytes", put(("<contact>", f"<contact>{WITNESS * 500}</contact><contact>")), "malformed"),
    ("many contacts", lambda xml: xml.replace("<contacts", "<contacts" + part(xml, "contact") * 30), "malformed"),
    ("12,289 bytes", lambda xml: xml + " " * (12_289 - len(xml)), "too-large"),
    ("contacts 700 deep", put(("<contact>", "<contact>" * 700)), "malformed"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "name"), [one[1:] for one in CHANGED], ids=[one[0] for one in CHANGED])
def test_a_changed_record_is_refused_by_name(
    besieged: Besieged, contacts: str, change: Callable[[str], str], name: str
) -> None:
    changed = change(contacts)
    assert changed != contacts
    assert besieged.refusal(changed) == name
    besieged.serves()


def test_of_all_these_none_is_found(besieged: Besieged, contacts: str) -> None:
    assert besieged.gateway.call("put-auth", contacts) is True
    changed = [change(contacts) for _, change, _ in CHANGED]
    for key in [BOB, "sip:eve@example.net", f"sip:{WITNESS.lower()}@example.net", "certificate:bob@example.net"]:
        found = records_in(besieged.gateway.call("get", key_request(key)))
        assert (contacts in found) == (key == BOB)
        assert not set(found) & set(changed)


@pytest.mark.parametrize("method", ["remove-auth", "get"])
def test_changed_removals_and_tickets_are_refused_too(besieged: Besieged, folder: Path, method: str) -> None:
    [path] = folder.glob("removal.*" if method == "remove-auth" else "ticket.*")
    good = path.read_text()
    for change, name in [
        (dtd(laughs(), ("offline:bob", "&e9;")), "malformed"),
        (put(("offline:", f"<!-- {WITNESS} -->offline:")), "malformed"),
        (put(("</value>", f"</value><value>{WITNESS}</value>")), "malformed"),
        (put((' sequence="1', ' sequence="2')), "bad-signature"),
    ]:
        assert besieged.refusal(change(good), method) == name
    besieged.serves()


@pytest.mark.parametrize("name", ["from-the-future", "expired", "lives-too-long", "bad-certificate"])
def test_a_record_of_another_time_is_refused_by_name(besieged: Besieged, folder: Path, name: str) -> None:
    """A clock a day ahead, one a day behind, a life longer than a contact's, a certificate that has ended."""
    assert besieged.refusal((folder / "untimely" / f"{name}.xml").read_text()) == name
    besieged.serves()


def test_an_older_record_never_replaces_a_newer(besieged: Besieged, folder: Path) -> None:
    older, newer = ((folder / "untimely" / f"{name}.xml").read_text() for name in ("older", "newer"))
    sequence = part(newer, "value").split('sequence="')[1].split('"')[0]
    assert besieged.gateway.call("put-auth", older) is True
    assert besieged.gateway.call("put-auth", newer) is True
    assert besieged.refusal(older) == f"not-newer {sequence}"
    # Nor does one that was written yesterday and lives until tomorrow, while without a newer one it is welcome.
    yesterday = (folder / "untimely" / "yesterday.xml").read_text()
    [today] = (path.read_text() for path in folder.glob("certificate.*.xml"))
    assert besieged.gateway.call("put-auth", yesterday) is True
    assert besieged.gateway.call("put-auth", today) is True
    assert besieged.refusal(yesterday).split()[0] == "not-newer"
    kept = records_in(besieged.gateway.call("get", key_request(BOB)))
    assert newer in kept
    assert older not in kept
    assert records_in(besieged.gateway.call("get", key_request("certificate:bob@example.net"))) == [today]


def request(inside: str) -> str:
    """An unsigned document."""
    return f'<dhtRecord xmlns="{DHT}">{inside}</dhtRecord>'


def value(content: bytes, attributes: str = "") -> str:
    """An immutable value."""
    return request(f"<value{attributes}><base64>{base64.b64encode(content).decode()}</base64></value>")


def service(hosts: str) -> str:
    """A service with these hosts."""
    inside = f"<namespace>{WITNESS}</namespace><serviceHosts>{hosts}</serviceHosts>"
    return f'<dhtService xmlns="{DHT}">{inside}</dhtService>'


HOST = f"<serviceHost>turn:{WITNESS}</serviceHost>"
# The method, its document, and words of the fault.
DOCUMENTS: list[tuple[str, str, str]] = [
    ("get", f"<!DOCTYPE d [{laughs()}]>{request('<key>&e9;</key>')}", "document type declaration"),
    ("get", request(f"<key>&{WITNESS};</key>"), "entity"),
    ("get", request(f"<key><!-- {WITNESS} --></key>"), "comment"),
    ("get", request(f"<key><?{WITNESS}?></key>"), "processing instruction"),
    ("get", request(f"<key>{WITNESS}</key><key>{WITNESS}</key>"), "element"),
    ("get", request(f"<key>{WITNESS}</key>").replace(DHT, "urn:x"), "dhtRecord"),
    ("get", request(request(f"<key>{WITNESS}</key>")), "element"),
    ("get", request(f"<key {WITNESS}='a'>a</key>"), "attribute"),
    ("get", request(f"<key>{WITNESS * 86}</key>"), "longer than 1024 bytes"),
    ("get", request(f"<key><base64>{base64.b64encode(WITNESS.encode() * 86).decode()}</base64></key>"), "1024 bytes"),
    ("get", request("<key></key>") + f"<!-- {WITNESS} -->", "empty"),
    ("get", request(f"<key>{WITNESS * 1400}</key>"), "16384 bytes"),
    ("get", "<a>" * 1000 + WITNESS, "dhtRecord"),
    ("get", WITNESS, "text"),
    ("get-immut", request(f"<key><DigestValue xmlns='{DSIG}'>{WITNESS}</DigestValue></key>"), "DigestValue"),
    ("get-auth", request(f"<key>{WITNESS}</key>"), "parts"),
    ("put-immut", value(b"", f' Id="{WITNESS}"'), "empty"),
    ("put-immut", value(WITNESS.encode(), ' expires="0"'), "expires"),
    ("put-immut", value(WITNESS.encode(), ' expires="-1"'), "expires"),
    ("put-immut", value(WITNESS.encode(), ' expires="1969-12-31T23:59:59Z"'), "expires"),
    ("put-immut", value(WITNESS.encode(), f' nonce="{WITNESS}"'), "attribute"),
    ("join", service(HOST * 9), "more than 8 hosts"),
    ("join", service(f"<serviceHost>{WITNESS * 86}</serviceHost>"), "longer than 1024 bytes"),
    ("lookup", service(HOST).replace("<namespace>", "<!-- --><namespace>"), "comment"),
    ("leave", service(HOST), "hostIdentifier"),
]


@pytest.mark.parametrize(("method", "document", "words"), DOCUMENTS)
def test_a_bad_document_gets_a_short_fault(besieged: Besieged, method: str, document: str, words: str) -> None:
    code, said = besieged.fault(call(method, text(document)))
    assert code == PARAMS, said
    assert words in said
    besieged.serves()


def test_immutable_values_have_their_limits(besieged: Besieged) -> None:
    largest = WITNESS.encode() * 341
    assert besieged.gateway.call("put-immut", value(largest)) is True
    assert besieged.refusal(value(largest + bytes(8)), "put-immut") == "too-large"
    # Its time was over long ago; or it is to live for centuries, and gets the week that there is.
    assert besieged.refusal(value(b"over", ' expires="2001-01-01T00:00:00Z"'), "put-immut") == "expired"
    assert besieged.gateway.call("put-immut", value(b"for ever", ' expires="9999-12-31T23:59:59Z"')) is True
    besieged.serves()


def test_refused_records_leave_nothing_behind(besieged: Besieged, contacts: str, is_long: bool) -> None:
    """What is refused takes no memory that is not given back."""
    changed = [(change(contacts), name) for _, change, name in CHANGED]
    for record, name in changed * 3:
        assert besieged.refusal(record) == name
    before = besieged.resident()
    rounds = 200 if is_long else 20
    for record, name in changed * rounds:
        assert besieged.refusal(record) == name
    grown = besieged.resident() - before
    # As text and as base64 each; room for the allocator's own ways, and for a quarter of what was sent.
    assert grown < 2048, f"{grown} KiB more after {2 * len(changed) * rounds} records"
    besieged.serves()
