//! The header part as lines: split, unfolded, named.

use std::borrow::Cow;

use super::grammar;
use super::refusal::{Field, Refusal};

/// The longest header part, from the start line to the empty line, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;

/// One header field, unfolded, without the white space around its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) field: Field,
    pub(super) value: Cow<'a, str>,
}

/// The header part of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) start: &'a str,
    pub(super) lines: Vec<Line<'a>>,
}

impl<'a> Head<'a> {
    /// Reads everything that can be read, and names the first thing that could not. What was read serves to
    /// answer a broken request.
    pub(super) fn read(bytes: &'a [u8]) -> (Self, Option<Refusal>) {
        let (mut head, mut refusal, mut first) = (Self::default(), None, true);
        let mut complain = |why| {
            refusal.get_or_insert(why);
        };
        for raw in lines(bytes) {
            let Ok(text) = std::str::from_utf8(raw) else {
                complain(Refusal::NotUtf8);
                first = false;
                continue;
            };
            if std::mem::take(&mut first) {
                if stray_control(text) {
                    complain(Refusal::ControlCharacter);
                } else {
                    head.start = text;
                }
            } else if text.starts_with([' ', '\t']) {
                match head.lines.last_mut() {
                    Some(line) => {
                        let more = grammar::trim(text);
                        if !more.is_empty() {
                            let value = line.value.to_mut();
                            value.push(' ');
                            value.push_str(more);
                        }
                    }
                    None => complain(Refusal::HeaderLine),
                }
            } else {
                match text
                    .split_once(':')
                    .map(|(name, value)| (name.trim_end_matches([' ', '\t']), value))
                {
                    Some((name, value)) if grammar::is_token(name) => {
                        let value = Cow::Borrowed(grammar::trim(value));
                        head.lines.push(Line {
                            field: Field::named(name),
                            value,
                        });
                    }
                    _ => complain(Refusal::HeaderLine),
                }
            }
        }
        for line in &mut head.lines {
            if let Cow::Owned(value) = &mut line.value {
                *value = grammar::trim(value).to_owned();
            }
        }
        // A control character in a broken value must not be echoed: such lines are dropped here.
        head.lines.retain(|line| {
            let stray = stray_control(&line.value);
            if stray {
                complain(Refusal::ControlCharacter);
            }
            !stray
        });
        (head, refusal)
    }

    /// All values of a field.
    pub(super) fn all(&self, field: Field) -> impl Iterator<Item = &str> {
        self.lines
            .iter()
            .filter(move |line| line.field == field)
            .map(|line| line.value.as_ref())
    }

    /// The value of a field that must stand exactly once.
    pub(super) fn one(&self, field: Field) -> Result<&str, Refusal> {
        self.at_most_one(field)?.ok_or(Refusal::Missing(field))
    }

    /// The value of a field that may stand once.
    pub(super) fn at_most_one(&self, field: Field) -> Result<Option<&str>, Refusal> {
        let mut values = self.all(field);
        let value = values.next();
        if values.next().is_some() {
            Err(Refusal::Repeated(field))
        } else {
            Ok(value)
        }
    }

    /// The first word of the start line: the method, or `SIP/2.0` in a response.
    pub(super) fn first_word(&self) -> &'a str {
        self.start.split(' ').next().unwrap_or_default()
    }

    /// Whether the start line is that of a response.
    pub(super) fn is_response(&self) -> bool {
        self.start
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("SIP/"))
    }
}

/// The lines of a header part up to the empty one, without their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let (line, after) = match end {
            Some(end) => (&rest[..end], &rest[end + 2..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

/// A control character that is neither a tab nor the second half of a quoted pair in a quoted string.
fn stray_control(text: &str) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    text.bytes().any(|byte| {
        let pair = std::mem::take(&mut escaped);
        match byte {
            b'"' if !pair => quoted = !quoted,
            b'\\' if quoted && !pair => escaped = true,
            b'\r' | b'\n' => return true,
            b'\t' => {}
            byte if byte.is_ascii_control() => return !pair,
            _ => {}
        }
        false
    })
}

/// Finds the value of Content-Length in a header part.
///
/// # Errors
/// The field is missing, repeated, or no number. A number that no `usize` holds counts as `usize::MAX`.
pub(super) fn content_length(head: &[u8]) -> Result<usize, Refusal> {
    let (mut values, mut inside) = (Vec::new(), false);
    for line in lines(head).skip(1) {
        if line.first().is_some_and(|byte| b" \t".contains(byte)) {
            if inside && let Some(value) = values.last_mut() {
                let value: &mut Vec<u8> = value;
                value.push(b' ');
                value.extend_from_slice(line);
            }
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let name = line[..colon.unwrap_or(0)].trim_ascii_end();
        inside = name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l");
        if inside {
            values.push(line[colon.map_or(0, |at| at + 1)..].to_vec());
        }
    }
    let [value] = values.as_slice() else {
        return Err(match values.is_empty() {
            true => Refusal::Missing(Field::ContentLength),
            false => Refusal::Repeated(Field::ContentLength),
        });
    };
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Malformed(Field::ContentLength));
    }
    let saturating = |sum: usize, digit: &u8| sum.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
    Ok(digits.iter().fold(0, saturating))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_unfolded_and_named() {
        let (head, refusal) =
            Head::read(b"OPTIONS sip:a SIP/2.0\r\nTO :\r\n sip:a ;\r\n\ttag=1\r\ns:\r\nx-y: z \r\n\r\nbody: no\r\n");
        assert_eq!(refusal, None);
        assert_eq!(head.first_word(), "OPTIONS");
        assert_eq!(head.one(Field::To), Ok("sip:a ; tag=1"));
        assert_eq!(head.lines.len(), 3);
        assert_eq!(head.one(Field::From), Err(Refusal::Missing(Field::From)));
    }

    #[test]
    fn broken_lines_are_named_and_left_out() {
        let cases: [(&[u8], Refusal); 6] = [
            (b"A b c\r\nTo: \xff\r\nVia: v", Refusal::NotUtf8),
            (b"A b c\r\nTo: a\0b\r\nVia: v", Refusal::ControlCharacter),
            (b"A b c\r\nTo: a\rb\r\nVia: v", Refusal::ControlCharacter),
            (b"A b c\r\nno colon\r\nVia: v", Refusal::HeaderLine),
            (b"A b c\r\n folded\r\nVia: v", Refusal::HeaderLine),
            (b"A b c\r\nbad name: x\r\nVia: v", Refusal::HeaderLine),
        ];
        for (bytes, expected) in cases {
            let (head, refusal) = Head::read(bytes);
            assert_eq!(refusal, Some(expected));
            assert_eq!(head.all(Field::Via).collect::<Vec<_>>(), ["v"]);
            assert_eq!(head.lines.len(), 1);
        }
        let quoted_pair = b"A b c\r\nTo: \"NUL \\\0 DEL \\\x7f\" <sip:a>\r\n";
        assert_eq!(Head::read(quoted_pair).1, None);
    }

    #[test]
    fn content_length_is_one_plain_number() {
        let head = |lines: &str| content_length(format!("A b c\r\n{lines}\r\n\r\n").as_bytes());
        for (lines, length) in [
            ("Content-Length: 12", 12),
            ("l:0", 0),
            ("L\t: 0007 ", 7),
            ("Content-Length:\r\n 5", 5),
            ("Content-Length: 18446744073709551615", usize::MAX),
            ("Content-Length: 99999999999999999999999999999999", usize::MAX),
            ("Content-Length: 4\r\nSubject: l\r\n :5", 4),
        ] {
            assert_eq!(head(lines), Ok(length), "{lines}");
        }
        for bad in [
            "Content-Length: -1",
            "l: +1",
            "l:",
            "l: 1 2",
            "l: 1\r\n 2",
            "l: 0x10",
            "l: 1,2",
            "l: \u{661}",
        ] {
            assert_eq!(head(bad), Err(Refusal::Malformed(Field::ContentLength)), "{bad}");
        }
        assert_eq!(
            head("l: 1\r\nContent-Length: 1"),
            Err(Refusal::Repeated(Field::ContentLength))
        );
        assert_eq!(
            head("Subject: Content-Length: 3"),
            Err(Refusal::Missing(Field::ContentLength))
        );
    }
}
