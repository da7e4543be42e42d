//! Why a record is refused.

use corella_identity::{CertificateError, CredentialError};
use thiserror::Error;

use super::{CHAIN_LIMIT, RECORD_LIMIT};
use crate::contacts::ContactError;
use crate::fragment::FragmentError;
use crate::key::KeyError;

/// Why bytes are no record of the strict profile, or a record is not to be believed. Fixed texts: nothing of the record
/// is repeated.
#[derive(Debug, Error)]
pub enum RecordError {
    /// Over [`RECORD_LIMIT`], or its value over the limit of its kind, or sealed content that is empty.
    #[error("the record is too large, at most {RECORD_LIMIT} bytes, or its value is too large for its kind or empty")]
    TooLarge,
    /// Not UTF-8.
    #[error("the record is no UTF-8 text")]
    NotText,
    /// Not well-formed XML.
    #[error("the record is no well-formed XML")]
    NotWellFormed,
    /// Markup that the profile has no place for: a comment, a processing instruction, a document type declaration, …
    #[error("the record has a {0}")]
    Markup(&'static str),
    /// An entity or character reference other than `&amp;`, `&lt;` and `&gt;`.
    #[error("the record has an entity or character reference that the profile does not know")]
    Entity,
    /// Something else stands where this element must.
    #[error("the element {0} is missing, or another stands in its place")]
    Element(&'static str),
    /// Missing, unknown, repeated or misplaced attributes.
    #[error("the element {0} has not exactly its attributes, in their order")]
    Attribute(&'static str),
    /// Text between elements.
    #[error("there is text where only elements may stand")]
    Text,
    /// Another algorithm than the profile's, or one that the certificate's key cannot have used.
    #[error("the {0} names an algorithm that the profile does not have")]
    Algorithm(&'static str),
    /// Well-formed and complete, but not written as the profile writes it.
    #[error("the record is not in the canonical form")]
    NotCanonical,
    /// No clear key of a known kind.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A value of another kind than the key.
    #[error("the value is not of the kind that the key names")]
    OtherKind,
    /// An attribute or digest that is not of its form.
    #[error("the {0} is not of its form")]
    Field(&'static str),
    /// What is wrong with the contacts.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// What is wrong with the list of fragments.
    #[error(transparent)]
    Fragments(#[from] FragmentError),
    /// A certificate in the record cannot be read.
    #[error("a certificate in the record is unreadable: {0}")]
    Certificate(#[source] CertificateError),
    /// A certificate value that is not the signer's own certificate with at most [`CHAIN_LIMIT`] of its chain.
    #[error("the certificates are not the signer's own, followed by at most {CHAIN_LIMIT} of its chain")]
    OtherCertificate,
    /// The signed part names another certificate than the one beside the signature, or the credential is not the one
    /// that signed before.
    #[error("the record was signed for another certificate than it carries")]
    OtherSigner,
    /// The certificate is not for the address of the key, or is an authority's, or has a key that cannot sign.
    #[error("the certificate cannot speak for the address of the key")]
    WrongKey,
    /// The certificate is not valid now.
    #[error("the certificate is not valid now")]
    CertificateExpired,
    /// The pass in it is not good: it is not the recipient's, not for the signer, or does not cover the record's time.
    #[error("the pass in the record is not one of the recipient for the signer, or not for its time")]
    Pass,
    /// A digest or the signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the record has expired")]
    Expired,
    /// It claims to have been written more than ten minutes from now.
    #[error("the record is from the future: a clock is wrong")]
    FromTheFuture,
    /// It wants to be kept longer than its kind may be.
    #[error("the record wants to live longer than its kind may")]
    LivesTooLong,
    /// Our own key could not sign.
    #[error(transparent)]
    Signing(#[from] CredentialError),
}
