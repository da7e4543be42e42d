"""The certifying authority as a running program, and a person who deals with it by hand: with `openssl` and HTTP."""

import base64
import hashlib
import http.client
import json
import re
import ssl
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from lib import built
from lib.home import Home
from lib.mail import DOMAIN, MailServer
from lib.openssl import Certified
from lib.process import Process
from lib.waiting import eventually

NAME = "Corella Test"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Certifier:
    """`corella-ca` in a folder of its own."""

    def __init__(self, folder: Path, mail: MailServer, limits: dict[str, int] | None = None) -> None:
        """Makes its keys and settings. It does not serve yet."""
        self.folder = folder
        self.home = Home(folder.with_name(folder.name + "-home"))
        self.fingerprint = self.run("init", "--name", NAME).strip()
        settings = folder / "ca.toml"
        lines = [f'name = "{NAME}"', 'url = "http://127.0.0.1"', 'listen = "127.0.0.1:0"', "behind_proxy = true"]
        lines += ["[smtp]", *(f"{name} = {json.dumps(value)}" for name, value in mail.settings().items())]
        lines += ["[limits]", *(f"{name} = {value}" for name, value in (limits or {}).items())]
        settings.write_text("\n".join(lines) + "\n")
        self.process: Process | None = None
        self._tls: ssl.SSLContext | None = None

    def set(self, name: str, value: str) -> None:
        """Changes one of its settings; the value is as TOML writes it."""
        settings = self.folder / "ca.toml"
        changed, count = re.subn(rf"^{name} = .*$", lambda _: f"{name} = {value}", settings.read_text(), flags=re.M)
        assert count == 1, f"{name} stands {count} times in {settings}"
        settings.write_text(changed)

    def use_https(self, server: Certified, ca: Certified) -> None:
        """From the next start on it serves HTTPS, with a certificate for `localhost` that this authority has issued."""
        with (self.folder / "ca.toml").open("a") as settings:
            settings.write(f'[tls]\ncertificate = "{server.certificate_file}"\nkey = "{server.key_file}"\n')
        self._tls = ssl.create_default_context(cafile=str(ca.certificate_file))

    @property
    def url(self) -> str:
        """Where it is, for agents."""
        return f"http://{self.at}" if self._tls is None else f"https://localhost:{self.at.rpartition(':')[2]}"

    def argv(self, *words: str) -> list[str]:
        """The program and its arguments."""
        return [str(built.certifier()), "--folder", str(self.folder), *words]

    def run(self, *words: str, code: int = 0) -> str:
        """Runs one of its other commands and gives what it prints, on stderr if it fails."""
        done = subprocess.run(
            self.argv(*words), env=self.home.environment(), capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == code, f"{words}: {done.returncode}: {done.stderr}"
        return done.stderr if code else done.stdout

    def serve(self) -> None:
        """Begins to serve."""
        log = self.folder.with_name(self.folder.name + ".log")
        self.process = Process(self.argv("serve"), self.home, log)
        offset = log.stat().st_size if log.exists() else 0
        child = self.process.child

        def address() -> str | None:
            assert child.poll() is None, log.read_text()
            said = re.search(r"listening on (\S+:\d+)", _plain(log.read_text()[offset:]))
            return said[1] if said else None

        self.at = eventually(address, "the authority listens")

    def stop(self) -> None:
        """Ends it as systemd does."""
        if self.process is not None:
            self.process.terminate()
            assert self.process.ended(within=5) == 0
            self.process.kill()
            self.process = None

    def end(self) -> None:
        """Ends it, whatever it does."""
        if self.process is not None:
            self.process.kill()

    def call(self, method: str, path: str, body: bytes | None = None, network: int = 1) -> tuple[int, bytes]:
        """A request as a proxy passes it on from somebody in a network."""
        place = urlsplit(self.url).netloc
        if self._tls is None:
            connection = http.client.HTTPConnection(place, timeout=30)
        else:
            connection = http.client.HTTPSConnection(place, timeout=30, context=self._tls)
        connection.request(method, path, body, {"X-Forwarded-For": f"198.51.{network}.7"})
        answer = connection.getresponse()
        status, read = answer.status, answer.read()
        connection.close()
        return status, read

    def ask(self, request: bytes, network: int = 1) -> tuple[int, Any]:
        """Asks for a certificate."""
        status, body = self.call("POST", "/requests", request, network)
        return status, json.loads(body)

    def state(self, request: str) -> dict[str, str]:
        """How far a request has come."""
        state: dict[str, str] = json.loads(self.call("GET", f"/requests/{request}")[1])
        return state


class Applicant:
    """Somebody who wants a certificate for an address."""

    def __init__(self, name: str, key: Key | None = None) -> None:
        """A new key, unless there is one."""
        self.name = name
        self.address = f"{name}@{DOMAIN}"
        self.key: Key = key or ec.generate_private_key(ec.SECP256R1())
        self.id = ""

    def request(self) -> bytes:
        """A PKCS #10 request in DER."""
        names = [x509.RFC822Name(self.address), x509.UniformResourceIdentifier(f"sip:{self.address}")]
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def ask(self, certifier: Certifier, network: int = 1) -> None:
        """Asks; the answer is yes."""
        status, body = certifier.ask(self.request(), network)
        assert (status, body["address"]) == (202, self.address), body
        self.id = body["request"]

    @property
    def tag(self) -> str:
        """By which letters call the request."""
        return hashlib.sha256(b"corella request tag 1 " + bytes.fromhex(self.id)).hexdigest()[:16]

    def token(self, letter: EmailMessage) -> str:
        """The token in a letter."""
        return tokens(letter)[self.tag]

    def answer_body(self, authority: str, token: str, others: str = "keep") -> bytes:
        """The signed answer to a letter."""
        said = f"corella certificate answer 1\n{authority}\n{self.address}\n{self.id}\n{token}\n{others}\n".encode()
        if isinstance(self.key, rsa.RSAPrivateKey):
            signature = self.key.sign(said, PKCS1v15(), hashes.SHA256())
        else:
            r, s = decode_dss_signature(self.key.sign(said, ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        body = {"token": token, "signature": base64.b64encode(signature).decode(), "revokeOthers": others == "revoke"}
        return json.dumps(body).encode()

    def answer(
        self, certifier: Certifier, letter: EmailMessage | None = None, token: str = "", others: str = "keep"
    ) -> tuple[int, bytes]:
        """Answers a letter, or with any token."""
        token = self.token(letter) if letter is not None else token
        body = self.answer_body(certifier.fingerprint, token, others)
        return certifier.call("POST", f"/requests/{self.id}/answer", body)


def tokens(letter: EmailMessage) -> dict[str, str]:
    """The tokens in a letter, by the tags of their requests."""
    text = letter.get_content().replace("\r\n", "\n")
    block = re.search(r"-----BEGIN CORELLA TOKENS-----\n(.*)-----END CORELLA TOKENS-----", text, re.DOTALL)
    assert block, text
    return dict(line.split(" ") for line in block[1].splitlines())


def chain(pem: bytes) -> list[x509.Certificate]:
    """The certificates in an answer, the person's first."""
    return x509.load_pem_x509_certificates(pem)


def error(body: bytes) -> str:
    """The name of a refusal."""
    return json.loads(body)["error"]


def fingerprint(certificate: x509.Certificate) -> str:
    """As the program prints it."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def openssl_verifies(folder: Path, pem: bytes, root: bytes, crl: bytes | None = None) -> str:
    """What `openssl verify` says of a certificate and its chain, with a revocation list if there is one."""
    person, *above = chain(pem)
    files = {
        "root.pem": root,
        "above.pem": b"".join(one.public_bytes(serialization.Encoding.PEM) for one in above),
        "person.pem": person.public_bytes(serialization.Encoding.PEM),
    }
    words = ["openssl", "verify", "-purpose", "smimesign", "-x509_strict"]
    words += ["-CAfile", "root.pem", "-untrusted", "above.pem"]
    if crl is not None:
        files["list.der"] = crl
        words += ["-crl_check", "-CRLfile", "list.der"]
    for name, content in files.items():
        (folder / name).write_bytes(content)
    done = subprocess.run([*words, "person.pem"], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
