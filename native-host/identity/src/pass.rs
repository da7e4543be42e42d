//! Passes: a person's word that somebody is welcome, for those who keep what is written to the person.

use std::fmt;

use openssl::sha::{Sha256, sha256};

use crate::{AddressOfRecord, Certificate, Credential, CredentialError, Fingerprint, Millis};

/// How long a pass is good that is given now: 30 days.
pub const PASS_LIFE: Millis = 30 * 24 * 60 * 60 * 1000;
/// Longest signature that is read: that of an RSA key of 4096 bits.
pub const SIGNATURE_LIMIT: usize = 512;

/// A signed statement: whoever holds that certificate is welcome to write to this person until then.
///
/// It is no secret, and of no use to others: it counts only together with a signature by the holder's key.
#[derive(Clone, PartialEq, Eq)]
pub struct Pass {
    giver: Certificate,
    until: Millis,
    signature: Vec<u8>,
}

impl Pass {
    /// Writes one for the holder of a certificate.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn give(credential: &Credential, holder: &Fingerprint, until: Millis) -> Result<Self, CredentialError> {
        Ok(Self {
            giver: credential.certificate().clone(),
            until,
            signature: credential.sign(&statement(credential.address(), holder, until))?,
        })
    }

    /// What somebody says is a pass. Whether it is one says [`Pass::is_for`].
    pub fn claimed(giver: Certificate, until: Millis, signature: Vec<u8>) -> Self {
        Self {
            giver,
            until,
            signature,
        }
    }

    /// Whether the person of this address has given it to the holder of that certificate: the giver's certificate was valid
    /// `at` that time, is for the address and no authority's, and its key signed.
    pub fn is_for(&self, address: &AddressOfRecord, holder: &Fingerprint, at: Millis) -> bool {
        let is_the_persons = self.giver.speaks_for(address) && !self.giver.is_ca() && self.giver.valid_at(at);
        is_the_persons
            && self
                .giver
                .verify(&statement(address, holder, self.until), &self.signature)
    }

    /// The certificate of who gave it.
    pub fn giver(&self) -> &Certificate {
        &self.giver
    }

    /// How long it is good, in Unix milliseconds.
    pub fn until(&self) -> Millis {
        self.until
    }

    /// The giver's signature, as [`Certificate::verify`] expects it.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// A hash of all of it, and of whom it is said to be for.
    pub fn digest(&self, address: &AddressOfRecord, holder: &Fingerprint) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.giver.fingerprint().as_bytes());
        hash.update(&sha256(&statement(address, holder, self.until)));
        hash.update(&self.signature);
        hash.finish()
    }
}

/// What is signed.
fn statement(address: &AddressOfRecord, holder: &Fingerprint, until: Millis) -> Vec<u8> {
    format!("corella pass 1\n{address}\n{holder}\n{until}\n").into_bytes()
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, Template, aor, authority, p256, pem};

    #[test]
    fn it_is_of_one_person_for_one_certificate_until_one_time() {
        let (bob, alice, eve) = (aor("bob@example.net"), aor("alice@example.net"), aor("eve@example.net"));
        let [bobs, alices, eves] = [&bob, &alice, &eve].map(|who| Credential::self_signed(who, NOW).unwrap());
        let (holder, other) = (alices.certificate().fingerprint(), eves.certificate().fingerprint());
        let until = NOW + PASS_LIFE;
        let pass = Pass::give(&bobs, &holder, until).unwrap();
        assert!(pass.is_for(&bob, &holder, NOW));
        assert_eq!((pass.until(), pass.giver()), (until, bobs.certificate()));
        let again =
            |giver: &Credential, until| Pass::claimed(giver.certificate().clone(), until, pass.signature().to_vec());
        assert!(again(&bobs, until).is_for(&bob, &holder, NOW));
        assert!(!pass.is_for(&bob, &other, NOW) && !pass.is_for(&alice, &holder, NOW));
        assert!(!again(&bobs, until + 1).is_for(&bob, &holder, NOW));
        assert!(!again(&eves, until).is_for(&bob, &holder, NOW));
        // Before the certificate was valid.
        assert!(!pass.is_for(&bob, &holder, NOW - 10 * PASS_LIFE));
        assert_ne!(pass.digest(&bob, &holder), pass.digest(&bob, &other));
        assert_ne!(pass.digest(&bob, &holder), again(&eves, until).digest(&bob, &holder));
    }

    #[test]
    fn an_authority_welcomes_nobody() {
        let (ca, key) = (authority("Example CA"), p256());
        let template = Template {
            ca: true,
            ..Template::default()
        };
        let sub = template.issue(&ca, &key);
        let person = Template::default().issue(&ca, &key);
        let alice = aor("alice@example.net");
        let credential = Credential::from_pem(person.to_pem().as_bytes(), &pem(&key), &alice).unwrap();
        let holder = person.fingerprint();
        let pass = Pass::give(&credential, &holder, NOW).unwrap();
        assert!(pass.is_for(&alice, &holder, NOW));
        assert!(!Pass::claimed(sub, NOW, pass.signature().to_vec()).is_for(&alice, &holder, NOW));
    }
}
