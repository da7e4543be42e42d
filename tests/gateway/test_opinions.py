"""Second opinions on our records: xmlsec1 and signxml, which know nothing of Corella."""

import subprocess
from pathlib import Path

import pytest
from lxml import etree
from signxml import XMLVerifier
from signxml.exceptions import InvalidDigest, InvalidSignature

from lib import built

FORMS = [
    "contacts",
    "certificate",
    "watchers",
    "offline",
    "offline-with-pass",
    "offline-in-fragments",
    "removal",
    "private",
    "revoked",
    "ticket",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One record of each form, and its signer's certificate."""
    folder = tmp_path_factory.mktemp("records")
    subprocess.run([built.example("records"), folder], check=True)
    return folder


def record(folder: Path, form: str) -> tuple[str, Path]:
    """A record, and its signer's certificate."""
    [path] = folder.glob(f"{form}.*.xml")
    return path.read_text(), folder / f"{path.suffixes[0][1:]}.pem"


def tampered(xml: str) -> list[str]:
    """Twins that say something else."""
    key_end = xml.index("</key>")
    later = xml.replace(' sequence="1', ' sequence="2')
    return [xml[: key_end - 1] + "x" + xml[key_end:], later]


def xmlsec1_accepts(xml: str, certificate: Path, folder: Path) -> bool:
    """Whether xmlsec1 finds the signature good under this certificate."""
    path = folder / "looked-at.xml"
    path.write_text(xml)
    verify = ["xmlsec1", "--verify", "--id-attr:Id", "key", "--id-attr:Id", "value"]
    ended = subprocess.run([*verify, "--trusted-pem", certificate, path], capture_output=True)
    return ended.returncode == 0


def signxml_accepts(xml: str, certificate: Path) -> bool:
    """Whether signxml does, and found both references."""
    try:
        verified = XMLVerifier().verify(
            etree.fromstring(xml),
            x509_cert=certificate.read_text(),
            id_attribute="Id",
            expect_references=2,
            location=".//",
        )
    except (InvalidDigest, InvalidSignature):
        return False
    names = [etree.QName(one.signed_xml).localname for one in verified]
    return names == ["key", "value"]


@pytest.mark.parametrize("form", FORMS)
def test_others_verify_what_we_signed_and_nothing_else(folder: Path, form: str) -> None:
    xml, certificate = record(folder, form)
    assert xmlsec1_accepts(xml, certificate, folder)
    assert signxml_accepts(xml, certificate)
    for twin in tampered(xml):
        assert twin != xml
        assert not xmlsec1_accepts(twin, certificate, folder)
        assert not signxml_accepts(twin, certificate)
