//! A plain zip archive: every file stored as it is. The add-on is small, and a zip library would take longer to build
//! than everything else here. Source: APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16.

/// The first version of the format; all a reader needs for stored files.
const VERSION: u16 = 10;
/// Bit 11: names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// 1980-01-01, the format's first day: the same files give the same bytes.
const DATE: u16 = (1 << 5) | 1;

/// An archive of `(name, content)` entries; none when a number of the plain format cannot hold a size or count.
pub(crate) fn archive(entries: &[(String, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in entries {
        let offset = u32::try_from(bytes.len()).ok()?;
        let common = common_header(name, content)?;
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(content);
        directory.extend(b"PK\x01\x02");
        directory.extend(VERSION.to_le_bytes());
        directory.extend(&common);
        // Comment length, disk number, internal attributes; external attributes.
        directory.extend([0; 6]);
        directory.extend([0; 4]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = u32::try_from(bytes.len()).ok()?;
    let size = u32::try_from(directory.len()).ok()?;
    let count = u16::try_from(entries.len()).ok()?;
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    Some(bytes)
}

/// What a file's own header and its line in the directory share.
fn common_header(name: &str, content: &[u8]) -> Option<Vec<u8>> {
    let size = u32::try_from(content.len()).ok()?;
    let mut header = Vec::new();
    let (stored, midnight, no_extra) = (0_u16, 0_u16, 0_u16);
    for number in [VERSION, FLAGS, stored, midnight, DATE] {
        header.extend(number.to_le_bytes());
    }
    for number in [crc32(content), size, size] {
        header.extend(number.to_le_bytes());
    }
    header.extend(u16::try_from(name.len()).ok()?.to_le_bytes());
    header.extend(no_extra.to_le_bytes());
    Some(header)
}

/// CRC-32 as in ISO 3309, bit by bit: quick enough for an add-on.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn the_directory_points_at_every_file() {
        let entries = [
            ("a.txt".to_owned(), b"first".to_vec()),
            ("b/c.txt".to_owned(), b"second one".to_vec()),
        ];
        let bytes = archive(&entries).expect("small");
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four")) as usize;
        let end = bytes.len() - 22;
        assert_eq!(&bytes[end..end + 4], b"PK\x05\x06");
        let (size, mut at) = (number(end + 12), number(end + 16));
        assert_eq!(at + size, end);
        for (name, content) in &entries {
            assert_eq!(&bytes[at..at + 4], b"PK\x01\x02");
            assert_eq!(&bytes[at + 46..at + 46 + name.len()], name.as_bytes());
            let file = number(at + 42);
            assert_eq!(&bytes[file..file + 4], b"PK\x03\x04");
            let data = file + 30 + name.len();
            assert_eq!(&bytes[data..data + content.len()], content.as_slice());
            assert_eq!(number(file + 14), crc32(content) as usize);
            assert_eq!(number(file + 22), content.len());
            at += 46 + name.len();
        }
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let entries = [("name".to_owned(), b"content".to_vec())];
        assert_eq!(archive(&entries), archive(&entries));
    }
}
