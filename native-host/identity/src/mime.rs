//! The little of MIME (RFC 2045) that sealed messages need: header fields before a body.

/// Most bytes of one header.
const HEADER_LIMIT: usize = 8 * 1024;
/// Most fields of one header.
const FIELDS_LIMIT: usize = 64;
/// Longest Content-Type.
const CONTENT_TYPE_LIMIT: usize = 200;

/// Header fields: name and unfolded value.
pub(crate) type Fields<'a> = Vec<(&'a str, String)>;

/// The header fields of a MIME entity, unfolded, and its body. Lines end in CRLF.
///
/// # Errors
/// What is wrong, for [`crate::seal::OpenError::Malformed`].
pub(crate) fn split(entity: &[u8]) -> Result<(Fields<'_>, &[u8]), &'static str> {
    let mut fields = Fields::new();
    let (lines, body) = header(entity)?;
    for line in lines {
        match (line.strip_prefix([' ', '\t']), fields.last_mut()) {
            (Some(more), Some((_, value))) => {
                value.push(' ');
                value.push_str(more.trim());
            }
            (Some(_), None) => return Err("its MIME header begins with a continuation"),
            (None, _) => {
                let (name, value) = line.split_once(':').ok_or("a MIME header field has no colon")?;
                if name.is_empty() || !name.bytes().all(is_token) {
                    return Err("a MIME header field has a bad name");
                }
                fields.push((name, value.trim().to_owned()));
            }
        }
    }
    Ok((fields, body))
}

/// The lines before the first empty line, without their CRLF, and the bytes after it. No line has a control character
/// other than the tab.
pub(crate) fn header(bytes: &[u8]) -> Result<(Vec<&str>, &[u8]), &'static str> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    loop {
        let end = rest
            .iter()
            .take(HEADER_LIMIT)
            .position(|&byte| byte == b'\r')
            .ok_or("a header has no end")?;
        let (line, after) = rest.split_at(end);
        rest = after
            .strip_prefix(b"\r\n")
            .ok_or("a header line does not end in CRLF")?;
        if line.is_empty() {
            return Ok((lines, rest));
        }
        let line = std::str::from_utf8(line).map_err(|_| "a header is not UTF-8")?;
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err("a header has a control character");
        }
        lines.push(line);
        if lines.len() > FIELDS_LIMIT || bytes.len() - rest.len() > HEADER_LIMIT {
            return Err("a header is too long");
        }
    }
}

/// The value of the field of this name, in any case; `None` unless it is there exactly once.
pub(crate) fn only<'a>(fields: &'a [(&str, String)], name: &str) -> Option<&'a str> {
    let mut named = fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
    match (named.next(), named.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

/// Whether the body of an entity with these fields is the content itself, not an encoding of it.
pub(crate) fn is_unencoded(fields: &[(&str, String)]) -> bool {
    fields
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("Content-Transfer-Encoding"))
        .all(|(_, value)| {
            ["7bit", "8bit", "binary"]
                .iter()
                .any(|plain| value.eq_ignore_ascii_case(plain))
        })
}

/// Whether a Content-Type names this type (`type/subtype`), whatever its parameters.
pub(crate) fn is_type(content_type: &str, wanted: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case(wanted)
}

/// Whether a Content-Type has this parameter, with or without quotes.
pub(crate) fn has_parameter(content_type: &str, name: &str, value: &str) -> bool {
    content_type
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .any(|(n, v)| n.trim().eq_ignore_ascii_case(name) && v.trim().trim_matches('"').eq_ignore_ascii_case(value))
}

/// Whether a text can stand as a Content-Type: `type/subtype`, parameters, printable ASCII, at most 200 bytes.
pub(crate) fn is_content_type(text: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(is_token);
    text.len() <= CONTENT_TYPE_LIMIT
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && text.trim() == text
        && essence(text)
            .split_once('/')
            .is_some_and(|(main, sub)| is_name(main) && is_name(sub))
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or(content_type).trim()
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_body_come_apart() {
        let entity = b"Content-Type: text/plain;\r\n charset=utf-8\r\nX:\r\n\r\nbody\r\n\r\nmore";
        let (fields, body) = split(entity).unwrap();
        assert_eq!(
            fields,
            [
                ("Content-Type", "text/plain; charset=utf-8".to_owned()),
                ("X", String::new())
            ]
        );
        assert_eq!(body, b"body\r\n\r\nmore");
        assert_eq!(only(&fields, "content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(split(b"\r\nbody").unwrap(), (vec![], &b"body"[..]));
    }

    #[test]
    fn broken_headers_are_refused() {
        let long = [&b"X: "[..], &[b'x'; HEADER_LIMIT], b"\r\n\r\n"].concat();
        let many = "X: y\r\n".repeat(FIELDS_LIMIT + 1) + "\r\n";
        for entity in [
            &b""[..],
            b"X: y",
            b"X: y\r\n",
            b"X: y\n\nbody",
            b"X: y\rz\r\n\r\n",
            b"X: y\nZ: z\r\n\r\n",
            b"X: \0\r\n\r\n",
            b"X: \xff\r\n\r\n",
            "X: \u{85}\r\n\r\n".as_bytes(),
            b" X: y\r\n\r\n",
            b"X y\r\n\r\n",
            b": y\r\n\r\n",
            b"X Y: y\r\n\r\n",
            &long,
            many.as_bytes(),
        ] {
            assert!(split(entity).is_err(), "{:?}", String::from_utf8_lossy(entity));
        }
    }

    #[test]
    fn a_field_counts_once_only() {
        let (fields, _) = split(b"X: 1\r\nx: 2\r\nY: 3\r\n\r\n").unwrap();
        assert_eq!(
            (only(&fields, "X"), only(&fields, "y"), only(&fields, "z")),
            (None, Some("3"), None)
        );
    }

    #[test]
    fn content_types_are_told_apart() {
        assert!(is_type("Message/CPIM ; x=y", "message/cpim") && !is_type("message/cpimx", "message/cpim"));
        let content_type = "application/pkcs7-mime; smime-type=\"signed-data\"; name=smime.p7m";
        assert!(has_parameter(content_type, "SMIME-Type", "signed-data"));
        assert!(!has_parameter(content_type, "smime-type", "signed"));
        for good in ["text/plain", "text/plain; charset=utf-8", "message/imdn+xml"] {
            assert!(is_content_type(good), "{good}");
        }
        let long = format!("text/plain; x={}", "y".repeat(CONTENT_TYPE_LIMIT));
        for bad in [
            "",
            "text",
            "text/",
            "/plain",
            "text/pl ain",
            " text/plain",
            "text/plain\r\nX: y",
            "text/pl\u{e4}in",
            "a/b/c",
            &long,
        ] {
            assert!(!is_content_type(bad), "{bad:?}");
        }
    }

    #[test]
    fn encoded_bodies_are_seen() {
        for (encoding, plain) in [
            ("7bit", true),
            ("8BIT", true),
            ("binary", true),
            ("base64", false),
            ("", false),
        ] {
            assert_eq!(
                is_unencoded(&[("content-transfer-encoding", encoding.to_owned())]),
                plain,
                "{encoding}"
            );
        }
        assert!(is_unencoded(&[]));
    }
}
