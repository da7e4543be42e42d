//! The part of a letter that programs read: tokens by the tags of their requests.

use super::{Tag, Token};

const BEGIN: &str = "-----BEGIN CORELLA TOKENS-----";
const END: &str = "-----END CORELLA TOKENS-----";
/// Most tokens of one letter.
pub const BLOCK_LIMIT: usize = 64;
/// Longest text that is looked at.
const TEXT_LIMIT: usize = 256 * 1024;

/// Writes it: a line for each, of a tag and its token, which no mail program has to wrap.
pub fn write_block(tokens: &[(Tag, Token)]) -> String {
    let lines: String = tokens.iter().map(|(tag, token)| format!("{tag} {token}\n")).collect();
    format!("{BEGIN}\n{lines}{END}\n")
}

/// The tokens in a letter's text, as the mail program gives it: white space around lines does not count, nor do lines that are
/// none, since mailing lists and virus scanners add to letters. At most [`BLOCK_LIMIT`].
pub fn read_block(text: &str) -> Vec<(Tag, Token)> {
    if text.len() > TEXT_LIMIT {
        return Vec::new();
    }
    let lines = text.lines().map(str::trim);
    let inside = lines
        .skip_while(|line| *line != BEGIN)
        .skip(1)
        .take_while(|line| *line != END);
    let tokens = inside.filter_map(|line| {
        let (tag, token) = line.split_once(' ')?;
        Some((tag.parse().ok()?, token.trim_start().parse().ok()?))
    });
    tokens.take(BLOCK_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrolment::RequestId;
    use proptest::prelude::*;

    fn token(number: u8) -> (Tag, Token) {
        let id = RequestId::from([number; 16]);
        (id.tag(), Token::derive(&[9; 32], &id).unwrap())
    }

    fn tags(text: &str) -> Vec<Tag> {
        read_block(text).into_iter().map(|(tag, _)| tag).collect()
    }

    #[test]
    fn it_is_found_in_a_letter() {
        let tokens = [token(1), token(2)];
        let block = write_block(&tokens);
        assert!(block.lines().all(|line| line.len() <= 82), "{block}");
        let letter = format!("Dear Alice,\r\n\r\n{}\r\n-- \r\nGreetings", block.replace('\n', "\r\n"));
        let read = read_block(&letter);
        assert_eq!(tags(&letter), [tokens[0].0, tokens[1].0]);
        assert!(
            read.iter()
                .zip(&tokens)
                .all(|((_, read), (_, written))| read.is(written))
        );
        assert_eq!(tags(&format!("  {}", block.replace('\n', "  \n  \n\t"))).len(), 2);
    }

    #[test]
    fn what_is_no_block_is_none() {
        let block = write_block(&[token(1)]);
        for text in ["", BEGIN, END, &block.replace(BEGIN, ""), &block.to_uppercase()] {
            assert!(read_block(text).is_empty(), "{text}");
        }
        // Its end may be missing: a letter that was cut says what it says.
        assert_eq!(tags(&block.replace(END, "")).len(), 1);
        assert!(read_block(&format!("{}{block}", " ".repeat(TEXT_LIMIT))).is_empty());
        let many: Vec<(Tag, Token)> = (0..=255).map(token).collect();
        assert_eq!(read_block(&write_block(&many)).len(), BLOCK_LIMIT);
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in any::<String>()) {
            read_block(&text);
            read_block(&format!("{BEGIN}\n{text}\n{END}"));
        }
    }
}
