//! The record by which an authority tells a revocation to the overlay, in its one form (`overlay/RECORDS.md`).
//!
//! An authority takes no part in the overlay, and need not be built with it: it hands its records to a node's gateway. Whoever takes
//! part writes with the grammar of all records; both are tested against each other.

use chrono::DateTime;
use data_encoding::{BASE64, HEXLOWER};
use openssl::sha::sha256;

use super::{Revocation, end};
use crate::{KeyKind, Millis};

const DHT: &str = "urn:ietf:params:xml:ns:dht";
const P2P_SIP: &str = "urn:ietf:params:xml:ns:p2p-sip";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

/// The record that says it, written at `sequence`. `sign` signs for [`Revocation::signer`] as [`crate::Certificate::verify`] expects it.
/// `None` if the signer's key is not of P-256, as those of our authorities are.
///
/// # Errors
/// What `sign` fails with.
pub fn record<E>(
    revocation: &Revocation,
    sequence: Millis,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Option<String>, E> {
    let signer = revocation.signer();
    if signer.key_kind() != KeyKind::P256 {
        return Ok(None);
    }
    let certificate = revocation.certificate();
    let uri = revocation.address().sip_uri();
    let address = uri.strip_prefix("sip:").unwrap_or(&uri);
    let key = format!("revoked:{address}")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let expires = DateTime::from_timestamp_millis(end(certificate, sequence)).unwrap_or_default();
    let attributes = format!(
        "expires=\"{}\" nonce=\"{}\" sequence=\"{sequence}\" signer=\"{}\"",
        expires.format("%Y-%m-%dT%H:%M:%SZ"),
        HEXLOWER.encode(&certificate.fingerprint().as_bytes()[..16]),
        signer.fingerprint(),
    );
    let content = format!(
        "<revoked xmlns=\"{P2P_SIP}\"><X509Certificate xmlns=\"{DSIG}\">{}</X509Certificate></revoked>",
        BASE64.encode(certificate.der())
    );
    let key = |namespace: &str| format!("<key{namespace} Id=\"One\">{key}</key>");
    let value = |namespace: &str| format!("<value{namespace} Id=\"Two\" {attributes}>{content}</value>");
    let alone = format!(" xmlns=\"{DHT}\"");
    let references: String = [("One", key(&alone)), ("Two", value(&alone))]
        .iter()
        .map(|(id, element)| {
            format!(
                "<Reference URI=\"#{id}\"><Transforms><Transform Algorithm=\"{EXCLUSIVE}\"></Transform></Transforms>\
                 <DigestMethod Algorithm=\"{SHA256}\"></DigestMethod><DigestValue>{}</DigestValue></Reference>",
                BASE64.encode(&sha256(element.as_bytes()))
            )
        })
        .collect();
    let info = |namespace: &str| {
        format!(
            "<SignedInfo{namespace}><CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></CanonicalizationMethod>\
             <SignatureMethod Algorithm=\"{ECDSA_SHA256}\"></SignatureMethod>{references}</SignedInfo>"
        )
    };
    let signature = sign(info(&format!(" xmlns=\"{DSIG}\"")).as_bytes())?;
    Ok(Some(format!(
        "<dhtRecord xmlns=\"{DHT}\">{}{}<Signature xmlns=\"{DSIG}\">{}<SignatureValue>{}</SignatureValue>\
         <KeyInfo><X509Data><X509Certificate>{}</X509Certificate></X509Data></KeyInfo></Signature></dhtRecord>",
        key(""),
        value(""),
        info(""),
        BASE64.encode(&signature),
        BASE64.encode(signer.der()),
    )))
}
