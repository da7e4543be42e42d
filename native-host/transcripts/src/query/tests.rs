use super::*;
use proptest::prelude::*;

fn one(text: &str) -> Condition {
    let mut query = parse(text).unwrap();
    assert_eq!(query.conditions.len(), 1, "{text}: {query:?}");
    query.conditions.remove(0)
}

fn phrase(text: &str) -> Phrase {
    match one(text).what {
        What::Text(phrase) => phrase,
        other => panic!("{text}: {other:?}"),
    }
}

fn words(text: &str) -> Vec<String> {
    phrase(text).words.into_iter().map(|(_, word)| word).collect()
}

#[test]
fn words_are_separate_and_phrases_stay_together() {
    assert_eq!(parse("Two  words\u{3000}three").unwrap().conditions.len(), 3);
    assert_eq!(words("\"Two words\""), ["two", "words"]);
    assert_eq!(words("“Two words”"), ["two", "words"]);
    assert_eq!(words("\"not closed"), ["not", "closed"]);
    assert_eq!(parse("one\"two three\"four").unwrap().conditions.len(), 3);
    assert_eq!(words("http://a.example/?b=c"), ["http", "a", "example", "b", "c"]);
    assert_eq!(words("世界人"), ["世界", "界人"]);
    assert_eq!(parse("twice Twice").unwrap().conditions.len(), 1);
}

#[test]
fn a_star_at_the_end_means_prefix() {
    assert!(phrase("pre*").prefix && phrase("\"two pre*\"").prefix && !phrase("word").prefix);
    assert_eq!(words("pre*"), ["pre"]);
    assert!(!phrase("世界*").prefix && !phrase("c++*").prefix);
    for text in ["mid*dle", "*end", "-a*b", "from:a*b"] {
        assert_eq!(parse(text), Err(QueryError::MisplacedStar { part: text.to_owned() }));
    }
    assert_eq!(words("\"5 * 3\""), ["5", "3"]);
    assert!(!phrase("\"5 *\"").prefix);
    assert_eq!(parse("word *").unwrap().conditions.len(), 1);
}

#[test]
fn a_minus_negates_what_it_touches() {
    assert!(
        one("-word").negated
            && one("-from:alice").negated
            && one("-\"a b\"").negated
            && one("-before:2026-01-01").negated
    );
    assert!(!one("e-mail").negated);
    assert_eq!(words("e-mail"), ["e", "mail"]);
    assert_eq!(parse("a - b").unwrap().conditions.len(), 2);
}

#[test]
fn addresses_are_words_or_whole() {
    let words = |words: &[&str], prefix: Option<&str>| AddressMatch::Words {
        words: words.iter().map(ToString::to_string).collect(),
        prefix: prefix.map(ToOwned::to_owned),
    };
    assert_eq!(
        one("from:Alice").what,
        What::Address(Side::From, words(&["alice"], None))
    );
    assert_eq!(
        one("TO:alice.smith").what,
        What::Address(Side::To, words(&["alice", "smith"], None))
    );
    assert_eq!(
        one("with:\"example net\"").what,
        What::Address(Side::With, words(&["example", "net"], None))
    );
    assert_eq!(one("from:al*").what, What::Address(Side::From, words(&[], Some("al"))));
    assert_eq!(
        one("from:@example.net").what,
        What::Address(Side::From, words(&["example", "net"], None))
    );
    let whole = AddressMatch::Whole("alice@example.net".to_owned());
    assert_eq!(one("with:Alice@Example.net").what, What::Address(Side::With, whole));
    for text in ["from:", "-to:", "with:\"\"", "from:!!"] {
        assert_eq!(parse(text), Err(QueryError::EmptyField { part: text.to_owned() }));
    }
    assert_eq!(
        parse("x from: alice"),
        Err(QueryError::EmptyField {
            part: "from:".to_owned()
        })
    );
}

#[test]
fn dates_are_of_the_calendar() {
    assert_eq!(
        one("before:2024-02-29").what,
        What::Before(Date {
            year: 2024,
            month: 2,
            day: 29
        })
    );
    assert_eq!(
        one("after:1999-12-31").what,
        What::After(Date {
            year: 1999,
            month: 12,
            day: 31
        })
    );
    for date in [
        "2023-02-29",
        "1900-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-04-31",
        "2026-1-1",
        "26-01-01",
        "0000-01-01",
        "2026-01-01-01",
        "2026-01",
        "+026-01-01",
        "today",
        "2026/01/01",
        "２０２６-01-01",
    ] {
        let text = format!("before:{date}");
        assert_eq!(parse(&text), Err(QueryError::BadDate { part: text.clone() }));
    }
}

#[test]
fn nothing_to_look_for_is_an_error() {
    for text in ["", "   ", "!?", "\"\"", "*", "-", "- -", "-…"] {
        assert_eq!(parse(text), Err(QueryError::Empty), "{text}");
    }
    assert_eq!(parse("hello !!!").unwrap().conditions.len(), 1);
}

#[test]
fn long_queries_are_refused() {
    assert_eq!(parse(&"x".repeat(LONGEST_QUERY + 1)), Err(QueryError::TooLong));
    let numbers = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
    assert!(parse(&numbers(MOST_CONDITIONS).join(" ")).is_ok());
    let refused = parse(&numbers(MOST_CONDITIONS + 1).join(" "));
    assert_eq!(
        refused,
        Err(QueryError::TooMany {
            part: MOST_CONDITIONS.to_string()
        })
    );
    assert!(matches!(
        parse(&numbers(MOST_WORDS + 1).join(".")),
        Err(QueryError::TooMany { .. })
    ));
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,80}") {
        let _ = parse(&text);
    }

    #[test]
    fn never_panics_on_the_marks_of_the_language(text in "(from:|to:|with:|before:|after:|-|\\*|\"|“|@|\\.| |a|é|世|👍|2026-01-31|\u{301}){0,40}") {
        if let Ok(query) = parse(&text) {
            prop_assert!(!query.conditions.is_empty() && query.conditions.len() <= MOST_CONDITIONS);
            for condition in query.conditions {
                if let What::Text(phrase) = condition.what {
                    prop_assert!(!phrase.words.is_empty());
                    prop_assert_eq!(phrase.words[0].0, 0);
                    prop_assert!(phrase.words.is_sorted_by_key(|(offset, _)| *offset));
                }
            }
        }
    }

    #[test]
    fn a_word_is_found_whatever_its_case(word in "[a-z0-9]{1,20}") {
        prop_assert_eq!(words(&word.to_uppercase()), [word]);
    }
}
