//! The canonical form: the one way in which a record is written.
//!
//! Each element is written once, as Exclusive XML Canonicalization 1.0 writes it: no white space, no empty-element tags,
//! attributes in order. The same text, with its namespace declared, is what is digested and signed.

use corella_identity::pass::{Pass, SIGNATURE_LIMIT};
use corella_identity::{Certificate, Fingerprint, KeyKind};
use data_encoding::{BASE64, HEXLOWER};
use openssl::sha::sha256;

use super::grammar::{Parts, PassParts, ValueParts};
use super::value::{Nonce, Sealed, Value};
use super::{Body, PASS_LIMIT, RecordError, SEALED_VALUE_LIMIT, VALUE_LIMIT, base64, certificates, sequence, time};
use crate::contacts::ContactSet;
use crate::fragment::Fragments;
use crate::key::Key;

pub(super) const DHT: &str = "urn:ietf:params:xml:ns:dht";
pub(super) const P2P_SIP: &str = "urn:ietf:params:xml:ns:p2p-sip";
pub(super) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(super) const XMLENC: &str = "http://www.w3.org/2001/04/xmlenc#";
pub(super) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(super) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
/// The value of a ticket: the operation that is asked for.
pub(super) const READ: &str = "get";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// The signature algorithm that goes with a certificate's key.
pub(super) fn signature_method(certificate: &Certificate) -> Result<&'static str, RecordError> {
    match certificate.key_kind() {
        KeyKind::P256 => Ok(ECDSA_SHA256),
        KeyKind::Rsa => Ok(RSA_SHA256),
        KeyKind::Other => Err(RecordError::WrongKey),
    }
}

/// Whether an element stands by itself, as what is digested, or in the record, where its namespace is inherited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Alone,
    Inside,
}

impl Place {
    fn namespace(self, uri: &str) -> String {
        match self {
            Self::Alone => format!(" xmlns=\"{uri}\""),
            Self::Inside => String::new(),
        }
    }
}

fn key_element(body: &Body, place: Place) -> String {
    let namespace = place.namespace(DHT);
    format!("<key{namespace} Id=\"One\">{}</key>", escaped(&body.key.text()))
}

/// What stands inside the `value` element.
fn value_content(body: &Body) -> Result<String, RecordError> {
    Ok(match &body.value {
        Value::Contacts(set) => {
            let contacts: String = set
                .contacts(body.key.address())?
                .iter()
                .map(|contact| format!("<contact>{}</contact>", escaped(contact)))
                .collect();
            format!("<contacts xmlns=\"{P2P_SIP}\">{contacts}</contacts>")
        }
        Value::Certificate(chain) => {
            let certificates: String = chain.iter().map(certificate_element).collect();
            format!("<KeyInfo xmlns=\"{DSIG}\"><X509Data>{certificates}</X509Data></KeyInfo>")
        }
        Value::Watcher { sealed, .. } | Value::Offline { sealed, .. } | Value::Private { sealed, .. } => {
            let pass = body.value.pass().map(pass_element).transpose()?.unwrap_or_default();
            sealed_element(sealed, body.key.kind(), mime_type(&body.value)) + &pass
        }
        Value::Revoked(certificate) => format!(
            "<revoked xmlns=\"{P2P_SIP}\"><X509Certificate xmlns=\"{DSIG}\">{}</X509Certificate></revoked>",
            BASE64.encode(certificate.der())
        ),
        Value::Removed { digest, .. } => format!(
            "<DigestMethod xmlns=\"{DSIG}\" Algorithm=\"{SHA256}\"></DigestMethod>\
             <DigestValue xmlns=\"{DSIG}\">{}</DigestValue>",
            BASE64.encode(digest)
        ),
        Value::Read { .. } => format!("<string>{READ}</string>"),
    })
}

/// SHA-256 of what stands inside the `value` element: the draft's H(v), by which a removal names what it removes.
pub(super) fn value_digest(body: &Body) -> Result<[u8; 32], RecordError> {
    Ok(sha256(value_content(body)?.as_bytes()))
}

fn pass_element(pass: &Pass) -> Result<String, RecordError> {
    let element = format!(
        "<pass xmlns=\"{P2P_SIP}\" until=\"{}\"><X509Certificate xmlns=\"{DSIG}\">{}</X509Certificate>\
         <SignatureValue xmlns=\"{DSIG}\">{}</SignatureValue></pass>",
        pass.until(),
        BASE64.encode(pass.giver().der()),
        BASE64.encode(pass.signature()),
    );
    if element.len() > PASS_LIMIT {
        return Err(RecordError::TooLarge);
    }
    Ok(element)
}

fn mime_type(value: &Value) -> &'static str {
    match value {
        Value::Private { .. } => "application/octet-stream",
        _ => "application/pkcs7-mime",
    }
}

fn sealed_element(sealed: &Sealed, kind: &str, mime_type: &str) -> String {
    match sealed {
        Sealed::Inline(bytes) => format!(
            "<EncryptedData xmlns=\"{XMLENC}\" MimeType=\"{mime_type}\" Type=\"{P2P_SIP}#{kind}\"><CipherData>\
             <CipherValue>{}</CipherValue></CipherData></EncryptedData>",
            BASE64.encode(bytes)
        ),
        Sealed::Fragments(fragments) => {
            let list: String = fragments
                .list()
                .iter()
                .map(|id| format!("<fragment>{}</fragment>", HEXLOWER.encode(id)))
                .collect();
            format!(
                "<fragments xmlns=\"{P2P_SIP}\" digest=\"{}\" size=\"{}\">{list}</fragments>",
                HEXLOWER.encode(fragments.digest()),
                fragments.size()
            )
        }
    }
}

/// The attributes of the `value` element but `Id`, in the order of canonical XML.
fn value_attributes(body: &Body, signer: &Fingerprint) -> String {
    let mut text = format!(
        "expires=\"{}\" nonce=\"{}\"",
        time::format(body.expires),
        HEXLOWER.encode(&body.value.nonce())
    );
    if let Some(recipient) = body.value.recipient() {
        text.push_str(&format!(" recipient=\"{recipient}\""));
    }
    if let Some(removal) = body.value.removal() {
        text.push_str(&format!(" removal=\"{}\"", HEXLOWER.encode(removal)));
    }
    text.push_str(&format!(" sequence=\"{}\" signer=\"{signer}\"", body.sequence));
    text
}

/// Makes a value of what the grammar read. What is not in canonical form shows when it is written again.
pub(super) fn value_from(key: &Key, parts: &Parts) -> Result<Value, RecordError> {
    let nonce: Nonce = hex(&parts.nonce, "nonce")?;
    let value = match (&parts.value, key) {
        (ValueParts::Contacts(contacts), _) => Value::Contacts(ContactSet::from_contacts(key.address(), contacts)?),
        (ValueParts::Certificates(texts), _) => Value::Certificate(
            texts
                .iter()
                .map(|text| certificates::read(text))
                .collect::<Result<_, _>>()?,
        ),
        (ValueParts::Revoked(text), _) => Value::Revoked(certificates::read(text)?),
        (ValueParts::Digest(text), _) => Value::Removed {
            nonce,
            digest: base64(text, "DigestValue")?
                .try_into()
                .map_err(|_| RecordError::Field("DigestValue"))?,
        },
        (ValueParts::Text(text), _) if text == READ => Value::Read { nonce },
        (ValueParts::Sealed(cipher), _) => {
            sealed_value(key, nonce, parts, Sealed::Inline(base64(cipher, "CipherValue")?))?
        }
        (ValueParts::Fragments { digest, size, list }, _) => {
            let list = list.iter().map(|id| hex(id, "fragment")).collect::<Result<_, _>>()?;
            let size = size.parse().map_err(|_| RecordError::Field("size"))?;
            let fragments = Fragments::new(size, hex(digest, "digest")?, list)?;
            sealed_value(key, nonce, parts, Sealed::Fragments(fragments))?
        }
        (ValueParts::Text(_), _) => return Err(RecordError::OtherKind),
    };
    // Where the nonce follows from the value it must be that one.
    if value.nonce() == nonce {
        Ok(value)
    } else {
        Err(RecordError::Field("nonce"))
    }
}

fn sealed_value(key: &Key, nonce: Nonce, parts: &Parts, sealed: Sealed) -> Result<Value, RecordError> {
    let recipient = || {
        let text = parts.recipient.as_deref().unwrap_or_default();
        text.parse().map_err(|_| RecordError::Field("recipient"))
    };
    let pass = parts.pass.as_ref().map(pass_from).transpose()?;
    Ok(match key {
        Key::Watchers(_) => Value::Watcher {
            recipient: recipient()?,
            sealed,
            pass,
        },
        Key::Offline(_) => Value::Offline {
            nonce,
            recipient: recipient()?,
            removal: hex(parts.removal.as_deref().unwrap_or_default(), "removal")?,
            sealed,
            pass,
        },
        Key::Private(..) => Value::Private { nonce, sealed },
        Key::Contacts(_) | Key::Certificate(_) | Key::Revoked(_) => return Err(RecordError::OtherKind),
    })
}

fn pass_from(parts: &PassParts) -> Result<Pass, RecordError> {
    let signature = base64(&parts.signature, "SignatureValue")?;
    let until = sequence(&parts.until).filter(|_| signature.len() <= SIGNATURE_LIMIT);
    let giver = certificates::read(&parts.certificate)?;
    Ok(Pass::claimed(
        giver,
        until.ok_or(RecordError::Field("pass"))?,
        signature,
    ))
}

fn hex<const N: usize>(text: &str, field: &'static str) -> Result<[u8; N], RecordError> {
    let bytes = HEXLOWER
        .decode(text.as_bytes())
        .map_err(|_| RecordError::Field(field))?;
    bytes.try_into().map_err(|_| RecordError::Field(field))
}

fn certificate_element(certificate: &Certificate) -> String {
    let base64 = BASE64.encode(certificate.der());
    format!("<X509Certificate>{base64}</X509Certificate>")
}

fn signed_info(method: &str, digests: &[[u8; 32]; 2], place: Place) -> String {
    let namespace = place.namespace(DSIG);
    let mut text = format!(
        "<SignedInfo{namespace}><CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></CanonicalizationMethod>\
         <SignatureMethod Algorithm=\"{method}\"></SignatureMethod>"
    );
    for (id, digest) in ["One", "Two"].iter().zip(digests) {
        text.push_str(&format!(
            "<Reference URI=\"#{id}\"><Transforms><Transform Algorithm=\"{EXCLUSIVE}\"></Transform></Transforms>\
             <DigestMethod Algorithm=\"{SHA256}\"></DigestMethod><DigestValue>{}</DigestValue></Reference>",
            BASE64.encode(digest)
        ));
    }
    text.push_str("</SignedInfo>");
    text
}

/// What is signed, and what is written of it.
pub(super) struct Signed {
    /// The canonical SignedInfo: the bytes under the signature.
    pub(super) info: String,
    digests: [[u8; 32]; 2],
    key: String,
    value: String,
    info_inside: String,
}

/// Digests a record's key and value and writes the SignedInfo over them.
pub(super) fn signed(body: &Body, certificate: &Certificate) -> Result<Signed, RecordError> {
    let method = signature_method(certificate)?;
    let attributes = value_attributes(body, &certificate.fingerprint());
    let content = value_content(body)?;
    let value = |place: Place| {
        let namespace = place.namespace(DHT);
        format!("<value{namespace} Id=\"Two\" {attributes}>{content}</value>")
    };
    let digests = [
        sha256(key_element(body, Place::Alone).as_bytes()),
        sha256(value(Place::Alone).as_bytes()),
    ];
    let value = value(Place::Inside);
    let limit = match &body.value {
        value if value.pass().is_some() => SEALED_VALUE_LIMIT + PASS_LIMIT,
        value if value.sealed().is_some() => SEALED_VALUE_LIMIT,
        _ => VALUE_LIMIT,
    };
    if value.len() > limit {
        return Err(RecordError::TooLarge);
    }
    Ok(Signed {
        info: signed_info(method, &digests, Place::Alone),
        info_inside: signed_info(method, &digests, Place::Inside),
        digests,
        key: key_element(body, Place::Inside),
        value,
    })
}

impl Signed {
    /// Whether these are the digests of key and value.
    pub(super) fn has_digests(&self, texts: &[String; 2]) -> bool {
        self.digests
            .iter()
            .zip(texts)
            .all(|(digest, text)| BASE64.encode(digest) == *text)
    }

    /// A hash of everything under the signature.
    pub(super) fn content(&self) -> [u8; 32] {
        sha256(self.info.as_bytes())
    }

    /// The whole record.
    pub(super) fn with_signature(&self, signature: &[u8], certificate: &Certificate) -> String {
        let Self {
            key,
            value,
            info_inside,
            ..
        } = self;
        format!(
            "<dhtRecord xmlns=\"{DHT}\">{key}{value}<Signature xmlns=\"{DSIG}\">{info_inside}\
             <SignatureValue>{}</SignatureValue>\
             <KeyInfo><X509Data>{}</X509Data></KeyInfo></Signature></dhtRecord>",
            BASE64.encode(signature),
            certificate_element(certificate),
        )
    }
}

/// Text as canonical XML writes it. Carriage returns cannot occur: no text of a record has control characters.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record of the profile that another implementation made, if the folder of published test data is there.
    fn own_record() -> Option<String> {
        let folder = std::env::var_os("CORELLA_TEST_DATA")?;
        let path = std::path::Path::new(&folder).join("records/own.xml");
        Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
        let from = text.find(start).unwrap() + start.len();
        &text[from..from + text[from..].find(end).unwrap()]
    }

    /// That record has no `sequence` and no `signer`, and contacts of another form, so it is no record of this network;
    /// but its digests and its SignedInfo must come out the same, and its signature must verify.
    #[test]
    fn another_implementations_signature_verifies_over_our_signed_info() {
        let Some(xml) = own_record() else {
            println!("CORELLA_TEST_DATA is not set: the published record was not read");
            return;
        };
        let digest = |element: &str, close: &str| {
            let content = between(&xml, element, close);
            let alone = element.replacen(' ', &format!(" xmlns=\"{DHT}\" "), 1);
            sha256(format!("{alone}{content}{close}").as_bytes())
        };
        let digests = [digest("<key ", "</key>"), digest("<value ", "</value>")];
        assert_eq!(
            BASE64.encode(&digests[0]),
            between(&xml, "<DigestValue>", "</DigestValue>")
        );
        let der = BASE64
            .decode(between(&xml, "<X509Certificate>", "</X509Certificate>").as_bytes())
            .unwrap();
        let certificate = Certificate::from_der(&der).unwrap();
        let method = signature_method(&certificate).unwrap();
        assert!(xml.contains(&signed_info(method, &digests, Place::Inside)));
        let signature = BASE64
            .decode(between(&xml, "<SignatureValue>", "</SignatureValue>").as_bytes())
            .unwrap();
        assert!(certificate.verify(signed_info(method, &digests, Place::Alone).as_bytes(), &signature));
    }
}
