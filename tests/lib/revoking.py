"""Records that revoke certificates, made as anybody could make them, from `native-host/overlay/RECORDS.md` alone."""

import base64
import datetime
import hashlib
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from lib.gateway import DHT, DSIG
from lib.openssl import Certified

P2P_SIP = "urn:ietf:params:xml:ns:p2p-sip"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
LIFE = datetime.timedelta(days=180)


def _der(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def revoked(certificate: str) -> str:
    """What stands in the value: a certificate, given in PEM."""
    inside = f'<X509Certificate xmlns="{DSIG}">{_base64(_der(certificate))}</X509Certificate>'
    return f'<revoked xmlns="{P2P_SIP}">{inside}</revoked>'


def removed(certificate: str) -> str:
    """What would take that back."""
    digest = _base64(hashlib.sha256(revoked(certificate).encode()).digest())
    method = f'<DigestMethod xmlns="{DSIG}" Algorithm="{SHA256}"></DigestMethod>'
    return f'{method}<DigestValue xmlns="{DSIG}">{digest}</DigestValue>'


def record(
    address: str, certificate: str, signer: Certified, value: str | None = None, life: datetime.timedelta | None = None
) -> str:
    """The record under `revoked:ADDRESS` about a certificate, signed by whoever that is."""
    now = time.time()
    end = x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc
    expires = min(end, datetime.datetime.fromtimestamp(int(now), datetime.UTC) + (life or LIFE))
    nonce = hashlib.sha256(_der(certificate)).hexdigest()[:32]
    attributes = (
        f'Id="Two" expires="{expires:%Y-%m-%dT%H:%M:%SZ}" nonce="{nonce}" sequence="{int(now * 1000)}" '
        f'signer="{signer.fingerprint}"'
    )
    key = f'<key{{}} Id="One">revoked:{address}</key>'
    content = f"<value{{}} {attributes}>{value or revoked(certificate)}</value>"
    references = ""
    for name, element in (("One", key), ("Two", content)):
        digest = _base64(hashlib.sha256(element.format(f' xmlns="{DHT}"').encode()).digest())
        references += (
            f'<Reference URI="#{name}"><Transforms><Transform Algorithm="{EXCLUSIVE}"></Transform></Transforms>'
            f'<DigestMethod Algorithm="{SHA256}"></DigestMethod><DigestValue>{digest}</DigestValue></Reference>'
        )
    method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    info = (
        f'<SignedInfo{{}}><CanonicalizationMethod Algorithm="{EXCLUSIVE}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{method}"></SignatureMethod>{references}</SignedInfo>'
    )
    private = serialization.load_pem_private_key(signer.key.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    said = info.format(f' xmlns="{DSIG}"').encode()
    r, s = decode_dss_signature(private.sign(said, ec.ECDSA(hashes.SHA256())))
    signature = _base64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return (
        f'<dhtRecord xmlns="{DHT}">{key.format("")}{content.format("")}<Signature xmlns="{DSIG}">{info.format("")}'
        f"<SignatureValue>{signature}</SignatureValue><KeyInfo><X509Data><X509Certificate>"
        f"{_base64(_der(signer.certificate))}</X509Certificate></X509Data></KeyInfo></Signature></dhtRecord>"
    )


def issued_for_key_of(certificate: str, issuer: Certified) -> str:
    """A certificate of an authority for somebody else's public key, as anybody can make one."""
    person = x509.load_pem_x509_certificate(certificate.encode())
    key = serialization.load_pem_private_key(issuer.key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    names = person.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(person.subject)
        .issuer_name(x509.load_pem_x509_certificate(issuer.certificate.encode()).subject)
        .public_key(person.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()
