//! The authorities that are trusted, and the check of a chain up to one of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509StoreContext, X509VerifyResult};
use thiserror::Error;

use crate::{AddressOfRecord, Certificate, CertificateError, Fingerprint, Millis};

/// Most certificates between a person's and its authority's.
const DEPTH_LIMIT: i32 = 5;
/// Most certificates that are looked at as links of one chain. Strangers choose what they present.
const INTERMEDIATES_LIMIT: usize = 64;
/// Most chains that are remembered as good.
const PROVEN_LIMIT: usize = 4096;
/// Most authorities below the trusted ones that are remembered. There is one for each that issues certificates.
const ISSUERS_LIMIT: usize = 64;
/// OpenSSL's security level 2: keys of 112 bits of security, no SHA-1 signature.
const SECURITY_LEVEL: i32 = 2;
/// Its parts do not say the same to everybody who reads it.
const TWO_WAYS: ChainError = ChainError::Chain("it is not in the one form that everybody reads alike");

/// Why a text gives no trusted authorities.
#[derive(Debug, Error)]
pub enum AnchorsError {
    /// One of the certificates is unreadable.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// There is no certificate in the text.
    #[error("the file of trusted authorities holds no certificate in PEM form")]
    NoCertificate,
    /// A certificate that may not issue others was named as an authority.
    #[error(
        "the certificate {0} of the trusted authorities is no authority's: it lacks CA:TRUE in its basic constraints"
    )]
    NoAuthority(crate::Fingerprint),
}

/// Why a certificate is not verified.
#[derive(Debug, Error)]
pub enum ChainError {
    /// It is not for this address.
    #[error("the certificate is not for this address")]
    OtherAddress,
    /// It is an authority's.
    #[error("the certificate is an authority's, not a person's")]
    Authority,
    /// The chain fails: no trusted authority at its end, expired, not allowed for mail, or outside an authority's name
    /// constraints. The text is OpenSSL's.
    #[error("the certificate's chain is not accepted: {0}")]
    Chain(&'static str),
    /// OpenSSL failed at something that cannot fail on account of the input.
    #[error("the cryptographic library failed: {0}")]
    Library(#[from] ErrorStack),
}

/// The authorities whose word makes a certificate [`super::Trust::Verified`]. Clones share what they have proven.
#[derive(Clone, Default)]
pub struct TrustAnchors {
    authorities: Vec<Certificate>,
    proven: Arc<Mutex<Proven>>,
}

/// What was found good: checking a chain costs more than all else about a peer.
#[derive(Default)]
struct Proven {
    /// Chains, by the fingerprint at their beginning.
    chains: HashMap<Fingerprint, ProvenChain>,
    /// What stood in them between the people and the authorities. Each is presented with everybody whom it vouches for, and OpenSSL
    /// takes as long to read it as to check a signature.
    issuers: HashMap<Fingerprint, Certificate>,
}

/// A chain that is good at any time at which all its certificates are valid.
#[derive(Clone)]
struct ProvenChain {
    authority: Certificate,
    from: Millis,
    until: Millis,
}

impl TrustAnchors {
    /// No authority: nothing will ever be verified.
    pub fn none() -> Self {
        Self::default()
    }

    /// These and more.
    pub fn with(&self, more: &[Certificate]) -> Self {
        let mut authorities = self.authorities.clone();
        for one in more {
            if !authorities.contains(one) {
                authorities.push(one.clone());
            }
        }
        Self::of(authorities)
    }

    fn of(authorities: Vec<Certificate>) -> Self {
        let proven = Arc::default();
        Self { authorities, proven }
    }

    /// The authority whose certificate this is, in DER.
    ///
    /// # Errors
    /// It is unreadable, or no authority's.
    pub fn from_der(der: &[u8]) -> Result<Self, AnchorsError> {
        let certificate = Certificate::from_der(der)?;
        if !certificate.is_ca() {
            return Err(AnchorsError::NoAuthority(certificate.fingerprint()));
        }
        Ok(Self::of(vec![certificate]))
    }

    /// Whether the authority with this fingerprint is among them.
    pub fn trusts_fingerprint(&self, authority: &Fingerprint) -> bool {
        self.authorities.iter().any(|one| one.fingerprint() == *authority)
    }

    /// The authorities in a PEM text, roots or subordinate ones.
    ///
    /// # Errors
    /// No certificate in it, an unreadable one, or one that is no authority's.
    pub fn from_pem(pem: &[u8]) -> Result<Self, AnchorsError> {
        let mut authorities = Vec::new();
        for x509 in X509::stack_from_pem(pem).map_err(CertificateError::from)? {
            let certificate = Certificate::from_x509(x509)?;
            if !certificate.is_ca() {
                return Err(AnchorsError::NoAuthority(certificate.fingerprint()));
            }
            authorities.push(certificate);
        }
        if authorities.is_empty() {
            return Err(AnchorsError::NoCertificate);
        }
        Ok(Self::of(authorities))
    }

    /// Whether no authority is trusted.
    pub fn is_empty(&self) -> bool {
        self.authorities.is_empty()
    }

    /// Whether this very certificate is a trusted authority's.
    pub fn trusts(&self, authority: &Certificate) -> bool {
        self.authorities.contains(authority)
    }

    /// The trusted ones.
    pub fn authorities(&self) -> &[Certificate] {
        &self.authorities
    }

    /// Whether `certificate` is for `address` and its chain, over any of `intermediates`, ends at a trusted authority and
    /// is valid for mail at `now` (RFC 5280 section 6, RFC 8550). The answer is that authority. A chain that was found good stays so, as
    /// long as all of it is valid, whether its links are presented again or not.
    ///
    /// # Errors
    /// Whatever is wrong with it; see [`ChainError`].
    pub fn verify_chain(
        &self,
        certificate: &Certificate,
        intermediates: &[Certificate],
        address: &AddressOfRecord,
        now: Millis,
    ) -> Result<Certificate, ChainError> {
        // OpenSSL's own match of addresses tells cases of the local part apart and falls back to the subject's name.
        if !certificate.speaks_for(address) {
            return Err(ChainError::OtherAddress);
        }
        if certificate.is_ca() {
            return Err(ChainError::Authority);
        }
        let known = self.proven().chains.get(&certificate.fingerprint()).cloned();
        if let Some(known) = known.filter(|known| (known.from..=known.until).contains(&now)) {
            return Ok(known.authority);
        }
        // Others need not wait for it.
        let (found, issuers) = self.prove(certificate, intermediates, now)?;
        let mut proven = self.proven();
        make_room(&mut proven.chains, PROVEN_LIMIT);
        proven.chains.insert(certificate.fingerprint(), found.clone());
        for issuer in issuers {
            make_room(&mut proven.issuers, ISSUERS_LIMIT);
            proven.issuers.entry(issuer.fingerprint()).or_insert(issuer);
        }
        Ok(found.authority)
    }

    fn proven(&self) -> MutexGuard<'_, Proven> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that really lead up to a trusted authority. OpenSSL takes a link by its name, or its key, and does not come back: a
    /// stranger's certificate of the same name, or with a copy of the key, would spoil the chain.
    fn links(&self, intermediates: &[Certificate]) -> Vec<Certificate> {
        let (mut links, mut others) = (Vec::new(), Vec::new());
        {
            let proven = self.proven();
            let presented = intermediates.iter().filter(|link| link.is_ca());
            for link in presented.take(INTERMEDIATES_LIMIT) {
                match proven.issuers.get(&link.fingerprint()) {
                    Some(known) => links.push(known.clone()),
                    None => others.push(link),
                }
            }
        }
        for _ in 0..DEPTH_LIMIT {
            let is_signed = |link: &&Certificate| {
                let mut issuers = self.authorities.iter().chain(&links);
                issuers.any(|issuer| link.is_signed_by(issuer))
            };
            let (signed, left): (Vec<_>, Vec<_>) = others.into_iter().partition(is_signed);
            if signed.is_empty() {
                break;
            }
            links.extend(signed.into_iter().cloned());
            others = left;
        }
        links
    }

    /// The chain, and those between its ends.
    fn prove(
        &self,
        certificate: &Certificate,
        intermediates: &[Certificate],
        now: Millis,
    ) -> Result<(ProvenChain, Vec<Certificate>), ChainError> {
        let mut store = X509StoreBuilder::new()?;
        for authority in &self.authorities {
            store.add_cert(authority.x509().ok_or(TWO_WAYS)?.clone())?;
        }
        let parameters = verification(now)?;
        store.set_param(&parameters)?;
        let store = store.build();
        let links = self.links(intermediates);
        let mut stack = Stack::new()?;
        for link in &links {
            // Those that OpenSSL does not read as they were read have signed nothing.
            if let Some(x509) = link.x509() {
                stack.push(x509.clone())?;
            }
        }
        let mut context = X509StoreContext::new()?;
        let verified = context.init(&store, certificate.x509().ok_or(TWO_WAYS)?, &stack, |context| {
            let good = context.verify_cert()?;
            let chain = context.chain().into_iter().flatten();
            let chain: Vec<Vec<u8>> = chain.map(|one| one.to_der()).collect::<Result<_, _>>()?;
            Ok(if good { Ok(chain) } else { Err(context.error()) })
        })?;
        let chain = verified.map_err(|error: X509VerifyResult| ChainError::Chain(error.error_string()))?;
        let given = || links.iter().chain(&self.authorities).chain([certificate]);
        let chain: Option<Vec<&Certificate>> = chain
            .iter()
            .map(|der| given().find(|one| one.der() == der.as_slice()))
            .collect();
        let [first, above @ ..] = chain.as_deref().unwrap_or_default() else {
            return Err(ChainError::Chain("it is of other certificates than were given"));
        };
        let authority = *above.last().unwrap_or(first);
        let (from, until) = above
            .iter()
            .fold((first.not_before(), first.not_after()), |(from, until), one| {
                (from.max(one.not_before()), until.min(one.not_after()))
            });
        let proven = ProvenChain {
            authority: authority.clone(),
            from,
            until,
        };
        let between = above.iter().filter(|one| **one != authority);
        Ok((proven, between.map(|one| (*one).clone()).collect()))
    }
}

impl fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TrustAnchors").field(&self.authorities).finish()
    }
}

fn make_room<T>(remembered: &mut HashMap<Fingerprint, T>, limit: usize) {
    if remembered.len() >= limit {
        remembered.clear();
    }
}

fn verification(now: Millis) -> Result<X509VerifyParam, ErrorStack> {
    let mut param = X509VerifyParam::new()?;
    param.set_time(now.div_euclid(1000));
    param.set_purpose(X509PurposeId::SMIME_SIGN)?;
    param.set_auth_level(SECURITY_LEVEL);
    param.set_depth(DEPTH_LIMIT);
    // A trusted subordinate authority is an end of the chain as good as a root.
    param.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    Ok(param)
}
