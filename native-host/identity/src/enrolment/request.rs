//! A key that waits for its certificate, and the request for it.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::x509::X509Req;
use openssl::x509::extension::SubjectAlternativeName;
use thiserror::Error;

use crate::credential::{key_to_pem, name, new_p256_key, private_key_from_pem, sign};
use crate::{AddressOfRecord, Certificate, Credential, CredentialError};

/// Why a key cannot be made or used.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The key, or what came as its certificate, is not good.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// OpenSSL failed at something that cannot fail on account of the input.
    #[error("the cryptographic library failed: {0}")]
    Library(#[from] ErrorStack),
}

/// A person's key for which a certificate is asked.
#[derive(Clone)]
pub struct NewKey {
    address: AddressOfRecord,
    key: PKey<Private>,
}

impl NewKey {
    /// Makes one.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn generate(address: &AddressOfRecord) -> Result<Self, RequestError> {
        Ok(Self {
            address: address.clone(),
            key: new_p256_key()?,
        })
    }

    /// The key of a credential, which is to have another certificate.
    pub fn of(credential: &Credential) -> Self {
        Self {
            address: credential.address().clone(),
            key: credential.private_key().to_owned(),
        }
    }

    /// Reads one that [`NewKey::to_pem`] wrote.
    ///
    /// # Errors
    /// The text is no private key.
    pub fn from_pem(address: &AddressOfRecord, pem: &[u8]) -> Result<Self, RequestError> {
        Ok(Self {
            address: address.clone(),
            key: private_key_from_pem(pem)?,
        })
    }

    /// The key in PKCS #8. Secret.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn to_pem(&self) -> Result<String, RequestError> {
        Ok(key_to_pem(&self.key)?)
    }

    /// Whose it is.
    pub fn address(&self) -> &AddressOfRecord {
        &self.address
    }

    /// The request for a certificate (PKCS #10, RFC 2986, in DER), with the address as an rfc822Name and as a SIP URI.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn request(&self) -> Result<Vec<u8>, RequestError> {
        let mut builder = X509Req::builder()?;
        builder.set_version(0)?;
        let name = name(&self.address)?;
        builder.set_subject_name(&name)?;
        builder.set_pubkey(&self.key)?;
        let names = SubjectAlternativeName::new()
            .email(self.address.as_str())
            .uri(&self.address.sip_uri())
            .build(&builder.x509v3_context(None))?;
        let mut extensions = Stack::new()?;
        extensions.push(names)?;
        builder.add_extensions(&extensions)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build().to_der()?)
    }

    /// Signs with SHA-256, as [`Certificate::verify`] expects it.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn sign(&self, data: &[u8]) -> Result<Vec<u8>, RequestError> {
        Ok(sign(&self.key, data)?)
    }

    /// The credential that this key becomes by its certificate and the chain above it, leaf first, in PEM.
    ///
    /// # Errors
    /// The certificate is not for this key or this address, is an authority's, or is unreadable. Whether its authority is trusted is
    /// not asked here.
    pub fn certified(&self, chain: &str) -> Result<Credential, RequestError> {
        let key = key_to_pem(&self.key)?;
        Ok(Credential::from_pem(chain.as_bytes(), key.as_bytes(), &self.address)?)
    }

    /// Whether a certificate is for this key.
    pub fn is_key_of(&self, certificate: &Certificate) -> bool {
        self.key.public_eq(certificate.public_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Template, aor, authority, p256};

    #[test]
    fn a_request_is_signed_and_names_the_address() {
        let address = aor("alice+x@example.net");
        let key = NewKey::generate(&address).unwrap();
        let again = NewKey::from_pem(&address, key.to_pem().unwrap().as_bytes()).unwrap();
        let request = X509Req::from_der(&again.request().unwrap()).unwrap();
        assert!(request.verify(&request.public_key().unwrap()).unwrap());
        assert!(request.public_key().unwrap().public_eq(&key.key));
        let text = String::from_utf8(request.to_text().unwrap()).unwrap();
        assert!(
            text.contains("email:alice+x@example.net, URI:sip:alice+x@example.net"),
            "{text}"
        );
    }

    #[test]
    fn only_its_own_certificate_makes_it_a_credential() {
        let address = aor("alice@example.net");
        let key = NewKey::generate(&address).unwrap();
        let ca = authority("Example CA");
        let own = Template::default().issue(&ca, &key.key);
        let others = Template::default().issue(&ca, &p256());
        let elsewhere = Template {
            mails: vec!["bob@example.net"],
            ..Template::default()
        }
        .issue(&ca, &key.key);
        let chain = own.to_pem() + &ca.certificate.to_pem();
        let credential = key.certified(&chain).unwrap();
        assert_eq!(credential.certificate(), &own);
        assert!(own.verify(b"data", &key.sign(b"data").unwrap()));
        assert!(key.is_key_of(&own) && !key.is_key_of(&others));
        for wrong in [
            others.to_pem(),
            elsewhere.to_pem(),
            String::new(),
            ca.certificate.to_pem(),
        ] {
            assert!(key.certified(&wrong).is_err(), "{wrong}");
        }
    }
}
