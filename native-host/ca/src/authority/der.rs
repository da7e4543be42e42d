//! The few extensions that OpenSSL's bindings do not build.

use openssl::asn1::{Asn1Object, Asn1OctetString};
use openssl::error::ErrorStack;
use openssl::x509::X509Extension;

pub(super) const SEQUENCE: u8 = 0x30;

/// An extension that is not critical.
pub(super) fn extension(oid: &str, value: &[u8]) -> Result<X509Extension, ErrorStack> {
    let value = Asn1OctetString::new_from_bytes(value)?;
    X509Extension::new_from_der(&*Asn1Object::from_str(oid)?, false, &value)
}

/// An element of a tag and its content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length: Vec<u8> = content
        .len()
        .to_be_bytes()
        .into_iter()
        .skip_while(|byte| *byte == 0)
        .collect();
    let mut element = vec![tag];
    match content.len() {
        short @ 0..=0x7f => element.push(short as u8),
        _ => {
            element.push(0x80 | length.len() as u8);
            element.extend(length);
        }
    }
    element.extend(content);
    element
}

/// INTEGER.
pub(super) fn integer(number: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    if bytes.first().is_none_or(|byte| byte & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    element(0x02, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_as_short_as_they_can_be_and_not_negative() {
        assert_eq!(integer(0), [2, 1, 0]);
        assert_eq!(integer(127), [2, 1, 127]);
        assert_eq!(integer(128), [2, 2, 0, 128]);
        assert_eq!(integer(u32::MAX), [2, 5, 0, 255, 255, 255, 255]);
    }

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(element(4, &[0; 127])[..3], [4, 127, 0]);
        assert_eq!(element(4, &[0; 128])[..4], [4, 0x81, 128, 0]);
        assert_eq!(element(4, &[0; 300])[..5], [4, 0x82, 1, 44, 0]);
    }
}
