//! The shapes of CMS structures that are accepted (RFC 5652, RFC 5083): those that this crate makes, and little more.
//! OpenSSL accepts far more, such as SHA-1, ciphers without integrity, or hundreds of recipients to try.

use crate::Certificate;
use crate::der::{Reader, tag};

/// Contents octets of object identifiers.
mod oid {
    /// id-data, 1.2.840.113549.1.7.1.
    pub(super) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    /// id-signedData, 1.2.840.113549.1.7.2.
    pub(super) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    /// id-ct-authEnvelopedData, 1.2.840.113549.1.9.16.1.23.
    pub(super) const AUTH_ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17];
    /// SHA-256, -384 and -512: 2.16.840.1.101.3.4.2.1 to .3.
    pub(super) const SHA_2: [&[u8]; 3] = [
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
    ];
    /// AES-128-GCM and AES-256-GCM: 2.16.840.1.101.3.4.1.6 and .46.
    pub(super) const AES_GCM: [&[u8]; 2] = [
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x06],
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e],
    ];
}

/// Shortest authentication tag of GCM (RFC 5084 section 3.2).
const TAG_MINIMUM: usize = 12;

/// AuthEnvelopedData of an accepted shape.
pub(super) struct Sealed<'a> {
    /// The recipient's issuer (content of the Name) and serial number, unless the recipient is named in another way.
    recipient: Option<(&'a [u8], &'a [u8])>,
}

impl Sealed<'_> {
    /// Whether it does not name another recipient than the holder of this certificate.
    pub(super) fn is_for(&self, certificate: &Certificate) -> bool {
        self.recipient.is_none() || self.recipient == issuer_and_serial(certificate.der())
    }
}

/// Reads AuthEnvelopedData with AES-GCM for exactly one recipient, by key transport (RSA) or key agreement (EC).
pub(super) fn sealed(der: &[u8]) -> Option<Sealed<'_>> {
    let mut data = content_of(der, oid::AUTH_ENVELOPED_DATA)?;
    data.next()?; // version
    data.optional(tag::context(0)); // originatorInfo
    let mut recipients = data.enter(tag::SET)?;
    let (kind, recipient) = recipients.next()?;
    let recipient = recipient_of(kind, Reader::new(recipient))?;
    let mut content = data.enter(tag::SEQUENCE)?;
    let plain = content.expect(tag::OID)? == oid::DATA;
    let cipher = content.enter(tag::SEQUENCE)?.expect(tag::OID)?;
    data.optional(tag::context(1)); // authAttrs
    let authentication = data.expect(tag::OCTET_STRING)?;
    let accepted =
        recipients.is_empty() && plain && oid::AES_GCM.contains(&cipher) && authentication.len() >= TAG_MINIMUM;
    accepted.then_some(Sealed { recipient })
}

/// The recipient's issuer and serial number in a RecipientInfo, `Some(None)` if it is named in another way. `None` if it
/// is of another kind, or names several.
fn recipient_of(kind: u8, mut info: Reader<'_>) -> Option<Option<(&[u8], &[u8])>> {
    info.next()?; // version
    let mut key = match kind {
        tag::SEQUENCE => info,
        _ if kind == tag::context(1) => {
            info.expect(tag::context(0))?; // originator
            info.optional(tag::context(1)); // ukm
            info.expect(tag::SEQUENCE)?; // keyEncryptionAlgorithm
            let mut keys = info.enter(tag::SEQUENCE)?;
            let key = keys.enter(tag::SEQUENCE)?;
            if !keys.is_empty() {
                return None;
            }
            key
        }
        _ => return None,
    };
    match key.next()? {
        (tag::SEQUENCE, name) => {
            let mut name = Reader::new(name);
            Some(Some((name.expect(tag::SEQUENCE)?, name.expect(tag::INTEGER)?)))
        }
        _ => Some(None),
    }
}

/// Issuer (content of the Name) and serial number of a certificate (RFC 5280 section 4.1).
fn issuer_and_serial(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut tbs = Reader::new(certificate).enter(tag::SEQUENCE)?.enter(tag::SEQUENCE)?;
    tbs.optional(tag::context(0)); // version
    let serial = tbs.expect(tag::INTEGER)?;
    tbs.expect(tag::SEQUENCE)?; // signature
    Some((tbs.expect(tag::SEQUENCE)?, serial))
}

/// Whether this is SignedData with its content inside, signed by exactly one signer with SHA-2 over signed attributes.
pub(super) fn is_signed(der: &[u8]) -> bool {
    signed(der).is_some_and(|good| good)
}

fn signed(der: &[u8]) -> Option<bool> {
    let mut data = content_of(der, oid::SIGNED_DATA)?;
    data.next()?; // version
    data.expect(tag::SET)?; // digestAlgorithms
    let mut content = data.enter(tag::SEQUENCE)?;
    let plain = content.expect(tag::OID)? == oid::DATA;
    content.expect(tag::context(0))?; // eContent
    data.optional(tag::context(0)); // certificates
    data.optional(tag::context(1)); // crls
    let mut signers = data.enter(tag::SET)?;
    let mut signer = signers.enter(tag::SEQUENCE)?;
    signer.next()?; // version
    signer.next()?; // sid
    let digest = signer.enter(tag::SEQUENCE)?.expect(tag::OID)?;
    signer.expect(tag::context(0))?; // signedAttrs
    Some(signers.is_empty() && plain && oid::SHA_2.contains(&digest))
}

/// The content of a ContentInfo of this type.
fn content_of<'a>(der: &'a [u8], content_type: &[u8]) -> Option<Reader<'a>> {
    let mut info = Reader::new(der).enter(tag::SEQUENCE)?;
    if info.expect(tag::OID)? != content_type {
        return None;
    }
    info.enter(tag::context(0))?.enter(tag::SEQUENCE)
}
