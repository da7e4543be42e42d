//! What somebody asks a certificate for: a PKCS #10 request (RFC 2986), read and checked.

use corella_identity::{AddressError, AddressOfRecord, KeyKind};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::sha::sha256;
use openssl::x509::X509Req;
use thiserror::Error;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

/// Longest request in bytes.
pub const REQUEST_LIMIT: usize = 16 * 1024;
/// RSA keys have at least this public exponent: small ones have been the ground of attacks.
const SMALLEST_EXPONENT: u32 = 65_537;

/// Why nothing is asked for by these bytes. The words go to whoever sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Over [`REQUEST_LIMIT`].
    #[error("the request is longer than {REQUEST_LIMIT} bytes")]
    TooLarge,
    /// Not PKCS #10 in DER, or followed by other bytes.
    #[error("this is no certificate request: PKCS #10 in DER is taken, and nothing after it")]
    Unreadable,
    /// Its signature is not by the key that it is for.
    #[error("the request is not signed by the key that it is for")]
    Signature,
    /// A key of a kind, a curve or a length that is not taken.
    #[error(
        "the key cannot be certified: it must be P-256, or RSA of 2048 to 4096 bits with the exponent 65537 or more"
    )]
    Key,
    /// Not exactly one mail address.
    #[error("a request is for exactly one mail address, as an rfc822Name of its subject alternative name")]
    NotOneAddress,
    /// No plain mail address.
    #[error("the mail address cannot be used: {0}")]
    Address(#[from] AddressError),
    /// Names beside the address and its SIP form.
    #[error("the request asks for other names than the mail address and its sip: form")]
    OtherNames,
    /// Extensions that this authority does not certify.
    #[error("the request asks for more than a name: only the subject alternative name is taken")]
    OtherExtensions,
}

impl RequestError {
    /// Its name, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Unreadable => "unreadable",
            Self::Signature => "bad-signature",
            Self::Key => "bad-key",
            Self::NotOneAddress => "not-one-address",
            Self::Address(_) => "bad-address",
            Self::OtherNames => "other-names",
            Self::OtherExtensions => "other-extensions",
        }
    }
}

/// A request that is good in itself. Whether whoever made it reads the address's mail is another matter.
#[derive(Clone, Debug)]
pub struct Request {
    der: Vec<u8>,
    address: AddressOfRecord,
    key: PKey<Public>,
    key_hash: [u8; 32],
}

impl Request {
    /// Reads it.
    ///
    /// # Errors
    /// Whatever is wrong with it; see [`RequestError`].
    pub fn from_der(der: &[u8]) -> Result<Self, RequestError> {
        if der.len() > REQUEST_LIMIT {
            return Err(RequestError::TooLarge);
        }
        let request = X509Req::from_der(der).map_err(|_| RequestError::Unreadable)?;
        if request.to_der().map_err(|_| RequestError::Unreadable)? != der {
            return Err(RequestError::Unreadable);
        }
        let key = request.public_key().map_err(|_| RequestError::Key)?;
        if !is_good(&key) {
            return Err(RequestError::Key);
        }
        if !request.verify(&key).unwrap_or(false) {
            return Err(RequestError::Signature);
        }
        let address = address(der)?;
        let in_subject = request.subject_name().entries_by_nid(Nid::PKCS9_EMAILADDRESS);
        for entry in in_subject {
            let named = entry.data().to_string().map_err(|_| RequestError::NotOneAddress)?;
            if named.parse::<AddressOfRecord>() != Ok(address.clone()) {
                return Err(RequestError::NotOneAddress);
            }
        }
        let key_hash = sha256(&key.public_key_to_der().map_err(|_| RequestError::Key)?);
        Ok(Self {
            der: der.to_vec(),
            address,
            key,
            key_hash,
        })
    }

    /// The bytes it was read from.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// For whom the certificate is to be.
    pub fn address(&self) -> &AddressOfRecord {
        &self.address
    }

    /// For which key.
    pub fn key(&self) -> &PKey<Public> {
        &self.key
    }

    /// SHA-256 of the key (SubjectPublicKeyInfo in DER).
    pub fn key_hash(&self) -> &[u8; 32] {
        &self.key_hash
    }
}

fn is_good(key: &PKey<Public>) -> bool {
    match KeyKind::of(key) {
        KeyKind::P256 => true,
        KeyKind::Rsa => key.rsa().is_ok_and(|rsa| {
            let is_large = |exponent: &openssl::bn::BigNumRef| {
                openssl::bn::BigNum::from_u32(SMALLEST_EXPONENT).is_ok_and(|smallest| *exponent >= *smallest)
            };
            rsa.e().is_bit_set(0) && is_large(rsa.e())
        }),
        KeyKind::Other => false,
    }
}

/// The one address among the names of a request.
fn address(der: &[u8]) -> Result<AddressOfRecord, RequestError> {
    let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| RequestError::Unreadable)?;
    if !rest.is_empty() {
        return Err(RequestError::Unreadable);
    }
    let mut names = Vec::new();
    for extension in request.requested_extensions().into_iter().flatten() {
        match extension {
            ParsedExtension::SubjectAlternativeName(alternative) => names.extend(&alternative.general_names),
            _ => return Err(RequestError::OtherExtensions),
        }
    }
    let mut addresses = names.iter().filter_map(|name| match name {
        GeneralName::RFC822Name(text) => Some(*text),
        _ => None,
    });
    let (Some(text), None) = (addresses.next(), addresses.next()) else {
        return Err(RequestError::NotOneAddress);
    };
    let address: AddressOfRecord = text.parse()?;
    let sip = address.sip_uri();
    let is_ours = |name: &&GeneralName<'_>| match name {
        GeneralName::RFC822Name(_) => true,
        GeneralName::URI(uri) => *uri == sip,
        _ => false,
    };
    if !names.iter().all(is_ours) {
        return Err(RequestError::OtherNames);
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use corella_identity::enrolment::NewKey;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::stack::Stack;
    use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
    use openssl::x509::{X509Extension, X509NameBuilder};
    use proptest::prelude::*;

    use super::*;

    fn key(curve: Nid) -> PKey<Private> {
        PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap()).unwrap()
    }

    fn rsa(bits: u32, exponent: u32) -> PKey<Private> {
        let exponent = openssl::bn::BigNum::from_u32(exponent).unwrap();
        PKey::from_rsa(Rsa::generate_with_e(bits, &exponent).unwrap()).unwrap()
    }

    fn names(fill: impl Fn(&mut SubjectAlternativeName) -> &mut SubjectAlternativeName) -> X509Extension {
        let mut names = SubjectAlternativeName::new();
        fill(&mut names);
        let builder = X509Req::builder().unwrap();
        names.build(&builder.x509v3_context(None)).unwrap()
    }

    fn mail(address: &str) -> X509Extension {
        names(|names| names.email(address))
    }

    /// A request of any making.
    fn der(key: &PKey<Private>, signer: &PKey<Private>, subject: &[(Nid, &str)], more: Vec<X509Extension>) -> Vec<u8> {
        let mut builder = X509Req::builder().unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        for (nid, text) in subject {
            name.append_entry_by_nid(*nid, text).unwrap();
        }
        builder.set_subject_name(&name.build()).unwrap();
        builder.set_pubkey(key).unwrap();
        let mut extensions = Stack::new().unwrap();
        let some = !more.is_empty();
        for extension in more {
            extensions.push(extension).unwrap();
        }
        if some {
            builder.add_extensions(&extensions).unwrap();
        }
        builder.sign(signer, MessageDigest::sha256()).unwrap();
        builder.build().to_der().unwrap()
    }

    fn refused(der: &[u8]) -> RequestError {
        Request::from_der(der).expect_err("taken")
    }

    #[test]
    fn what_corella_asks_for_is_understood() {
        let alice: AddressOfRecord = "alice+x@example.net".parse().unwrap();
        let request = Request::from_der(&NewKey::generate(&alice).unwrap().request().unwrap()).unwrap();
        assert_eq!(request.address(), &alice);
        // What other tools make, too, in whatever case.
        let key = rsa(2048, 65_537);
        let subject = [
            (Nid::COMMONNAME, "Alice"),
            (Nid::PKCS9_EMAILADDRESS, "ALICE@example.net"),
        ];
        let request = Request::from_der(&der(&key, &key, &subject, vec![mail("Alice@Example.NET")])).unwrap();
        assert_eq!(request.address().as_str(), "alice@example.net");
        assert_eq!(request.key_hash(), &sha256(&key.public_key_to_der().unwrap()));
    }

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        let alice = || vec![mail("alice@example.net")];
        for weak in [
            rsa(1024, 65_537),
            rsa(2048, 3),
            key(Nid::SECP384R1),
            key(Nid::SECP256K1),
        ] {
            assert_eq!(refused(&der(&weak, &weak, &[], alice())), RequestError::Key);
        }
        let own = key(Nid::X9_62_PRIME256V1);
        let other = key(Nid::X9_62_PRIME256V1);
        assert_eq!(refused(&der(&own, &other, &[], alice())), RequestError::Signature);
    }

    #[test]
    fn one_plain_address_and_nothing_else() {
        let own = key(Nid::X9_62_PRIME256V1);
        let with = |more| refused(&der(&own, &own, &[], more));
        assert_eq!(with(vec![]), RequestError::NotOneAddress);
        let two = names(|names| names.email("alice@example.net").email("bob@example.net"));
        assert_eq!(with(vec![two]), RequestError::NotOneAddress);
        let none = names(|names| names.uri("sip:alice@example.net"));
        assert_eq!(with(vec![none]), RequestError::NotOneAddress);
        for other in [
            names(|names| names.email("alice@example.net").uri("sip:bob@example.net")),
            names(|names| names.email("alice@example.net").dns("example.net")),
            names(|names| names.email("alice@example.net").ip("192.0.2.1")),
        ] {
            assert_eq!(with(vec![other]), RequestError::OtherNames);
        }
        let authority = BasicConstraints::new().critical().ca().build().unwrap();
        assert_eq!(
            with(vec![mail("alice@example.net"), authority]),
            RequestError::OtherExtensions
        );
        let elsewhere = der(
            &own,
            &own,
            &[(Nid::PKCS9_EMAILADDRESS, "bob@example.net")],
            vec![mail("alice@example.net")],
        );
        assert_eq!(refused(&elsewhere), RequestError::NotOneAddress);
    }

    /// Nothing that could write a header, a second recipient or a path into a letter.
    #[test]
    fn addresses_that_could_do_more_than_be_written_to_are_refused() {
        let own = key(Nid::X9_62_PRIME256V1);
        let placeholder = "alice-and-some-more-of-her@example.net";
        let good = der(&own, &own, &[], vec![mail(placeholder)]);
        assert!(Request::from_der(&good).is_ok());
        for bad in [
            "alice@example.net\r\nBcc: eve@x.org,,",
            "alice@example.net,eve@example.org,,,,,",
            "Alice <alice@example.net>,,,,,,,,,,,,,",
            "\"alice and some more\"@example.net....",
            "alice@example.net\0.example.org.......",
            "alice-and-some-more-of-her@[192.0.2.1]",
            "alice@bob@example.net-and-some-more-so",
            "alice-and-some-more-of-her@example.net ",
            "alice-and-some-more-of-her@ex_mple.net",
            "alice-and-some-more-of-h\u{e9}r@example.net",
        ] {
            let bad: Vec<u8> = bad.bytes().take(placeholder.len()).collect();
            let at = good
                .windows(placeholder.len())
                .position(|bytes| bytes == placeholder.as_bytes())
                .unwrap();
            let mut der = good.clone();
            der[at..at + bad.len()].copy_from_slice(&bad);
            // Its signature is wrong now as well; what is tested is that the address alone is enough.
            if bad != placeholder.as_bytes() {
                assert!(address(&der).is_err(), "{}", String::from_utf8_lossy(&bad));
            }
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let own = key(Nid::X9_62_PRIME256V1);
        let good = der(&own, &own, &[], vec![mail("alice@example.net")]);
        assert_eq!(refused(b""), RequestError::Unreadable);
        assert_eq!(refused(&[good.as_slice(), b"\0"].concat()), RequestError::Unreadable);
        assert_eq!(refused(&good[..good.len() - 1]), RequestError::Unreadable);
        assert_eq!(refused(&vec![0x30; REQUEST_LIMIT + 1]), RequestError::TooLarge);
        let names: Vec<&str> = [
            RequestError::TooLarge,
            RequestError::Unreadable,
            RequestError::Signature,
            RequestError::Key,
            RequestError::NotOneAddress,
            RequestError::OtherNames,
            RequestError::OtherExtensions,
        ]
        .map(RequestError::name)
        .into();
        assert!(names.iter().all(|name| !name.is_empty()));
    }

    proptest! {
        /// No byte of a request can be another and the request still be taken, nor does any break the reading.
        #[test]
        fn a_request_with_another_byte_is_none(at in any::<prop::sample::Index>(), byte in 1..=255_u8) {
            let own = key(Nid::X9_62_PRIME256V1);
            let mut der = der(&own, &own, &[], vec![mail("alice@example.net")]);
            let at = at.index(der.len());
            der[at] ^= byte;
            // An ECDSA signature has two forms for one text; no other change is to pass.
            prop_assert!(Request::from_der(&der).is_err());
        }
    }
}
