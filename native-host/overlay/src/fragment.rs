//! Fragments: what is too large for one record, cut into immutable pieces that are found by their hash (the draft's
//! put-immut).
//!
//! There is one way to cut: pieces of [`FRAGMENT_SIZE`] bytes, the last as long as what is left. The record lists their
//! hashes in order, the size of the whole, and the hash of the whole, so nothing can be exchanged, left out or moved.

use openssl::sha::sha256;
use thiserror::Error;

use crate::record::INLINE_LIMIT;

/// Size of each fragment but the last, in bytes.
pub const FRAGMENT_SIZE: usize = 4096;
/// Largest content that is cut, in bytes.
pub const CONTENT_LIMIT: usize = 64 * 1024;

/// The SHA-256 of a fragment, by which it is found.
pub type FragmentId = [u8; 32];

/// What a record says of content that stands elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragments {
    size: usize,
    digest: [u8; 32],
    list: Vec<FragmentId>,
}

/// Why content cannot be cut or put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FragmentError {
    /// More than [`CONTENT_LIMIT`], or so little that it belongs into the record.
    #[error("content in fragments has more than {INLINE_LIMIT} and at most {CONTENT_LIMIT} bytes")]
    Size,
    /// There are not as many fragments as the size makes necessary.
    #[error("the number of fragments does not go with the size of the whole")]
    Count,
    /// Something else than the fragment that was asked for.
    #[error("a fragment does not have the hash by which it is found")]
    Fragment,
    /// All fragments are there, and are not what was signed.
    #[error("the fragments together do not have the hash of the whole")]
    Whole,
}

impl Fragments {
    /// Cuts content. The pieces are slices of it, in order.
    ///
    /// # Errors
    /// [`FragmentError::Size`].
    pub fn cut(content: &[u8]) -> Result<(Self, Vec<&[u8]>), FragmentError> {
        check_size(content.len())?;
        let pieces: Vec<&[u8]> = content.chunks(FRAGMENT_SIZE).collect();
        let fragments = Self {
            size: content.len(),
            digest: sha256(content),
            list: pieces.iter().map(|piece| sha256(piece)).collect(),
        };
        Ok((fragments, pieces))
    }

    /// What a record says.
    ///
    /// # Errors
    /// [`FragmentError::Size`], [`FragmentError::Count`].
    pub(crate) fn new(size: usize, digest: [u8; 32], list: Vec<FragmentId>) -> Result<Self, FragmentError> {
        check_size(size)?;
        if list.len() != size.div_ceil(FRAGMENT_SIZE) {
            return Err(FragmentError::Count);
        }
        Ok(Self { size, digest, list })
    }

    /// The size of the whole in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// SHA-256 of the whole.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The fragments in order. One may occur more than once.
    pub fn list(&self) -> &[FragmentId] {
        &self.list
    }

    /// Checks that bytes are one of these fragments, and says which.
    ///
    /// # Errors
    /// [`FragmentError::Fragment`].
    pub fn check(&self, bytes: &[u8]) -> Result<FragmentId, FragmentError> {
        let id = sha256(bytes);
        let last = self.size - (self.list.len() - 1) * FRAGMENT_SIZE;
        let fits = self.list.iter().enumerate().any(|(at, listed)| {
            let size = if at + 1 == self.list.len() { last } else { FRAGMENT_SIZE };
            *listed == id && size == bytes.len()
        });
        if fits { Ok(id) } else { Err(FragmentError::Fragment) }
    }

    /// Puts the pieces together, which are in order.
    ///
    /// # Errors
    /// A piece or the whole is not what was signed.
    pub fn join<T: AsRef<[u8]>>(&self, pieces: &[T]) -> Result<Vec<u8>, FragmentError> {
        if pieces.len() != self.list.len() {
            return Err(FragmentError::Count);
        }
        let mut content = Vec::with_capacity(self.size);
        for (piece, listed) in pieces.iter().zip(&self.list) {
            if sha256(piece.as_ref()) != *listed {
                return Err(FragmentError::Fragment);
            }
            content.extend_from_slice(piece.as_ref());
        }
        if content.len() != self.size || sha256(&content) != self.digest {
            return Err(FragmentError::Whole);
        }
        Ok(content)
    }
}

fn check_size(size: usize) -> Result<(), FragmentError> {
    if size > INLINE_LIMIT && size <= CONTENT_LIMIT {
        Ok(())
    } else {
        Err(FragmentError::Size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn content(size: usize) -> Vec<u8> {
        (0..size).map(|at| (at / 7 % 251) as u8).collect()
    }

    #[test]
    fn content_is_cut_in_one_way() {
        let whole = content(10_000);
        let (fragments, pieces) = Fragments::cut(&whole).unwrap();
        assert_eq!(
            pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>(),
            [4096, 4096, 1808]
        );
        assert_eq!(fragments.join(&pieces).unwrap(), whole);
        assert_eq!(Fragments::cut(&content(INLINE_LIMIT)).err(), Some(FragmentError::Size));
        assert_eq!(
            Fragments::cut(&content(CONTENT_LIMIT + 1)).err(),
            Some(FragmentError::Size)
        );
        assert_eq!(Fragments::cut(&content(CONTENT_LIMIT)).unwrap().0.list().len(), 16);
    }

    #[test]
    fn nothing_is_exchanged_left_out_or_moved() {
        let whole = content(10_000);
        let (fragments, pieces) = Fragments::cut(&whole).unwrap();
        assert_eq!(fragments.join(&pieces[..2]), Err(FragmentError::Count));
        assert_eq!(
            fragments.join(&[pieces[1], pieces[0], pieces[2]]),
            Err(FragmentError::Fragment)
        );
        // A list whose parts are all there, and whose whole is another.
        let other = Fragments::new(10_000, [1; 32], fragments.list().to_vec()).unwrap();
        assert_eq!(other.join(&pieces), Err(FragmentError::Whole));
        assert_eq!(
            Fragments::new(10_000, [1; 32], fragments.list()[..2].to_vec()),
            Err(FragmentError::Count)
        );
    }

    #[test]
    fn a_node_tells_whether_bytes_belong() {
        let whole = content(10_000);
        let (fragments, pieces) = Fragments::cut(&whole).unwrap();
        for (piece, id) in pieces.iter().zip(fragments.list()) {
            assert_eq!(fragments.check(piece), Ok(*id));
        }
        assert_eq!(fragments.check(&pieces[0][1..]), Err(FragmentError::Fragment));
        assert_eq!(fragments.check(b""), Err(FragmentError::Fragment));
    }

    proptest! {
        #[test]
        fn what_was_cut_is_put_together(size in INLINE_LIMIT + 1..=CONTENT_LIMIT) {
            let whole = content(size);
            let (fragments, pieces) = Fragments::cut(&whole).unwrap();
            prop_assert_eq!(fragments.join(&pieces).unwrap(), whole);
            let again = Fragments::new(size, *fragments.digest(), fragments.list().to_vec());
            prop_assert_eq!(again, Ok(fragments));
        }
    }
}
