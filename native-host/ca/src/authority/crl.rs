//! Revocation lists (RFC 5280 section 5).

use corella_identity::Millis;
use openssl::asn1::Asn1Integer;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::x509::extension::AuthorityKeyIdentifier;
use openssl::x509::{X509, X509CrlBuilder, X509RevokedBuilder};

use super::build::{Issuer, time};
use super::{LIST_VALIDITY, der};

/// id-ce-cRLNumber.
const CRL_NUMBER: &str = "2.5.29.20";

/// A certificate that is no longer good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial number, big-endian.
    pub serial: Vec<u8>,
    /// Since when.
    pub at: Millis,
}

/// A list that an issuing key has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// The issuing certificate's subject key identifier, in hexadecimal digits.
    pub key_id: String,
    /// The list, in DER.
    pub der: Vec<u8>,
}

pub(super) fn build(issuer: &Issuer<'_>, revoked: &[Revoked], number: u32, now: Millis) -> Result<Vec<u8>, ErrorStack> {
    let mut list = X509CrlBuilder::new()?;
    list.set_issuer_name(issuer.certificate.subject_name())?;
    let (from, until) = (time(now)?, time(now + LIST_VALIDITY)?);
    list.set_last_update(&from)?;
    list.set_next_update(&until)?;
    for Revoked { serial, at } in revoked {
        let mut entry = X509RevokedBuilder::new()?;
        let serial = BigNum::from_slice(serial)?;
        let serial = Asn1Integer::from_bn(&serial)?;
        entry.set_serial_number(&serial)?;
        let at = time(*at)?;
        entry.set_revocation_date(&at)?;
        list.add_revoked(entry.build())?;
    }
    list.sort()?;
    // A builder of certificates lends the context that names the issuer.
    let builder = X509::builder()?;
    let authority = AuthorityKeyIdentifier::new()
        .keyid(true)
        .build(&builder.x509v3_context(Some(issuer.certificate), None))?;
    list.append_extension(authority)?;
    list.append_extension(der::extension(CRL_NUMBER, &der::integer(number))?)?;
    list.sign(issuer.key, MessageDigest::sha256())?;
    list.build()?.to_der()
}
