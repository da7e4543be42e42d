//! The index against a plain reading of the query language: whatever the documents, the query, and the segments, both find the
//! same, in pages as in one.

use super::fields::{self, Entry, Fields};
use super::indexer::{Indexer, View};
use super::search::{Wanted, search};
use crate::message::Direction;
use crate::query::{AddressMatch, Query, Side, What, parse};
use crate::snippet::matches;
use crate::tokens::{Purpose, tokenize};
use proptest::prelude::*;
use tantivy::merge_policy::NoMergePolicy;
use tantivy::{Index, IndexWriter, ReloadPolicy, Term};

/// Days are ten milliseconds long here.
fn begin(date: crate::Date) -> i64 {
    i64::from(date.day) * 10
}

/// What the query language means, said plainly.
fn holds(query: &Query, entry: &Entry) -> bool {
    let tokens = tokenize(&entry.text, Purpose::Index);
    query.conditions.iter().all(|condition| {
        let yes = match &condition.what {
            What::Text(phrase) => !matches(&tokens, phrase).is_empty(),
            What::Before(date) => entry.at < begin(*date),
            What::After(date) => entry.at >= begin(*date),
            What::Address(side, wanted) => {
                let incoming = entry.direction == Direction::In;
                let address = match side {
                    Side::With => &entry.with,
                    Side::From => {
                        if incoming {
                            &entry.with
                        } else {
                            &entry.own
                        }
                    }
                    Side::To => {
                        if incoming {
                            &entry.own
                        } else {
                            &entry.with
                        }
                    }
                };
                let words: Vec<&str> = address.split(['.', '@']).collect();
                match wanted {
                    AddressMatch::Whole(whole) => whole == address,
                    AddressMatch::Words { words: wanted, prefix } => {
                        wanted.iter().all(|word| words.contains(&word.as_str()))
                            && prefix
                                .iter()
                                .all(|start| words.iter().any(|word| word.starts_with(start.as_str())))
                    }
                }
            }
        };
        yes != condition.negated
    })
}

/// An index with a commit after each of these rows, a segment for each commit, and these rows deleted at the end.
fn index(entries: &[Entry], commits: &[usize], deleted: &[usize]) -> View {
    let (schema, fields) = Fields::schema();
    let index = Index::create_in_ram(schema);
    fields::register(index.tokenizers());
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
    writer.set_merge_policy(Box::new(NoMergePolicy));
    for (n, entry) in entries.iter().enumerate() {
        writer.add_document(fields.document(entry)).unwrap();
        if commits.contains(&n) {
            writer.commit().unwrap();
        }
    }
    for row in deleted {
        writer.delete_term(Term::from_field_i64(fields.row, i64::try_from(*row).unwrap()));
    }
    writer.commit().unwrap();
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()
        .unwrap();
    View {
        searcher: reader.searcher(),
        fields,
        last_row: i64::try_from(entries.len()).unwrap(),
    }
}

fn entries(texts: Vec<(String, bool, u8)>) -> Vec<Entry> {
    let addresses = ["bob@example.org", "carol.jones@work.example", "bob.jones@example.net"];
    let entry = |(n, (text, incoming, with)): (usize, (String, bool, u8))| Entry {
        row: i64::try_from(n).unwrap(),
        own: "alice@example.net".into(),
        with: addresses[usize::from(with) % addresses.len()].into(),
        direction: if incoming { Direction::In } else { Direction::Out },
        text,
        at: i64::try_from(n).unwrap(),
    };
    texts.into_iter().enumerate().map(entry).collect()
}

const WORD: &str = "(a|b|c|ab|abc|bc|世|世界|界世|é)";

fn condition() -> impl Strategy<Value = String> {
    let regex = |text: &str| prop::string::string_regex(text).unwrap();
    let what = prop_oneof![
        4 => regex(WORD),
        3 => regex(&format!("\"{WORD}( {WORD}){{1,2}}\"")),
        2 => regex("[ab]{1,2}\\*"),
        2 => regex("\"[ab]{1,2} [ab]{1,2}\\*\""),
        2 => regex("(from|to|with):(alice|bob|jones|bob\\.jones|example|\"net example\"|bob@example\\.org|b\\*|nobody)"),
        1 => regex("(before|after):2026-01-0[1-6]"),
    ];
    (any::<bool>(), any::<bool>(), what).prop_map(|(a, b, what)| if a && b { format!("-{what}") } else { what })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn finds_what_the_language_says(
        texts in prop::collection::vec((prop::string::string_regex(&format!("{WORD}([ ,]{WORD}){{0,6}}")).unwrap(), any::<bool>(), any::<u8>()), 1..60),
        commits in prop::collection::vec(0usize..60, 0..6),
        deleted in prop::collection::vec(0usize..60, 0..4),
        queries in prop::collection::vec(prop::collection::vec(condition(), 1..5), 20),
        limit in 1usize..9,
    ) {
        let entries = entries(texts);
        let view = index(&entries, &commits, &deleted);
        for query in queries {
            let text = query.join(" ");
            let query = parse(&text).unwrap();
            let expected: Vec<i64> = entries
                .iter()
                .filter(|entry| holds(&query, entry) && !deleted.iter().any(|row| i64::try_from(*row) == Ok(entry.row)))
                .map(|entry| entry.row)
                .collect();
            let page = |limit, cursor: Option<&str>| {
                search(&view, query.clone(), &begin, &Wanted { text: &text, limit, cursor }).unwrap()
            };
            let whole = page(100, None);
            prop_assert_eq!(whole.total, expected.len() as u64, "{}", &text);
            let mut rows = whole.rows.clone();
            rows.sort_unstable();
            prop_assert_eq!(&rows, &expected, "{}", &text);
            let mut paged = page(limit, None);
            let mut rows = paged.rows;
            while let Some(cursor) = paged.cursor {
                paged = page(limit, Some(&cursor));
                prop_assert_eq!(paged.total, whole.total);
                rows.extend(paged.rows);
            }
            prop_assert_eq!(&rows, &whole.rows, "pages of {}", &text);
        }
    }
}

/// Two processes share an index: what one of them has indexed, the other shows, though nothing was left for it to do.
#[test]
fn shows_what_another_indexer_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let truth = crate::schema::open_writing(dir.path()).unwrap();
    let mut one = Indexer::new(dir.path()).unwrap();
    let mut other = Indexer::new(dir.path()).unwrap();
    assert_eq!(one.catch_up().unwrap().searcher.num_docs(), 0);
    truth
        .execute(
            "INSERT INTO message (id, own, peer, direction, text, at, received, position, sequence, state, trust, sealed, request)
             VALUES ('1', 'alice@example.net', 'bob@example.org', 0, 'word', 1, 1, 1, 1, 'received', 'pinned', 1, 0)",
            (),
        )
        .unwrap();
    assert_eq!(other.catch_up().unwrap().searcher.num_docs(), 1);
    other.rest();
    assert_eq!(one.catch_up().unwrap().searcher.num_docs(), 1);
}
