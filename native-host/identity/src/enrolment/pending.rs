//! A request that is under way, as it is kept on the disk, so that a restart goes on with it.

use std::fmt;

use super::{NewKey, RequestError, RequestId};
use crate::{AddressOfRecord, Millis};

const FIRST_LINE: &str = "corella request 1";

/// A request that is under way.
#[derive(Clone)]
pub struct Pending {
    /// The key for which a certificate is asked.
    pub key: NewKey,
    /// Its name at the authority and since when, if it has one yet.
    pub request: Option<(RequestId, Millis)>,
    /// Whether the address's earlier certificates are to be revoked.
    pub revoke_others: bool,
}

impl Pending {
    /// One that nobody was asked yet.
    pub fn new(key: NewKey, revoke_others: bool) -> Self {
        Self {
            key,
            request: None,
            revoke_others,
        }
    }

    /// As text. Secret.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn to_text(&self) -> Result<String, RequestError> {
        let request = self
            .request
            .map_or_else(|| "-".to_owned(), |(id, since)| format!("{id} {since}"));
        let others = if self.revoke_others { "revoke" } else { "keep" };
        Ok(format!("{FIRST_LINE}\n{request}\n{others}\n{}", self.key.to_pem()?))
    }

    /// Reads what [`Pending::to_text`] wrote; `None` if it is something else.
    pub fn from_text(address: &AddressOfRecord, text: &str) -> Option<Self> {
        let mut lines = text.splitn(4, '\n');
        let (first, request, others, key) = (lines.next()?, lines.next()?, lines.next()?, lines.next()?);
        let revoke_others = match others {
            "keep" => false,
            "revoke" => true,
            _ => return None,
        };
        let request = match request {
            "-" => None,
            request => {
                let (id, since) = request.split_once(' ')?;
                Some((id.parse().ok()?, since.parse().ok()?))
            }
        };
        let key = NewKey::from_pem(address, key.as_bytes()).ok()?;
        (first == FIRST_LINE).then_some(Self {
            key,
            request,
            revoke_others,
        })
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::aor;

    #[test]
    fn it_is_read_back_and_nothing_else_is() {
        let address = aor("alice@example.net");
        let key = NewKey::generate(&address).unwrap();
        for pending in [
            Pending::new(key.clone(), false),
            Pending {
                request: Some((RequestId::from([7; 16]), 1_781_524_800_000)),
                ..Pending::new(key, true)
            },
        ] {
            let text = pending.to_text().unwrap();
            let read = Pending::from_text(&address, &text).unwrap();
            assert_eq!(
                (read.request, read.revoke_others),
                (pending.request, pending.revoke_others)
            );
            assert_eq!(read.key.to_pem().unwrap(), pending.key.to_pem().unwrap());
            for wrong in [
                text.replace("request 1", "request 2"),
                text.replace("keep\n", "\n").replace("revoke\n", "\n"),
                text.replace("-\n", "x\n").replace(" 17815", " x17815"),
                text.lines().take(3).collect::<Vec<_>>().join("\n"),
            ] {
                assert!(Pending::from_text(&address, &wrong).is_none(), "{wrong}");
            }
        }
    }
}
