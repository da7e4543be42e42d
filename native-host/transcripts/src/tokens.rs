//! Text to tokens: what the index holds and what a query asks for.
//!
//! A word is a run of letters and digits, folded (see [`crate::fold`]). Scripts written without spaces (Han, kana, Thai, Lao,
//! Khmer, Myanmar) and Hangul, whose words carry endings, are taken as single characters and pairs of neighbours. A pictograph
//! is a word of its own. Everything else separates.

use crate::fold::fold_into;
use unicode_normalization::char::is_combining_mark;

/// The longest word in characters; what is longer is cut, in the index and in queries alike.
const LONGEST: usize = 64;

/// A token and where it stood in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The folded text.
    pub(crate) text: String,
    /// First byte in the original text.
    pub(crate) start: usize,
    /// Byte after the last in the original text.
    pub(crate) end: usize,
    /// Counts words; a character of a script without spaces counts as one. Single characters and pairs share positions.
    pub(crate) position: usize,
    /// A whole word, so that `word*` makes sense.
    pub(crate) word: bool,
}

/// What the tokens are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Everything that can be asked for: single characters and pairs.
    Index,
    /// The fewest tokens that ask for the same: pairs only, unless a character stands alone.
    Query,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a word.
    Word,
    /// A character of a script written without spaces.
    Dense,
    /// A word of one character.
    Pictograph,
    /// Belongs to what stands before it.
    Extend,
    /// Separates.
    Other,
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() {
            Class::Word
        } else {
            Class::Other
        };
    }
    if is_extending(c) {
        Class::Extend
    } else if c.is_alphanumeric() {
        if is_dense(c) { Class::Dense } else { Class::Word }
    } else if is_pictograph(c) {
        Class::Pictograph
    } else {
        Class::Other
    }
}

/// Characters that never begin a token: combining marks, joiners, soft hyphens, variation selectors, skin tones, the voicing
/// marks of half-width kana, and the later parts of a Hangul syllable.
pub(crate) fn is_extending(c: char) -> bool {
    is_combining_mark(c)
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{ff9e}' | '\u{ff9f}'
            | '\u{1160}'..='\u{11ff}' | '\u{d7b0}'..='\u{d7ff}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0100}'..='\u{e01ef}')
}

fn is_dense(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}'       // Thai, Lao
        | '\u{1000}'..='\u{109f}'     // Myanmar
        | '\u{1100}'..='\u{115f}'     // Hangul, first parts
        | '\u{1780}'..='\u{17ff}'     // Khmer
        | '\u{1950}'..='\u{19df}'     // Tai Le, New Tai Lue
        | '\u{1a20}'..='\u{1aaf}'     // Tai Tham
        | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{3035}' | '\u{3038}'..='\u{303c}'
        | '\u{3041}'..='\u{31bf}'     // kana, Bopomofo, Hangul letters
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' // Han
        | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aadf}' // Myanmar, Tai Viet
        | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7a3}' // Hangul
        | '\u{f900}'..='\u{faff}'     // Han, compatibility
        | '\u{ff66}'..='\u{ffdc}'     // half-width kana and Hangul
        | '\u{1aff0}'..='\u{1b16f}'   // kana
        | '\u{20000}'..='\u{323af}') // Han
}

fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1faff}')
}

/// Cuts `text` into tokens, in the order of their positions.
pub(crate) fn tokenize(text: &str, purpose: Purpose) -> Vec<Token> {
    let mut tokens = Tokens {
        text,
        purpose,
        tokens: Vec::new(),
        position: 0,
    };
    // The run that is open: its class, its first byte, and the first bytes of its characters with what extends them.
    let mut open: Option<(Class, usize)> = None;
    let mut units: Vec<usize> = Vec::new();
    for (at, c) in text.char_indices() {
        let class = class(c);
        if class == Class::Extend && open.is_some() {
            continue;
        }
        match open {
            Some((running, start)) if running != class || running == Class::Pictograph => {
                tokens.close(running, start, at, &units);
                open = None;
                units.clear();
            }
            _ => {}
        }
        if !matches!(class, Class::Other | Class::Extend) {
            open.get_or_insert((class, at));
            units.push(at);
        }
    }
    if let Some((running, start)) = open {
        tokens.close(running, start, text.len(), &units);
    }
    tokens.tokens
}

struct Tokens<'a> {
    text: &'a str,
    purpose: Purpose,
    tokens: Vec<Token>,
    position: usize,
}

impl Tokens<'_> {
    fn close(&mut self, class: Class, start: usize, end: usize, units: &[usize]) {
        match class {
            Class::Dense => self.dense(end, units),
            _ => self.word(start, end),
        }
    }

    fn word(&mut self, start: usize, end: usize) {
        let mut folded = String::with_capacity(end - start);
        fold_into(&self.text[start..end], &mut folded);
        if let Some((cut, _)) = folded.char_indices().nth(LONGEST) {
            folded.truncate(cut);
        }
        if !folded.is_empty() {
            self.tokens.push(Token {
                text: folded,
                start,
                end,
                position: self.position,
                word: true,
            });
            self.position += 1;
        }
    }

    /// The single characters and pairs of a run; `units` are the first bytes of its characters.
    fn dense(&mut self, end: usize, units: &[usize]) {
        let mut cells: Vec<(char, usize, usize)> = Vec::with_capacity(units.len());
        let mut folded = String::new();
        for (n, &start) in units.iter().enumerate() {
            let end = units.get(n + 1).copied().unwrap_or(end);
            folded.clear();
            fold_into(&self.text[start..end], &mut folded);
            cells.extend(folded.chars().map(|c| (c, start, end)));
        }
        for (n, &(c, start, end)) in cells.iter().enumerate() {
            let next = cells.get(n + 1);
            let position = self.position + n;
            let alone = cells.len() == 1;
            if self.purpose == Purpose::Index || alone {
                self.tokens.push(Token {
                    text: c.to_string(),
                    start,
                    end,
                    position,
                    word: false,
                });
            }
            if let Some(&(second, _, end)) = next {
                let text = [c, second].iter().collect();
                self.tokens.push(Token {
                    text,
                    start,
                    end,
                    position,
                    word: false,
                });
            }
        }
        self.position += cells.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str, purpose: Purpose) -> Vec<String> {
        tokenize(text, purpose).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(
            texts("Don't panic: it's 42km (1.5)!", Purpose::Index),
            ["don", "t", "panic", "it", "s", "42km", "1", "5"]
        );
        assert_eq!(
            texts("snake_case, e-mail", Purpose::Index),
            ["snake", "case", "e", "mail"]
        );
        assert_eq!(texts(" \t\u{301}…\n", Purpose::Index), Vec::<String>::new());
    }

    #[test]
    fn scripts_without_spaces_give_characters_and_pairs() {
        assert_eq!(texts("世界人", Purpose::Index), ["世", "世界", "界", "界人", "人"]);
        assert_eq!(texts("世界人", Purpose::Query), ["世界", "界人"]);
        assert_eq!(texts("世", Purpose::Query), ["世"]);
        assert_eq!(texts("食べる", Purpose::Query), ["食べ", "べる"]);
        assert_eq!(texts("학교에서", Purpose::Query), ["학교", "교에", "에서"]);
    }

    #[test]
    fn scripts_change_within_a_run() {
        let tokens = tokenize("iPhone手机2026年", Purpose::Index);
        let seen: Vec<_> = tokens
            .iter()
            .map(|token| (token.text.as_str(), token.position))
            .collect();
        let expected = [("iphone", 0), ("手", 1), ("手机", 1), ("机", 2), ("2026", 3), ("年", 4)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_query_has_the_positions_of_the_index() {
        for text in ["hello 世界 again", "世界,和平", "ไทย abc", "a 世 b"] {
            let index = tokenize(text, Purpose::Index);
            for token in tokenize(text, Purpose::Query) {
                assert!(index.contains(&token), "{text}: {token:?}");
            }
        }
    }

    #[test]
    fn thai_vowels_and_tones_stay_with_their_consonant() {
        // Thai for "water": one consonant with a tone, then a vowel that NFKD takes apart.
        let tokens = tokenize("น้ำ", Purpose::Index);
        assert!(
            tokens
                .iter()
                .all(|token| "น้ำ".is_char_boundary(token.start) && token.start < token.end)
        );
        assert_eq!(tokens[0].text, "น");
    }

    #[test]
    fn half_width_and_composed_kana_are_the_same() {
        assert_eq!(texts("ｶﾞｷﾞ", Purpose::Index), texts("ガギ", Purpose::Index));
        assert_eq!(texts("カ\u{3099}", Purpose::Index), ["ガ"]);
        assert_eq!(
            texts("한국", Purpose::Index),
            texts("\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}", Purpose::Index)
        );
    }

    #[test]
    fn pictographs_are_words() {
        assert_eq!(texts("ok👍🏽👍 yes", Purpose::Index), ["ok", "👍", "👍", "yes"]);
    }

    #[test]
    fn very_long_words_are_cut() {
        let tokens = tokenize(&"x".repeat(5000), Purpose::Index);
        assert_eq!((tokens.len(), tokens[0].text.len(), tokens[0].end), (1, LONGEST, 5000));
    }

    proptest! {
        #[test]
        fn offsets_lie_in_the_text_and_positions_rise(text in "\\PC{0,60}|[aé世ガ\u{3099}ｶﾞ👍🏽 ,ไทย\u{e31}한\u{1100}\u{1161}\u{200d}]{0,40}") {
            let tokens = tokenize(&text, Purpose::Index);
            for token in &tokens {
                prop_assert!(token.start < token.end && text.get(token.start..token.end).is_some());
                prop_assert!(!token.text.is_empty());
            }
            prop_assert!(tokens.is_sorted_by_key(|token| (token.position, token.start)));
        }

        /// Whatever stands in a text is found by a query of the same characters.
        #[test]
        fn the_query_tokens_are_among_the_index_tokens(text in "\\PC{0,60}") {
            let index = tokenize(&text, Purpose::Index);
            for token in tokenize(&text, Purpose::Query) {
                prop_assert!(index.contains(&token));
            }
        }
    }
}
