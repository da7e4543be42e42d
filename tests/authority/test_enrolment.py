"""An agent gets its certificate by mail, and nothing else makes it verified; the test fetches the mail for it."""

import datetime
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lib.agent import Agent, befriend
from lib.certifier import NAME, Applicant, Certifier, tokens
from lib.clock import put_ahead
from lib.impostor import REQUEST, FalseAuthority
from lib.mail import DOMAIN, MailServer
from lib.openssl import Certified, authority, server
from lib.people import People
from lib.waiting import eventually

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


def arguments(root: Path, url: str) -> list[str]:
    """Of an agent that trusts a root and asks there."""
    return ["--trust", str(root), "--authority", url]


def asking(people: People, certifier: Certifier, name: str, node: list[str]) -> Agent:
    """An agent that asks for a certificate."""
    more = arguments(certifier.folder / "root.pem", f"http://{certifier.at}")
    return people.agent(name, node, more, f"{name}@{DOMAIN}")


def identity(agent: Agent) -> dict[str, Any]:
    return agent.call("identity/list")["identities"][0]


def is_at(agent: Agent, state: str) -> None:
    """Waits until the user is told that."""
    eventually(lambda: identity(agent).get("enrolment", {}).get("state") == state, f"that it is {state}")


def letter_to(mail: MailServer, name: str) -> EmailMessage:
    """The letter with the tokens, once it is there; certificates for keeping may come beside it."""

    def found() -> EmailMessage | None:
        letters = [one for one in mail.letters(name) if one["Corella-Certificate"] == "token"]
        return letters[-1] if letters else None

    return eventually(found, f"a letter to {name}")


def stay(certifier: Certifier) -> None:
    """When it serves again, it is where it was."""
    settings = certifier.folder / "ca.toml"
    settings.write_text(settings.read_text().replace("127.0.0.1:0", certifier.at))


def hand(agent: Agent, text: str) -> bool:
    return agent.call("identity/letter", {"text": text})["taken"]


def is_verified(agent: Agent) -> None:
    agent.wait("identity/changed", lambda said: said["identity"]["trust"] == "verified")
    assert "enrolment" not in identity(agent)


def test_the_certificate_comes_by_mail_and_friends_see_no_change_of_key(
    people: People, certifier: Certifier, mail: MailServer
) -> None:
    node = people.node()
    alice = asking(people, certifier, "alice", node)
    trusting = ["--trust", str(certifier.folder / "root.pem")]
    bob = people.agent("bob", node, trusting, BOB)
    alice.on_line()
    bob.on_line()
    # She chats while her certificate is on its way.
    befriend(alice, bob)
    first = bob.write(ALICE, "hello")
    bob.sees_state(first, "delivered")
    assert (identity(alice)["trust"], bob.buddy(ALICE)["trust"]) == ("unverified", "unverified")
    before = identity(alice)["fingerprint"]

    letter = letter_to(mail, "alice")
    is_at(alice, "letter-coming")
    assert hand(alice, letter.get_content())
    is_verified(alice)
    assert not hand(alice, letter.get_content()), "the same letter again"
    now = identity(alice)
    assert now["issuer"].startswith(NAME) and now["fingerprint"] != before
    eventually(lambda: bob.buddy(ALICE)["trust"] == "verified", "Bob sees it")
    buddy = bob.buddy(ALICE)
    assert "question" not in buddy and buddy["fingerprint"] == now["fingerprint"]
    second = bob.write(ALICE, "again")
    bob.sees_state(second, "delivered")

    # It is there after a restart, and nobody is asked again.
    alice = people.again(alice)
    alice.on_line()
    assert identity(alice)["fingerprint"] == now["fingerprint"] and "enrolment" not in identity(alice)
    assert len(certifier.run("list").splitlines()) == 1


def test_after_a_restart_the_letter_that_came_meanwhile_is_asked_for(
    people: People, certifier: Certifier, mail: MailServer
) -> None:
    alice = asking(people, certifier, "alice", [])
    letter = letter_to(mail, "alice")
    is_at(alice, "letter-coming")
    alice = people.again(alice)
    assert alice.wait("identity/lettersWanted").params == {"address": ALICE}
    assert hand(alice, letter.get_content())
    is_verified(alice)
    # One letter, and the certificate.
    mail.letter("alice", 2)


def test_who_is_away_is_asked_again_and_the_user_hears_the_truth(
    people: People, found: Callable[..., Certifier], mail: MailServer
) -> None:
    certifier = found(first_retry_seconds=1)
    certifier.serve()
    mail.stop_exim()
    try:
        alice = asking(people, certifier, "alice", [])
        request = eventually(lambda: _request_of(alice), "that it has asked")
        eventually(lambda: certifier.state(request).get("delayed"), "that the letter could not be sent")
        # Who does not want to wait for the next look.
        alice.call("identity/enrol", {"address": ALICE})
        is_at(alice, "mail-delayed")
    finally:
        mail.start_exim()
    letter = letter_to(mail, "alice")
    stay(certifier)
    certifier.stop()
    assert hand(alice, letter.get_content())
    is_at(alice, "unreachable")
    certifier.serve()
    is_verified(alice)


def _request_of(agent: Agent) -> str:
    """The name of the request that an agent keeps, if there is one."""
    kept = next(agent.data.glob("keys/identities/*/request"), None)
    name = kept.read_text().splitlines()[1].split(" ")[0] if kept is not None else "-"
    return name.replace("-", "")


def test_an_authority_that_is_away_at_first_is_found_later(
    people: People, certifier: Certifier, mail: MailServer
) -> None:
    stay(certifier)
    certifier.stop()
    alice = asking(people, certifier, "alice", [])
    is_at(alice, "unreachable")
    certifier.serve()
    assert hand(alice, letter_to(mail, "alice").get_content())
    is_verified(alice)


def test_over_https_it_is_known_by_the_systems_certificates(
    people: People, found: Callable[..., Certifier], mail: MailServer, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has none of these does not even hear the address."""
    certifier, ca = found(), authority("Web", scratch / "web-ca")
    certifier.use_https(server(ca, "localhost", scratch / "web"), ca)
    certifier.serve()
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    alice = people.agent("alice", [], arguments(certifier.folder / "root.pem", certifier.url), ALICE)
    is_at(alice, "unreachable")
    assert certifier.run("list", "--audit") == ""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.certificate_file))
    alice = people.again(alice)
    assert hand(alice, letter_to(mail, "alice").get_content())
    is_verified(alice)


@pytest.fixture
def root(scratch: Path) -> Certified:
    """An authority that is trusted."""
    return authority("Root", scratch / "root")


def test_who_is_not_trusted_does_not_even_hear_the_address(people: People, root: Certified, scratch: Path) -> None:
    other = authority("Root", scratch / "other")
    with FalseAuthority(other.certificate, lambda _: "") as false:
        alice = people.agent("alice", [], arguments(root.certificate_file, false.url), ALICE)
        is_at(alice, "refused")
        assert identity(alice)["enrolment"]["reason"] == "untrusted-authority"
        assert not false.was_asked


def _letter(token: str = "11" * 32) -> str:
    applicant = Applicant("alice")
    applicant.id = REQUEST
    return f"-----BEGIN CORELLA TOKENS-----\n{applicant.tag} {token}\n-----END CORELLA TOKENS-----\n"


def _certificate(
    issuer: Certified, request: x509.CertificateSigningRequest, address: str, days: tuple[int, int], ca: bool, own: bool
) -> str:
    key = serialization.load_pem_private_key(issuer.key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    above = x509.load_pem_x509_certificate(issuer.certificate.encode())
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.RFC822Name(address), x509.UniformResourceIdentifier(f"sip:{address}")]
    public = request.public_key() if own else ec.generate_private_key(ec.SECP256R1()).public_key()
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(above.subject)
        .public_key(public)  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode() + issuer.certificate


GOOD: dict[str, Any] = {"address": ALICE, "days": (-1, 30), "ca": False, "own": True}


@pytest.mark.parametrize(
    "wrong",
    [
        {"own": False},
        {"address": BOB},
        {"days": (-30, -1)},
        {"days": (1, 30)},
        {"ca": True},
        {"issuer": "other"},
        None,
    ],
    ids=["another-key", "another-address", "expired", "not-yet-valid", "an-authority", "untrusted", "no-certificate"],
)
def test_a_certificate_that_is_not_good_is_not_used(
    people: People, root: Certified, scratch: Path, wrong: dict[str, Any] | None
) -> None:
    other = authority("Root", scratch / "other")

    def certify(request: x509.CertificateSigningRequest) -> str:
        if wrong is None:
            return "no certificate"
        says = {"issuer": root, **GOOD, **wrong}
        says["issuer"] = other if says["issuer"] == "other" else root
        return _certificate(request=request, **says)

    with FalseAuthority(root.certificate, certify) as false:
        alice = people.agent("alice", [], arguments(root.certificate_file, false.url), ALICE)
        is_at(alice, "letter-coming")
        before = identity(alice)["fingerprint"]
        assert hand(alice, _letter())
        is_at(alice, "refused")
        after = identity(alice)
        assert after["enrolment"]["reason"] == "bad-certificate"
        assert (after["trust"], after["fingerprint"]) == ("unverified", before)


def test_the_same_authority_is_believed_when_all_is_good(people: People, root: Certified) -> None:
    with FalseAuthority(root.certificate, lambda request: _certificate(root, request, **GOOD)) as good:
        alice = people.agent("alice", [], arguments(root.certificate_file, good.url), ALICE)
        is_at(alice, "letter-coming")
        assert hand(alice, _letter())
        is_verified(alice)


def test_a_certificate_is_renewed_before_it_ends_and_nobody_is_troubled(
    people: People, certifier: Certifier, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ["--trust", str(certifier.folder / "root.pem")]
    node = people.node()
    alice, bob = asking(people, certifier, "alice", node), people.agent("bob", node, trusting, BOB)
    assert hand(alice, letter_to(mail, "alice").get_content())
    is_verified(alice)
    befriend(alice, bob)
    eventually(lambda: bob.buddy(ALICE).get("trust") == "verified", "that Bob sees it")
    before = identity(alice)
    eventually(lambda: bob.buddy(ALICE).get("fingerprint") == before["fingerprint"], "that Bob knows the certificate")

    def later(days: int) -> tuple[Agent, Agent]:
        for agent in (alice, bob):
            agent.goes()
        certifier.stop()
        mail.empty()
        put_ahead(monkeypatch, days)
        certifier.serve()
        node = people.node(f"node after {days} days")
        more = arguments(certifier.folder / "root.pem", f"http://{certifier.at}")
        return people.keep(Agent(alice.home, ALICE, node, more)), people.keep(Agent(bob.home, BOB, node, trusting))

    alice, bob = later(50)
    alice.sees_state(alice.write(BOB, "fifty days later"), "delivered")
    assert "enrolment" not in identity(alice)
    assert mail.letters("alice") == []

    alice, bob = later(61)
    is_at(alice, "letter-coming")
    # Until the new one is there the old one is good.
    assert (identity(alice)["trust"], identity(alice)["fingerprint"]) == ("verified", before["fingerprint"])
    assert hand(alice, letter_to(mail, "alice").get_content())
    eventually(lambda: identity(alice)["expires"] > before["expires"], "that Alice has a new one")
    after = identity(alice)
    assert (after["trust"], after["key"]) == ("verified", before["key"])
    eventually(lambda: bob.buddy(ALICE).get("fingerprint") == after["fingerprint"], "that Bob knows the new one")
    buddy = bob.buddy(ALICE)
    assert (buddy["trust"], buddy["key"]) == ("verified", before["key"])
    assert "question" not in buddy
    alice.sees_state(alice.write(BOB, "the same as ever"), "delivered")
    assert [one.params for one in bob.notifications if one.method == "notice"] == []


def test_letters_from_strangers_change_nothing(people: People, certifier: Certifier, mail: MailServer) -> None:
    """What looks like the authority's letter and is not; what belongs to another's request."""
    alice = asking(people, certifier, "alice", [])
    letter = letter_to(mail, "alice").get_content()
    is_at(alice, "letter-coming")
    before = identity(alice)["fingerprint"]
    mallory = Applicant("alice")
    mallory.ask(certifier, network=2)
    pem = (certifier.folder / "root.pem").read_text()
    for forged in (
        "",
        "-----BEGIN CORELLA TOKENS-----\n-----END CORELLA TOKENS-----\n",
        _letter(),
        f"-----BEGIN CORELLA TOKENS-----\n{mallory.tag} {'00' * 32}\n-----END CORELLA TOKENS-----\n",
        pem,
        "x" * 500_000,
    ):
        assert not hand(alice, forged)
    assert (identity(alice)["fingerprint"], identity(alice)["trust"]) == (before, "unverified")
    # Hers is good still.
    assert len(tokens(letter_to(mail, "alice"))) == 1
    assert hand(alice, letter)
    is_verified(alice)


def test_a_forged_letter_for_the_right_request_does_not_stand_in_the_way(
    people: People, certifier: Certifier, mail: MailServer
) -> None:
    """Whoever knows the request's tag has seen the letter, and could as well have thrown it away."""
    alice = asking(people, certifier, "alice", [])
    letter = letter_to(mail, "alice")
    (tag,) = tokens(letter)
    is_at(alice, "letter-coming")
    assert hand(alice, f"-----BEGIN CORELLA TOKENS-----\n{tag} {'00' * 32}\n-----END CORELLA TOKENS-----\n")
    eventually(lambda: hand(alice, letter.get_content()), "that the true letter is taken")
    is_verified(alice)


def test_who_has_a_certificate_answers_no_letter_that_somebody_else_asked_for(
    people: People, certifier: Certifier, mail: MailServer
) -> None:
    """Mallory asks for Alice's address, and the authority writes to her."""
    alice = asking(people, certifier, "alice", [])
    assert hand(alice, letter_to(mail, "alice").get_content())
    is_verified(alice)
    mail.letter("alice", 2)
    mail.empty()
    before = identity(alice)
    mallory = Applicant("alice")
    mallory.ask(certifier, network=2)
    letter = letter_to(mail, "alice")
    assert list(tokens(letter)) == [mallory.tag]
    assert not hand(alice, letter.get_content())
    # Not when it comes again after a restart, either.
    alice = people.again(alice)
    assert not hand(alice, letter.get_content())
    assert identity(alice) == before
    assert certifier.state(mallory.id)["state"] == "mailed"
    assert len(certifier.run("list").splitlines()) == 1
