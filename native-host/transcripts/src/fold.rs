//! Folding: what a reader takes for the same word becomes the same text. Compatibility forms, case, and the marks that many
//! readers leave out (accents, Hebrew points, Arabic vowels) are folded; marks that make another letter (kana voicing, Indic and
//! Thai vowels) stay.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Appends the folded form of `text`, a run of letters, digits and what extends them, to `out`.
pub(crate) fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.extend(text.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
        return;
    }
    let letters = text
        .nfkd()
        .filter(|c| !is_left_out(*c))
        .flat_map(char::to_lowercase)
        .flat_map(plain)
        .filter(|c| !is_left_out(*c) && (c.is_alphanumeric() || is_combining_mark(*c) || !is_text(*c)));
    out.extend(letters.nfc());
}

/// Letters, marks, digits, punctuation and spaces, as opposed to pictographs. Decomposition turns some letters into several
/// characters, of which a slash or a bracket is no part of the word.
fn is_text(c: char) -> bool {
    c < '\u{2190}' || ('\u{2e00}'..='\u{ffff}').contains(&c)
}

/// Marks that are folded away, and invisible characters.
fn is_left_out(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}'
        | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0100}'..='\u{e01ef}')
}

/// Letters with a stroke and ligatures, which Unicode does not decompose, as people type them without.
fn plain(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'ß' => ('s', Some('s')),
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'þ' => ('t', Some('h')),
        'ø' => ('o', None),
        'đ' | 'ð' => ('d', None),
        'ł' => ('l', None),
        'ħ' => ('h', None),
        'ŧ' => ('t', None),
        'ı' => ('i', None),
        'ς' => ('σ', None),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use super::fold_into;
    use proptest::prelude::*;

    fn fold(text: &str) -> String {
        let mut out = String::new();
        fold_into(text, &mut out);
        out
    }

    #[test]
    fn case_accents_and_compatibility_forms_are_folded() {
        for (text, folded) in [
            ("Crème", "creme"),
            ("E\u{301}TE\u{301}", "ete"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("Łódź", "lodz"),
            ("İstanbul", "istanbul"),
            ("ΟΔΟΣ", "οδοσ"),
            ("οδός", "οδοσ"),
            ("ﬁn", "fin"),
            ("Ｆｕｌｌ１", "full1"),
            ("Ёлка", "елка"),
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّد", "محمد"),
            ("½", "12"),
            ("می\u{200c}خواهم", "میخواهم"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn marks_that_make_another_letter_stay() {
        assert_ne!(fold("ガ"), fold("カ"));
        assert_ne!(fold("ที่"), fold("ท"));
        assert_ne!(fold("कि"), fold("क"));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,30}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn case_does_not_matter(text in "[a-zà-öø-ÿα-ωа-я]{0,20}") {
            prop_assert_eq!(fold(&text.to_uppercase()), fold(&text));
        }
    }
}
