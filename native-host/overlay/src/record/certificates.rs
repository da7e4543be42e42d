//! Certificates in records, read once: most records of a person come with the certificate that was seen a moment ago, and
//! reading one that is not of the plain shape costs more than verifying the signature under it.
//!
//! What a certificate's text says never changes, so remembering it is no state that anybody could notice.

use std::cell::RefCell;
use std::collections::HashMap;

use corella_identity::Certificate;
use openssl::sha::sha256;

use super::{RecordError, base64};

/// Most certificates that one thread remembers: about two megabytes. When there are more it begins anew.
const REMEMBERED: usize = 512;

thread_local! {
    static KNOWN: RefCell<HashMap<[u8; 32], Certificate>> = RefCell::default();
}

/// Forgets the certificates that this thread remembers: for measurements in which one thread does the work of many machines.
pub fn forget_certificates() {
    KNOWN.with_borrow_mut(HashMap::clear);
}

/// Reads a certificate in base64.
pub(super) fn read(text: &str) -> Result<Certificate, RecordError> {
    let id = sha256(text.as_bytes());
    if let Some(known) = KNOWN.with_borrow(|known| known.get(&id).cloned()) {
        return Ok(known);
    }
    let der = base64(text, "X509Certificate")?;
    let certificate = Certificate::from_der(&der).map_err(RecordError::Certificate)?;
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(id, certificate.clone());
    });
    Ok(certificate)
}
