use super::*;
use crate::query::{What, parse};
use proptest::prelude::*;

fn phrases(query: &str) -> Vec<Phrase> {
    let positive = parse(query)
        .unwrap()
        .conditions
        .into_iter()
        .filter(|condition| !condition.negated);
    positive
        .filter_map(|c| {
            if let What::Text(phrase) = c.what {
                Some(phrase)
            } else {
                None
            }
        })
        .collect()
}

/// What is marked, as a program that counts in UTF-16 sees it.
fn marked(text: &str, query: &str) -> Vec<String> {
    let (snippet, marks) = snippet(text, &phrases(query));
    let units: Vec<u16> = snippet.encode_utf16().collect();
    marks
        .iter()
        .map(|(start, end)| String::from_utf16(&units[*start as usize..*end as usize]).unwrap())
        .collect()
}

#[test]
fn a_short_text_is_shown_whole() {
    let (shown, marks) = snippet("Hello\nworld,\thello", &phrases("hello"));
    assert_eq!((shown.as_str(), marks), ("Hello world, hello", vec![(0, 5), (13, 18)]));
}

#[test]
fn what_matched_is_marked() {
    assert_eq!(
        marked("The Crème brûlée was created", "creme cre*"),
        ["Crème", "created"]
    );
    assert_eq!(
        marked("new york, York new, New-York", "\"new york\""),
        ["new", "york", "New", "York"]
    );
    assert_eq!(marked("世界和平世界", "世界"), ["世界", "世界"]);
    assert_eq!(marked("我们热爱世界和平", "世界和平"), ["世界和平"]);
    assert_eq!(marked("我们热爱世界和平", "爱"), ["爱"]);
    assert_eq!(marked("say cheese", "-cheese say"), ["say"]);
    assert_eq!(marked("nothing of it", "from:alice"), Vec::<String>::new());
}

#[test]
fn marks_count_utf16_units() {
    assert_eq!(snippet("👍 ok 𠮷野家", &phrases("ok")).1, [(3, 5)]);
    assert_eq!(marked("👍 ok 𠮷野家 👍", "𠮷野 👍"), ["👍", "𠮷野", "👍"]);
}

#[test]
fn a_long_text_is_cut_around_the_match_and_between_words() {
    let text = format!("{}needle {}", "lorem ipsum ".repeat(200), "dolor sit ".repeat(200));
    let (shown, _) = snippet(&text, &phrases("needle"));
    assert!(shown.chars().count() <= LONGEST, "{}", shown.chars().count());
    assert!(shown.starts_with("…lorem ") || shown.starts_with("…ipsum "), "{shown}");
    assert!(shown.ends_with(" sit…") || shown.ends_with(" dolor…"), "{shown}");
    assert_eq!(marked(&text, "needle"), ["needle"]);
}

#[test]
fn the_place_with_most_of_the_words_is_shown() {
    let gap = "x ".repeat(300);
    let text = format!("apple apple apple {gap} apple pear {gap} pear pear");
    assert_eq!(marked(&text, "apple pear"), ["apple", "pear"]);
}

#[test]
fn the_ends_are_shown_without_a_cut() {
    let text = format!("needle {}", "x ".repeat(300));
    assert!(snippet(&text, &phrases("needle")).0.starts_with("needle x"));
    let text = format!("{}needle", "x ".repeat(300));
    assert!(snippet(&text, &phrases("needle")).0.ends_with("x needle"));
}

#[test]
fn one_endless_word_is_cut_too() {
    let (shown, marks) = snippet(&"z".repeat(1000), &phrases(&"z".repeat(70)));
    assert_eq!((shown.chars().count(), marks), (LONGEST - 1, vec![(0, 158)]));
}

proptest! {
    #[test]
    fn marks_lie_in_the_snippet_and_do_not_overlap(
        text in "(\\PC{0,8}|[ab世界👍é\u{301} \n]{0,10}){0,40}",
        query in "[ab世界👍é]{1,2}( [ab世]\\*)?",
    ) {
        let (shown, marks) = snippet(&text, &phrases(&query));
        prop_assert!(shown.chars().count() <= LONGEST);
        prop_assert!(!shown.chars().any(char::is_control));
        let units: Vec<u16> = shown.encode_utf16().collect();
        let mut end = 0;
        for mark in marks {
            prop_assert!(mark.0 >= end && mark.0 < mark.1 && mark.1 as usize <= units.len());
            prop_assert!(String::from_utf16(&units[mark.0 as usize..mark.1 as usize]).is_ok());
            end = mark.1;
        }
    }
}
