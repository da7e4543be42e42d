//! Sealing: a message is signed by its author and encrypted to its recipient, once, and can then be carried anyhow
//! (RFC 8591 over RFC 8551 and RFC 5652).
//!
//! From the inside: the MIME entity `message/cpim` ([`crate::cpim`]); CMS SignedData over it, without the signer's
//! certificate, which travels in the signer's contact record; a MIME entity around that; CMS AuthEnvelopedData with
//! AES-128-GCM, in DER.
//!
//! The bytes of the sealed form identify nothing: the recipient's name in it, for one, can be changed by anybody without
//! breaking it. Messages are told apart by their author and Message-ID.

mod shape;
#[cfg(test)]
mod tests;

use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::error::ErrorStack;
use openssl::sha::sha256;
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::X509;
use thiserror::Error;

pub use crate::cpim::{Envelope, EnvelopeError};
use crate::{AddressOfRecord, Certificate, Credential, KeyKind, Millis, cpim, mime};

/// The Content-Type of a SIP MESSAGE whose body is sealed.
pub const SEALED_CONTENT_TYPE: &str = "application/pkcs7-mime; smime-type=authEnveloped-data; name=\"smime.p7m\"";
/// Largest sealed message in bytes: a SIP message on a stream has at most 64 KiB.
pub const SEALED_LIMIT: usize = 65_000;
/// How long a message may wait in the overlay before it is opened: seven days.
pub const OFFLINE_LIFETIME: Millis = 7 * DAY;
/// How far the author's clock may be off: a day.
pub const CLOCK_SKEW: Millis = DAY;
const DAY: Millis = 24 * 60 * 60 * 1000;

/// What removes a stored message: known to who can open it.
pub type RemovalSecret = [u8; 32];
/// What is hashed before the signed entity to get its [`RemovalSecret`].
const REMOVAL: &[u8] = b"corella removal 1 ";

/// MIME header of the signed entity.
const SIGNED_HEADER: &[u8] = b"Content-Type: message/cpim\r\n\r\n";
/// MIME header of the encrypted entity.
const ENCRYPTED_HEADER: &[u8] = b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=\"smime.p7m\"\r\n\
Content-Transfer-Encoding: binary\r\n\r\n";

/// Why a message could not be sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// A part of the envelope cannot be expressed.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The envelope's From is not the credential's address.
    #[error("the message is from another address than the credential's")]
    WrongSender,
    /// The recipient's certificate is not for the envelope's To.
    #[error("the recipient's certificate is not for the address that the message is to")]
    WrongRecipient,
    /// The recipient's key is neither P-256 nor RSA.
    #[error("the recipient's key cannot be used to seal: it is neither P-256 nor RSA of 2048 to 4096 bits")]
    KeyKind,
    /// The sealed form would have more than [`SEALED_LIMIT`] bytes.
    #[error("the message is too large to be sealed: {0} bytes, at most {SEALED_LIMIT}")]
    TooLarge(usize),
    /// A certificate that OpenSSL reads otherwise than it was read before.
    #[error("a certificate is not in the one form that everybody reads alike")]
    Certificate,
    /// OpenSSL failed at something that cannot fail on account of the input.
    #[error("the cryptographic library failed: {0}")]
    Library(#[from] ErrorStack),
}

/// Why a sealed message was not accepted. Nothing of its content is shown.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// More than [`SEALED_LIMIT`] bytes; not looked at.
    #[error("the sealed message has {0} bytes; at most {SEALED_LIMIT} are read")]
    TooLarge(usize),
    /// It is not of the form that [`seal`] makes.
    #[error("the message is malformed: {0}")]
    Malformed(&'static str),
    /// It is sealed to another certificate. Answered 493, and the sender seals it again.
    #[error("the message is sealed to another certificate than the own one")]
    NotForMe,
    /// It names the own certificate, and cannot be decrypted. Answered 493, and the sender seals it again.
    #[error("the message cannot be decrypted with the own key")]
    Undecipherable,
    /// The expected sender did not sign it.
    #[error("the signature is not the sender's")]
    BadSignature,
    /// Signed by the expected sender, in somebody else's name.
    #[error("the message is not from an address of its signer")]
    WrongSender,
    /// Well signed, and written to somebody else: forwarded as if to the user.
    #[error("the message is to another address than the own one")]
    WrongRecipient,
    /// Written longer ago than [`OFFLINE_LIFETIME`] + [`CLOCK_SKEW`]: it may be a replay that nobody remembers.
    #[error("the message is older than a message can be")]
    Stale,
    /// Written more than [`CLOCK_SKEW`] ahead.
    #[error("the message is from the future")]
    FromTheFuture,
}

/// Signs `envelope` with the author's credential and encrypts it to the recipient's certificate.
///
/// # Errors
/// The envelope is not from the credential's or not to the certificate's address, cannot be expressed, or is too large.
pub fn seal(envelope: &Envelope, author: &Credential, recipient: &Certificate) -> Result<Vec<u8>, SealError> {
    seal_to_store(envelope, author, recipient).map(|(sealed, _)| sealed)
}

/// Like [`seal`], for a message that waits in the overlay: gives the secret too with which its recipient removes it
/// there. It is a hash of what is inside the seal, so nobody knows it who cannot open that.
///
/// # Errors
/// As [`seal`].
pub fn seal_to_store(
    envelope: &Envelope,
    author: &Credential,
    recipient: &Certificate,
) -> Result<(Vec<u8>, RemovalSecret), SealError> {
    if !recipient.speaks_for(&envelope.to) {
        return Err(SealError::WrongRecipient);
    }
    if recipient.key_kind() == KeyKind::Other {
        return Err(SealError::KeyKind);
    }
    let signed = sign(envelope, author)?;
    let content = [ENCRYPTED_HEADER, &signed].concat();
    let to = only_certificate(recipient)?.ok_or(SealError::Certificate)?;
    let sealed = CmsContentInfo::encrypt(&to, &content, Cipher::aes_128_gcm(), CMSOptions::BINARY)?.to_der()?;
    if sealed.len() > SEALED_LIMIT {
        return Err(SealError::TooLarge(sealed.len()));
    }
    Ok((sealed, removal_secret(&signed)))
}

/// The author's signature around an envelope, in DER. Anybody can read it.
pub(crate) fn sign(envelope: &Envelope, author: &Credential) -> Result<Vec<u8>, SealError> {
    if envelope.from != *author.address() {
        return Err(SealError::WrongSender);
    }
    if envelope.body.len() > SEALED_LIMIT {
        return Err(SealError::TooLarge(envelope.body.len()));
    }
    let content = [SIGNED_HEADER, &cpim::write(envelope)?].concat();
    let options = CMSOptions::BINARY | CMSOptions::CMS_NOCERTS | CMSOptions::NOSMIMECAP;
    let certificate = author.certificate().x509().ok_or(SealError::Certificate)?;
    let key = author.private_key();
    let signed = CmsContentInfo::sign(Some(certificate), Some(key), None, Some(&content), options)?;
    Ok(signed.to_der()?)
}

/// The envelope in what [`sign`] made, if `sender` signed it. Who that is, for whom it is, and how old it may be is the caller's
/// to check.
pub(crate) fn read_signed(signed: &[u8], sender: &Certificate) -> Result<Envelope, OpenError> {
    let content = verify(signed, sender)?;
    let message = unwrap(&content, |content_type| mime::is_type(content_type, "message/cpim"))?;
    cpim::parse(message).map_err(OpenError::Malformed)
}

fn removal_secret(signed: &[u8]) -> RemovalSecret {
    sha256(&[REMOVAL, signed].concat())
}

/// Decrypts a sealed message and checks that `sender` signed it, from an address of `sender`, to the own address, and not
/// too long ago.
///
/// The caller still owes: that `sender` is the certificate that [`crate::trust`] chose for the envelope's `from`, that
/// `from` is the person who was expected, and that the Message-ID was never seen.
///
/// # Errors
/// See [`OpenError`]; each says which answer it deserves.
pub fn open(sealed: &[u8], me: &Credential, sender: &Certificate, now: Millis) -> Result<Envelope, OpenError> {
    open_stored(sealed, me, sender, now).map(|(envelope, _)| envelope)
}

/// Like [`open`], for a message that waited in the overlay: gives the secret too that removes it there.
///
/// # Errors
/// As [`open`].
pub fn open_stored(
    sealed: &[u8],
    me: &Credential,
    sender: &Certificate,
    now: Millis,
) -> Result<(Envelope, RemovalSecret), OpenError> {
    if sealed.len() > SEALED_LIMIT {
        return Err(OpenError::TooLarge(sealed.len()));
    }
    let signed = decrypt(sealed, me)?;
    let envelope = read_signed(&signed, sender)?;
    check(&envelope, me.address(), sender, now)?;
    Ok((envelope, removal_secret(&signed)))
}

/// The encrypted MIME entity's body: SignedData.
fn decrypt(sealed: &[u8], me: &Credential) -> Result<Vec<u8>, OpenError> {
    let cms = CmsContentInfo::from_der(sealed).map_err(|_| OpenError::Malformed("it is no CMS structure"))?;
    // The shape is read from OpenSSL's own writing of what OpenSSL understood: two readers cannot disagree.
    let written = cms
        .to_der()
        .map_err(|_| OpenError::Malformed("it is no CMS structure"))?;
    let shape = shape::sealed(&written);
    let shape = shape.ok_or(OpenError::Malformed(
        "it is not encrypted with AES-GCM to one recipient",
    ))?;
    let entity = if shape.is_for(me.certificate()) {
        let certificate = me.certificate().x509().ok_or(OpenError::Undecipherable)?;
        // OpenSSL does not tell another recipient apart from a broken message.
        cms.decrypt(me.private_key(), certificate)
            .map_err(|_| OpenError::Undecipherable)?
    } else {
        // It may be sealed to another certificate of the same key: the one before.
        cms.decrypt_without_cert_check(me.private_key())
            .map_err(|_| OpenError::NotForMe)?
    };
    let is_signed_data = |content_type: &str| {
        (mime::is_type(content_type, "application/pkcs7-mime")
            || mime::is_type(content_type, "application/x-pkcs7-mime"))
            && mime::has_parameter(content_type, "smime-type", "signed-data")
    };
    unwrap(&entity, is_signed_data).map(<[u8]>::to_vec)
}

/// The signed MIME entity, once the sender's signature over it is known good.
fn verify(signed: &[u8], sender: &Certificate) -> Result<Vec<u8>, OpenError> {
    let mut cms = CmsContentInfo::from_der(signed).map_err(|_| OpenError::Malformed("it is not signed"))?;
    let written = cms.to_der().map_err(|_| OpenError::Malformed("it is not signed"))?;
    if !shape::is_signed(&written) {
        return Err(OpenError::Malformed("it is not signed by one signer with SHA-2"));
    }
    let mut content = Vec::new();
    let signers = only_certificate(sender).ok().flatten().ok_or(OpenError::BadSignature)?;
    // NOINTERN: the sender's certificate is the one that was chosen, not one that the message brings along.
    let options = CMSOptions::NO_SIGNER_CERT_VERIFY | CMSOptions::NOINTERN | CMSOptions::BINARY;
    cms.verify(Some(&signers), None, None, Some(&mut content), options)
        .map_err(|_| OpenError::BadSignature)?;
    Ok(content)
}

/// The body of a MIME entity whose one Content-Type is the wanted one.
fn unwrap(entity: &[u8], is_wanted: impl Fn(&str) -> bool) -> Result<&[u8], OpenError> {
    let (fields, body) = mime::split(entity).map_err(OpenError::Malformed)?;
    if !mime::only(&fields, "Content-Type").is_some_and(is_wanted) || !mime::is_unencoded(&fields) {
        return Err(OpenError::Malformed(
            "a layer of it has another content type, or is encoded",
        ));
    }
    Ok(body)
}

fn check(envelope: &Envelope, me: &AddressOfRecord, sender: &Certificate, now: Millis) -> Result<(), OpenError> {
    if !sender.speaks_for(&envelope.from) {
        return Err(OpenError::WrongSender);
    }
    if envelope.to != *me {
        return Err(OpenError::WrongRecipient);
    }
    if envelope.at < now.saturating_sub(OFFLINE_LIFETIME + CLOCK_SKEW) {
        return Err(OpenError::Stale);
    }
    if envelope.at > now.saturating_add(CLOCK_SKEW) {
        return Err(OpenError::FromTheFuture);
    }
    Ok(())
}

fn only_certificate(certificate: &Certificate) -> Result<Option<Stack<X509>>, ErrorStack> {
    let Some(x509) = certificate.x509() else {
        return Ok(None);
    };
    let mut stack = Stack::new()?;
    stack.push(x509.clone())?;
    Ok(Some(stack))
}
