"""From a request to a certificate, by a real mail server, and what becomes of it."""

import datetime
import http.client
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lib.certifier import NAME, Applicant, Certifier, chain, error, fingerprint, openssl_verifies
from lib.mail import DOMAIN, MailServer
from lib.openssl import authority, server
from lib.waiting import eventually


def _root(certifier: Certifier) -> bytes:
    return (certifier.folder / "root.pem").read_bytes()


def test_the_letter_makes_the_certificate(certifier: Certifier, mail: MailServer, scratch: Path) -> None:
    """Who holds the key and reads the mail gets a certificate that `openssl` verifies, and another letter with it."""
    alice = Applicant("alice")
    alice.ask(certifier)
    letter = mail.letter("alice")
    assert (letter["Corella-Certificate"], letter["Auto-Submitted"]) == ("token", "auto-generated")
    assert letter["From"] == f"{NAME} <ca@example.test>"
    assert "If it was not you: do nothing." in letter.get_content()
    # Over TLS, and authenticated (RFC 3848).
    assert any(" with esmtpsa " in " ".join(passed.split()) for passed in letter.get_all("Received", []))
    eventually(lambda: certifier.state(alice.id)["state"] == "mailed", "it is known that the letter was sent")
    status, pem = alice.answer(certifier, letter)
    assert status == 200
    certificate, *above = chain(pem)
    assert certificate.public_key() == alice.key.public_key()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.RFC822Name) == [alice.address]
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"sip:{alice.address}"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]
    life = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=89, hours=23) < life <= datetime.timedelta(days=90)
    assert fingerprint(above[-1]) == certifier.fingerprint
    assert openssl_verifies(scratch, pem, _root(certifier)) == "person.pem: OK\n"

    keepsake = mail.letter("alice", 2)
    assert keepsake["Corella-Certificate"] == "certificate"
    attached = next(keepsake.iter_attachments())
    assert attached.get_content() == pem.decode() or attached.get_content() == pem
    # The same answer again gets the same: its result may have been lost on the way. And no letter more.
    assert alice.answer(certifier, letter) == (200, pem)
    assert certifier.state(alice.id)["state"] == "issued"
    listed = certifier.run("list").split("\t")
    assert (listed[1], listed[4]) == (alice.address, "valid\n")
    assert len(mail.letters("alice")) == 2


def test_the_chain_the_list_and_the_page_are_there_for_everybody(certifier: Certifier) -> None:
    """What anybody may fetch."""
    status, pem = certifier.call("GET", "/chain.pem")
    assert (status, fingerprint(chain(pem)[-1])) == (200, certifier.fingerprint)
    status, der = certifier.call("GET", "/revoked.crl")
    assert (status, len(x509.load_der_x509_crl(der))) == (200, 0)
    status, page = certifier.call("GET", "/")
    said = page.decode().replace(" ", "")
    assert status == 200 and certifier.fingerprint in said and NAME.replace(" ", "") in said


def test_what_is_revoked_is_on_the_list(certifier: Certifier, mail: MailServer, scratch: Path) -> None:
    """By whoever runs the authority, and by the person with another round of mail."""
    alice = Applicant("alice")
    alice.ask(certifier)
    pem = alice.answer(certifier, mail.letter("alice"))[1]

    def verdict(pem: bytes) -> str:
        issuing = certifier.call("GET", "/revoked.crl")[1]
        # Only the issuing authority has a list: the root signs nothing but it.
        return openssl_verifies(scratch, pem, _root(certifier), issuing)

    assert verdict(pem) == "person.pem: OK\n"
    assert certifier.run("revoke", "--address", alice.address, "--why", "she said so") == "1 revoked\n"
    assert "certificate revoked" in verdict(pem)
    assert certifier.run("list", alice.address).split("\t")[4].startswith("revoked ")
    assert "there is no such certificate" in certifier.run("revoke", "--address", alice.address, code=1)
    assert error(alice.answer(certifier, mail.letters("alice")[0])[1]) == "revoked"

    mail.empty()
    bob, lost = Applicant("bob"), Applicant("bob")
    lost.ask(certifier)
    before = lost.answer(certifier, mail.letter("bob"))[1]
    mail.letter("bob", 2)
    bob.ask(certifier)
    now = bob.answer(certifier, mail.letter("bob", 3), others="revoke")[1]
    assert "certificate revoked" in verdict(before)
    assert verdict(now) == "person.pem: OK\n"
    audit = certifier.run("list", "--audit")
    assert [word in audit for word in ("asked", "issued", "revoked", "she said so")] == [True] * 4


def _list_of(pem: bytes) -> str:
    """Where a certificate says that its revocation list is: the path."""
    points = chain(pem)[0].extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    [name] = points[0].full_name or []
    return name.value.removeprefix("http://127.0.0.1")


def test_each_issuing_key_has_a_list(certifier: Certifier, scratch: Path) -> None:
    """After the issuing key was renewed, what the former has signed can be verified and revoked as before."""

    def issued(name: str) -> bytes:
        request = x509.load_der_x509_csr(Applicant(name).request()).public_bytes(serialization.Encoding.PEM)
        (scratch / "request.csr").write_bytes(request)
        return certifier.run("issue", str(scratch / "request.csr")).encode()

    def verdict(pem: bytes) -> str:
        status, crl = certifier.call("GET", _list_of(pem))
        assert status == 200
        return openssl_verifies(scratch, pem, _root(certifier), crl)

    former = {name: issued(name) for name in ("alice", "bob")}
    assert verdict(former["alice"]) == "person.pem: OK\n"
    certifier.run("renew-issuing")
    certifier.stop()
    certifier.serve()
    after = issued("mallory")
    assert chain(after)[1] != chain(former["alice"])[1]
    for pem in (*former.values(), after):
        assert verdict(pem) == "person.pem: OK\n"
    assert certifier.run("revoke", "--address", f"bob@{DOMAIN}") == "1 revoked\n"
    assert "certificate revoked" in verdict(former["bob"])
    assert certifier.run("revoke", "--address", f"mallory@{DOMAIN}") == "1 revoked\n"
    assert "certificate revoked" in verdict(after)
    assert verdict(former["alice"]) == "person.pem: OK\n"
    # For whoever looks for one by hand: the list of the key that signs now.
    assert certifier.call("GET", "/revoked.crl") == certifier.call("GET", _list_of(after))
    assert certifier.call("GET", "/revoked/00.crl")[0] == 404


def test_by_hand(certifier: Certifier, scratch: Path) -> None:
    """A request from a file, in PEM, for an RSA key as S/MIME users have one."""
    alice = Applicant("alice", rsa.generate_private_key(65537, 2048))
    request = x509.load_der_x509_csr(alice.request()).public_bytes(serialization.Encoding.PEM)
    (scratch / "alice.csr").write_bytes(request)
    pem = certifier.run("issue", str(scratch / "alice.csr")).encode()
    assert chain(pem)[0].public_key() == alice.key.public_key()
    assert openssl_verifies(scratch, pem, _root(certifier)) == "person.pem: OK\n"
    (scratch / "bad.csr").write_bytes(request.replace(b"A", b"B", 5))
    assert "corella-ca: " in certifier.run("issue", str(scratch / "bad.csr"), code=1)


def test_its_folder_is_private(certifier: Certifier) -> None:
    """Keys, register and settings are for the authority's user alone."""
    files = list(certifier.folder.iterdir())
    assert {"root.key", "issuing.key", "token.key", "register.sqlite", "ca.toml"} <= {file.name for file in files}
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(certifier.folder.stat().st_mode) == 0o700


def test_mail_that_cannot_be_sent_is_sent_later(found: Callable[..., Certifier], mail: MailServer) -> None:
    """Whoever asks hears the truth, and nothing is lost, also when the authority is started anew meanwhile."""
    certifier = found(first_retry_seconds=1)
    certifier.serve()
    mail.stop_exim()
    alice = Applicant("alice")
    alice.ask(certifier)
    eventually(lambda: certifier.state(alice.id).get("delayed"), "the authority says that the letter is delayed")
    assert certifier.state(alice.id)["state"] == "waiting"
    certifier.stop()
    mail.start_exim()
    certifier.serve()
    status, _ = alice.answer(certifier, mail.letter("alice"))
    assert status == 200


@pytest.mark.parametrize("wrong", ["password_file", "authority_file"])
def test_a_mail_server_that_does_not_trust_or_is_not_trusted_gets_the_letter_when_that_is_mended(
    found: Callable[..., Certifier], mail: MailServer, scratch: Path, wrong: str
) -> None:
    """A password that is not ours, or a server that anybody could have put there: the letter is delayed, not lost."""
    password = scratch / "password"
    password.write_text("another\n")
    impostor = authority("Mail", scratch / "impostor").certificate_file
    certifier = found(first_retry_seconds=1)
    certifier.set(wrong, json.dumps(str({"password_file": password, "authority_file": impostor}[wrong])))
    certifier.serve()
    alice = Applicant("alice")
    alice.ask(certifier)
    eventually(lambda: certifier.state(alice.id).get("delayed"), "the authority says that the letter is delayed")
    assert certifier.state(alice.id)["state"] == "waiting"
    assert "letter failed" in certifier.run("list", "--audit")
    certifier.stop()
    assert mail.letters("alice") == []
    certifier.set(wrong, json.dumps(mail.settings()[wrong]))
    certifier.serve()
    status, _ = alice.answer(certifier, mail.letter("alice"))
    assert status == 200


def test_without_a_proxy_it_serves_https_itself(found: Callable[..., Certifier], scratch: Path) -> None:
    certifier = found()
    ca = authority("Web", scratch / "web-ca")
    certifier.use_https(server(ca, "localhost", scratch / "web"), ca)
    certifier.serve()
    status, pem = certifier.call("GET", "/chain.pem")
    assert (status, fingerprint(chain(pem)[-1])) == (200, certifier.fingerprint)
    plain = http.client.HTTPConnection(certifier.at, timeout=30)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        plain.request("GET", "/chain.pem")
        plain.getresponse()
    plain.close()


def test_nobody_reads_such_mail(certifier: Certifier, mail: MailServer) -> None:
    """An address that the mail server does not know is said to be undeliverable; no letter is sent."""
    nobody = Applicant("nobody")
    nobody.ask(certifier)
    eventually(lambda: certifier.state(nobody.id)["state"] == "undeliverable", "the letter is refused")
    assert mail.letters("alice") == []
