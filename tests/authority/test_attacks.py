"""What must not get anybody a certificate, or a mailbox full of letters."""

import json
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lib.certifier import Applicant, Certifier, error, tokens
from lib.mail import MailServer
from lib.waiting import eventually


def _refused(answer: tuple[int, bytes]) -> str:
    status, body = answer
    assert status >= 400, body
    return error(body)


def test_the_token_of_another_is_worth_nothing(certifier: Certifier, mail: MailServer) -> None:
    """Mallory asks for Alice's address; Alice is mailed, and does nothing."""
    mallory = Applicant("alice")
    mallory.ask(certifier, network=66)
    mail.letter("alice")
    # Mallory can read mail of their own.
    own = Applicant("mallory")
    own.ask(certifier, network=66)
    letter = mail.letter("mallory")
    assert mallory.tag not in tokens(letter)
    assert _refused(mallory.answer(certifier, token=own.token(letter))) == "wrong-token"
    assert _refused(mallory.answer(certifier, token="00" * 32)) == "wrong-token"
    assert certifier.run("list") == ""


def test_a_token_without_the_key_is_worth_nothing(certifier: Certifier, mail: MailServer) -> None:
    """Whoever reads the letter has to hold the key of the request, and sign for this authority and this request."""
    alice, thief = Applicant("alice"), Applicant("alice")
    alice.ask(certifier)
    letter = mail.letter("alice")
    thief.id = alice.id
    assert _refused(thief.answer(certifier, letter)) == "bad-signature"
    token = alice.token(letter)
    elsewhere = alice.answer_body("ab" * 32, token)
    path = f"/requests/{alice.id}/answer"
    assert _refused(certifier.call("POST", path, elsewhere)) == "bad-signature"
    # What was signed to be kept is no answer to revoke.
    kept = alice.answer_body(certifier.fingerprint, token).replace(b"false", b"true")
    assert _refused(certifier.call("POST", path, kept)) == "bad-signature"
    for body in (b"", b"{}", b"[" * 10_000, kept[:-3], kept.replace(b"token", b"other")):
        assert _refused(certifier.call("POST", path, body)) == "malformed"
    assert alice.answer(certifier, letter)[0] == 200


def test_a_flood_for_an_address_fills_no_mailbox(found: Callable[..., Certifier], mail: MailServer) -> None:
    """Alice gets one letter, and then rarely one; her own request gets through."""
    certifier = found(first_pause_seconds=2)
    certifier.serve()
    answers = []
    for number in range(150):
        attacker = Applicant("alice")
        answers.append(certifier.ask(attacker.request(), network=number % 30)[0])
    assert answers[0] == 202 and 429 in answers
    alice = Applicant("alice")
    alice.ask(certifier, network=200)
    assert len(mail.letters("alice")) <= 1
    eventually(lambda: any(alice.tag in tokens(letter) for letter in mail.letters("alice")), "her own token")
    letters = mail.letters("alice")
    assert len(letters) <= 2
    assert len(tokens(letters[-1])) <= 64
    assert "times somebody asked" in letters[-1].get_content()
    assert alice.answer(certifier, letters[-1])[0] == 200


def test_one_network_may_not_ask_for_ever(found: Callable[..., Certifier]) -> None:
    """A limit for each network, which is no limit for others."""
    certifier = found(per_network=3)
    certifier.serve()
    names = ["alice", "bob", "mallory"]
    for name in names:
        Applicant(name).ask(certifier)
    assert certifier.ask(Applicant("ca").request())[1]["error"] == "too-many-from-network"
    Applicant("ca").ask(certifier, network=2)


def test_without_a_proxy_nobody_says_where_they_come_from(found: Callable[..., Certifier]) -> None:
    """What a proxy would say is only words of whoever asks."""
    certifier = found(per_network=1)
    certifier.set("behind_proxy", "false")
    certifier.serve()
    Applicant("alice").ask(certifier, network=1)
    status, body = certifier.ask(Applicant("bob").request(), network=2)
    assert (status, body["error"]) == (429, "too-many-from-network")


def test_what_is_too_long_is_refused_in_the_same_words_everywhere(certifier: Certifier) -> None:
    alice = Applicant("alice")
    alice.ask(certifier)
    for path, error_within in (("/requests", "unreadable"), (f"/requests/{alice.id}/answer", "malformed")):
        for length, name in ((16_384, error_within), (16_385, "too-large"), (16_386, "too-large")):
            status, body = certifier.call("POST", path, b" " * length)
            assert (status, error(body)) == (413 if name == "too-large" else 400, name), (path, length)
            assert json.loads(body)["message"]


_NAMES = x509.SubjectAlternativeName


def _request(names: list[x509.GeneralName], key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        builder = builder.add_extension(_NAMES(names), critical=False)
    key = key or ec.generate_private_key(ec.SECP256R1())
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _mail(address: str) -> x509.RFC822Name:
    # Past the library's own checks: an attacker has none.
    return x509.RFC822Name._init_without_validation(address)


_ALICE = "alice@example.test"


@pytest.mark.parametrize(
    ("request_der", "name"),
    [
        pytest.param(b"", "unreadable", id="nothing"),
        pytest.param(b"nonsense", "unreadable", id="nonsense"),
        pytest.param(b"\x30" * 20_000, "too-large", id="over 16 KB"),
        pytest.param(_request([]), "not-one-address", id="no address"),
        pytest.param(_request([_mail(_ALICE), _mail("bob@example.test")]), "not-one-address", id="two addresses"),
        pytest.param(_request([_mail(_ALICE), x509.DNSName("example.test")]), "other-names", id="a host"),
        pytest.param(_request([_mail(f"{_ALICE}\r\nBcc: bob@example.test")]), "bad-address", id="a header"),
        pytest.param(_request([_mail(f"{_ALICE}, bob@example.test")]), "bad-address", id="two in one"),
        pytest.param(_request([_mail(f"{_ALICE}\x00")]), "bad-address", id="a control character"),
        pytest.param(_request([_mail(f"<{_ALICE}>")]), "bad-address", id="brackets"),
        pytest.param(_request([_mail("alice")]), "bad-address", id="no domain"),
        pytest.param(_request([_mail(_ALICE)], ec.generate_private_key(ec.SECP384R1())), "bad-key", id="P-384"),
        pytest.param(
            _request([_mail(_ALICE)], rsa.generate_private_key(65537, 1024)), "bad-key", id="RSA of 1024 bits"
        ),
        pytest.param(
            _request([_mail(_ALICE)]).replace(b"alice", b"malic"), "bad-signature", id="changed after it was signed"
        ),
    ],
)
def test_bad_requests_are_refused(certifier: Certifier, mail: MailServer, request_der: bytes, name: str) -> None:
    """Each by its name, and nobody is mailed."""
    status, body = certifier.ask(request_der)
    assert (status >= 400, body["error"]) == (True, name)
    assert [len(mail.letters(one)) for one in ("alice", "bob")] == [0, 0]
