"""Keys and certificates made by the `openssl` command, as another authority would make them."""

import hashlib
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certified:
    """A certificate with its key, as files and as texts."""

    certificate_file: Path
    key_file: Path

    @property
    def certificate(self) -> str:
        """The certificate in PEM."""
        return self.certificate_file.read_text()

    @property
    def key(self) -> str:
        """The key in PEM."""
        return self.key_file.read_text()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as PROTOCOL.md writes it."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return ssl.PEM_cert_to_DER_cert(self.certificate)

    @property
    def arguments(self) -> list[str]:
        """The arguments of `corella agent` that use it."""
        return ["--certificate", str(self.certificate_file), "--key", str(self.key_file)]


def certificate_for(address: str, stem: Path, days: int = 30) -> Certified:
    """A self-signed certificate for a mail address; files named after `stem`."""
    names = f"subjectAltName=email:{address},URI:sip:{address}"
    made = _files(stem)
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days)),
        *("-subj", f"/CN={address}", "-addext", names, "-addext", "extendedKeyUsage=emailProtection"),
        *("-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=digitalSignature,keyAgreement"),
        *("-keyout", str(made.key_file), "-out", str(made.certificate_file)),
    )
    return made


def authority(name: str, stem: Path) -> Certified:
    """A certifying authority."""
    made = _files(stem)
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365"),
        *("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-keyout", str(made.key_file), "-out", str(made.certificate_file)),
    )
    return made


def server(ca: Certified, name: str, stem: Path) -> Certified:
    """A certificate for a server under an authority."""
    return _issued(ca, name, stem, f"subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth\n")


def issue(ca: Certified, address: str, stem: Path) -> Certified:
    """A certificate for a mail address under an authority."""
    return _issued(ca, address, stem, _of_person(address))


def reissue(ca: Certified, person: Certified, address: str, stem: Path) -> Certified:
    """Another certificate under an authority, for the same key."""
    return _issued(ca, address, stem, _of_person(address), person.key_file)


def pkcs12(person: Certified, ca: Certified | None, passphrase: str, *more: str) -> bytes:
    """Certificate, key and authority in one file, as mail programs export them; `more` are options of `openssl`."""
    file = person.certificate_file.with_suffix(".p12")
    words = ["pkcs12", "-export", "-in", str(person.certificate_file), "-inkey", str(person.key_file)]
    if ca is not None:
        words += ["-certfile", str(ca.certificate_file)]
    _openssl(*words, "-out", str(file), "-passout", f"pass:{passphrase}", *more)
    return file.read_bytes()


def _of_person(address: str) -> str:
    return (
        f"subjectAltName=email:{address},URI:sip:{address}\n"
        "extendedKeyUsage=emailProtection\nbasicConstraints=critical,CA:FALSE\n"
        "keyUsage=digitalSignature,keyAgreement\n"
    )


def _issued(ca: Certified, name: str, stem: Path, says: str, key: Path | None = None) -> Certified:
    made = _files(stem)
    request, extensions = stem.with_suffix(".csr"), stem.with_suffix(".ext")
    extensions.write_text(says)
    if key is None:
        _openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", str(made.key_file), "-out", str(request)),
        )
    else:
        made.key_file.write_bytes(key.read_bytes())
        _openssl("req", "-new", "-key", str(key), "-subj", f"/CN={name}", "-out", str(request))
    _openssl(
        *("x509", "-req", "-in", str(request), "-days", "90", "-extfile", str(extensions), "-CAcreateserial"),
        *("-CA", str(ca.certificate_file), "-CAkey", str(ca.key_file), "-out", str(made.certificate_file)),
    )
    return made


def _files(stem: Path) -> Certified:
    return Certified(stem.with_suffix(".crt"), stem.with_suffix(".key"))


def _openssl(*words: str) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {words[0]}: {done.stderr}"
