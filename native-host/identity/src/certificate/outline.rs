//! What a certificate says, read in two ways: by OpenSSL, or, if it is of the plain shape that nearly all certificates of
//! persons have, by a walk along its DER that takes a few microseconds where OpenSSL takes a hundred.
//!
//! The walk must never find anything else than OpenSSL would. So it reads only what leaves no doubt: DER in every part that it
//! looks at, no part that it does not know, a P-256 key as an uncompressed point, names and times in their common forms.
//! About everything else it says nothing, and OpenSSL is asked. Whoever needs OpenSSL's certificate later gets it only if that
//! says the same ([`Certificate::x509`](super::Certificate)).

use chrono::NaiveDate;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::x509::{X509, X509Ref};

use super::{CertificateError, KeyKind};
use crate::der::{Reader, tag};
use crate::{AddressOfRecord, Millis};

/// Contents octets of object identifiers.
mod oid {
    /// subjectAltName, 2.5.29.17.
    pub(super) const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
    /// basicConstraints, 2.5.29.19.
    pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
}

/// Contents octets of the AlgorithmIdentifiers of signatures: ECDSA with SHA-256, -384 and -512 (RFC 5758 section 3.2), and
/// PKCS #1 v1.5 with the same (RFC 4055 section 5).
const SIGNATURES: [&[u8]; 6] = [
    &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
    &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
    &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
    &[
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
    ],
    &[
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c, 0x05, 0x00,
    ],
    &[
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d, 0x05, 0x00,
    ],
];

/// Contents octets of the AlgorithmIdentifier of a P-256 key: id-ecPublicKey, prime256v1 (RFC 5480 section 2.1.1).
const P256: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
];
/// Length of an uncompressed point of P-256, with the octet that says so.
const POINT: usize = 65;

/// What a certificate says, but for its key's value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outline {
    /// The rfc822Names. See [`addresses`].
    pub(super) addresses: Vec<AddressOfRecord>,
    pub(super) kind: KeyKind,
    pub(super) is_ca: bool,
    pub(super) not_before: Millis,
    pub(super) not_after: Millis,
    /// Contents octets of the issuer's Name, and of the subject's.
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
}

impl Outline {
    /// Reads a certificate of the plain shape, and gives its key as an uncompressed point that may not be on the curve.
    /// `None`: nothing is said about it, good or bad.
    pub(super) fn of_der(der: &[u8]) -> Option<(Self, &[u8])> {
        let mut certificate = only(der, tag::SEQUENCE)?;
        let mut tbs = certificate.enter(tag::SEQUENCE)?;
        let algorithm = certificate.expect(tag::SEQUENCE)?;
        let signature = certificate.expect(tag::BIT_STRING)?;
        // Version 3.
        let is_v3 = tbs.expect(tag::context(0))? == [tag::INTEGER, 1, 2];
        let has_serial = is_serial(tbs.expect(tag::INTEGER)?);
        let same_algorithm = tbs.expect(tag::SEQUENCE)? == algorithm && SIGNATURES.contains(&algorithm);
        let is_signed = signature.len() > 1 && signature[0] == 0;
        if !(certificate.is_empty() && is_v3 && has_serial && same_algorithm && is_signed) {
            return None;
        }
        let issuer = name(tbs.expect(tag::SEQUENCE)?)?;
        let mut validity = tbs.enter(tag::SEQUENCE)?;
        let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
        let subject = name(tbs.expect(tag::SEQUENCE)?)?;
        let mut key = tbs.enter(tag::SEQUENCE)?;
        let is_p256 = key.expect(tag::SEQUENCE)? == P256;
        let (unused, point) = key.expect(tag::BIT_STRING)?.split_first()?;
        let is_point = *unused == 0 && point.len() == POINT && point[0] == 4;
        if !(validity.is_empty() && key.is_empty() && is_p256 && is_point) {
            return None;
        }
        let mut outline = Self {
            addresses: Vec::new(),
            kind: KeyKind::P256,
            is_ca: false,
            not_before,
            not_after,
            issuer,
            subject,
        };
        if !tbs.is_empty() {
            let extensions = only(tbs.expect(tag::context(3))?, tag::SEQUENCE)?;
            outline.read_extensions(extensions)?;
        }
        tbs.is_empty().then_some((outline, point))
    }

    fn read_extensions(&mut self, mut extensions: Reader<'_>) -> Option<()> {
        let mut seen = Vec::new();
        while !extensions.is_empty() {
            let mut extension = extensions.enter(tag::SEQUENCE)?;
            let id = extension.expect(tag::OID)?;
            let critical = extension.optional(tag::BOOLEAN);
            let value = extension.expect(tag::OCTET_STRING)?;
            // One that stands there twice may be the first, the last or none.
            let is_good = is_oid(id) && !seen.contains(&id) && critical.is_none_or(|critical| critical == [0xff]);
            if !(extension.is_empty() && is_good) {
                return None;
            }
            seen.push(id);
            match id {
                oid::ALTERNATIVE_NAMES => self.addresses = addresses(mails(value)?),
                oid::BASIC_CONSTRAINTS => self.is_ca = constraints(value)?,
                _ => {}
            }
        }
        (!seen.is_empty()).then_some(())
    }

    /// What OpenSSL says. `der` is the certificate as OpenSSL writes it, `kind` that of its key.
    pub(super) fn of_x509(x509: &X509, der: &[u8], kind: KeyKind) -> Result<Self, CertificateError> {
        let names = x509.subject_alt_names();
        let mails = names.iter().flatten().filter_map(|name| name.email());
        let name = |der: Result<Vec<u8>, ErrorStack>, part| {
            let content = Reader::new(&der?).expect(tag::SEQUENCE).map(<[u8]>::to_vec);
            content.ok_or(CertificateError::Part(part))
        };
        Ok(Self {
            addresses: addresses(mails),
            kind,
            is_ca: is_ca(der).ok_or(CertificateError::Part("extensions"))?,
            not_before: millis(x509.not_before()).ok_or(CertificateError::Part("start of validity"))?,
            not_after: millis(x509.not_after()).ok_or(CertificateError::Part("end of validity"))?,
            issuer: name(x509.issuer_name().to_der(), "issuer")?,
            subject: name(X509Ref::subject_name(x509).to_der(), "subject")?,
        })
    }
}

/// The rfc822Names. OpenSSL holds name constraints against a name's bytes, so only names that are canonical but for
/// letter case count: white space or an IDN in Unicode could slip past a constraint.
fn addresses<'a>(mails: impl IntoIterator<Item = &'a str>) -> Vec<AddressOfRecord> {
    let mut addresses = Vec::new();
    for mail in mails {
        let Ok(address) = mail.parse::<AddressOfRecord>() else {
            continue;
        };
        if mail.eq_ignore_ascii_case(address.as_str()) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// The only value that there is.
fn only(bytes: &[u8], tag: u8) -> Option<Reader<'_>> {
    let mut reader = Reader::new(bytes);
    let content = reader.enter(tag)?;
    reader.is_empty().then_some(content)
}

/// A positive INTEGER in its shortest form.
fn is_serial(content: &[u8]) -> bool {
    match content {
        [] => false,
        [0, next, ..] => *next >= 0x80,
        [first, ..] => *first < 0x80,
    }
}

/// An OBJECT IDENTIFIER whose parts are complete and in their shortest form (X.690 section 8.19.2).
fn is_oid(content: &[u8]) -> bool {
    let mut begins = true;
    for byte in content {
        if begins && *byte == 0x80 {
            return false;
        }
        begins = byte & 0x80 == 0;
    }
    begins && !content.is_empty()
}

/// The content of a Name of plain texts, one attribute in each part.
fn name(content: &[u8]) -> Option<Vec<u8>> {
    let mut parts = Reader::new(content);
    while !parts.is_empty() {
        let mut part = parts.enter(tag::SET)?;
        let mut attribute = part.enter(tag::SEQUENCE)?;
        let id = attribute.expect(tag::OID)?;
        let (tag, text) = attribute.next()?;
        let is_text = match tag {
            self::tag::UTF8_STRING => std::str::from_utf8(text).is_ok(),
            self::tag::PRINTABLE_STRING | self::tag::IA5_STRING => text.is_ascii(),
            _ => false,
        };
        if !(part.is_empty() && attribute.is_empty() && is_oid(id) && is_text && !text.is_empty()) {
            return None;
        }
    }
    Some(content.to_vec())
}

/// UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 has them: seconds, and `Z`.
fn time(reader: &mut Reader<'_>) -> Option<Millis> {
    let (tag, text) = reader.next()?;
    let digits = text.strip_suffix(b"Z")?;
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = digits.get(from..to)?;
        digits
            .iter()
            .try_fold(0, |number, digit| Some(number * 10 + char::from(*digit).to_digit(10)?))
    };
    let (year, at) = match (tag, digits.len()) {
        (self::tag::UTC_TIME, 12) => {
            let year = number(0, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, 2)
        }
        (self::tag::GENERALIZED_TIME, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(at, at + 2)?, number(at + 2, at + 4)?)?;
    let time = date.and_hms_opt(
        number(at + 4, at + 6)?,
        number(at + 6, at + 8)?,
        number(at + 8, at + 10)?,
    )?;
    // What is older has other rules, and nobody has it.
    (year >= 1950).then(|| time.and_utc().timestamp_millis())
}

/// The rfc822Names among GeneralNames that are, beside them, host names and URIs (RFC 5280 section 4.2.1.6).
fn mails(value: &[u8]) -> Option<Vec<&str>> {
    let mut names = only(value, tag::SEQUENCE)?;
    let mut mails = Vec::new();
    while !names.is_empty() {
        match names.next()? {
            (tag::MAIL_NAME, mail) => mails.push(std::str::from_utf8(mail).ok()?),
            (tag::HOST_NAME | tag::URI_NAME, _) => {}
            _ => return None,
        }
    }
    Some(mails)
}

/// cA of BasicConstraints (RFC 5280 section 4.2.1.9).
fn constraints(value: &[u8]) -> Option<bool> {
    let mut constraints = only(value, tag::SEQUENCE)?;
    let ca = constraints.optional(tag::BOOLEAN);
    let path = constraints.optional(tag::INTEGER);
    let is_good = ca.is_none_or(|ca| ca == [0xff]) && path.is_none_or(|path| path == [0] || is_serial(path));
    (constraints.is_empty() && is_good).then_some(ca.is_some())
}

/// The same of a certificate in DER that OpenSSL has read: whatever its form, and rather yes than no. `None` if the DER has not
/// the shape of a certificate.
fn is_ca(der: &[u8]) -> Option<bool> {
    let mut tbs = Reader::new(der).enter(tag::SEQUENCE)?.enter(tag::SEQUENCE)?;
    let mut extensions = loop {
        if tbs.is_empty() {
            return Some(false);
        }
        let (tag, content) = tbs.next()?;
        if tag == self::tag::context(3) {
            break Reader::new(content).enter(self::tag::SEQUENCE)?;
        }
    };
    while !extensions.is_empty() {
        let mut extension = extensions.enter(tag::SEQUENCE)?;
        let id = extension.expect(tag::OID)?;
        extension.optional(tag::BOOLEAN);
        let value = extension.expect(tag::OCTET_STRING)?;
        if id == oid::BASIC_CONSTRAINTS {
            let ca = Reader::new(value).enter(tag::SEQUENCE)?.optional(tag::BOOLEAN);
            return Some(ca.is_some_and(|ca| ca != [0]));
        }
    }
    Some(false)
}

fn millis(time: &Asn1TimeRef) -> Option<Millis> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    Some((i64::from(since.days) * 86_400 + i64::from(since.secs)) * 1000)
}

#[cfg(test)]
mod tests;
