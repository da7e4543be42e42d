//! A reader for DER (X.690): definite lengths in their shortest form, tags below 31, nothing else.
//!
//! It looks at the shape of bytes that OpenSSL has written itself, for what its Rust bindings do not tell, and at plain
//! certificates, of which whatever OpenSSL is needed for is compared with what was read here (`certificate/outline.rs`).

/// Tags, with the constructed bit where the type has it.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// Of GeneralName (RFC 5280 section 4.2.1.6): rfc822Name, dNSName, uniformResourceIdentifier.
    pub(crate) const MAIL_NAME: u8 = 0x81;
    pub(crate) const HOST_NAME: u8 = 0x82;
    pub(crate) const URI_NAME: u8 = 0x86;

    /// The tag of a constructed `[number]` of a context.
    pub(crate) const fn context(number: u8) -> u8 {
        0xa0 | number
    }
}

/// What is left to read of the content of one value.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next value, which stays unread.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value: its tag and its content.
    pub(crate) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.rest.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            let digits = usize::from(first & 0x7f);
            if digits == 0 || digits > 4 {
                return None;
            }
            let (bytes, after) = rest.split_at_checked(digits)?;
            rest = after;
            length = bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
            let shortest = bytes[0] != 0 && length >= 0x80;
            if !shortest {
                return None;
            }
        }
        let (content, after) = rest.split_at_checked(length)?;
        self.rest = after;
        Some((tag, content))
    }

    /// The content of the next value, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.peek()? != tag {
            return None;
        }
        self.next().map(|(_, content)| content)
    }

    /// A reader of the content of the next value, which must have this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.expect(tag).map(Reader::new)
    }

    /// The next value if it has this tag; otherwise nothing is read.
    pub(crate) fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.peek() == Some(tag) {
            self.expect(tag)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_turn() {
        let mut reader = Reader::new(&[0x30, 3, 0x04, 1, 7, 0x06, 0]);
        let mut inner = reader.enter(tag::SEQUENCE).unwrap();
        assert_eq!(inner.optional(tag::OID), None);
        assert_eq!(inner.optional(tag::OCTET_STRING), Some(&[7][..]));
        assert!(inner.is_empty());
        assert_eq!(reader.expect(tag::OCTET_STRING), None);
        assert_eq!(reader.next(), Some((tag::OID, &[][..])));
        assert!(reader.is_empty() && reader.next().is_none());
    }

    #[test]
    fn what_is_not_der_is_not_read() {
        let long = [&[0x04, 0x81, 0x80][..], &[0; 0x80]].concat();
        assert_eq!(Reader::new(&long).next().map(|(_, content)| content.len()), Some(0x80));
        for bytes in [
            &[][..],
            &[0x04],
            &[0x04, 2, 0],
            &[0x04, 0x80, 0, 0],
            &[0x04, 0x81, 1, 0],
            &[0x04, 0x82, 0, 1, 0],
            &[0x04, 0x85, 1, 1, 1, 1, 1],
            &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x1f, 0x81, 0x01, 0],
        ] {
            assert_eq!(Reader::new(bytes).next(), None, "{bytes:?}");
        }
    }
}
