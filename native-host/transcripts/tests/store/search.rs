use crate::{Store, from_bob, to_bob, wait};
use corella_transcripts::{Date, Error, Hits, NewMessage, QueryError};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Days are a thousand milliseconds long here, counted from the first of January 2026.
fn begin(date: Date) -> i64 {
    assert_eq!((date.year, date.month), (2026, 1));
    (i64::from(date.day) - 1) * 1000
}

impl Store {
    fn search(&self, query: &str) -> Hits {
        self.transcripts.search(query, &begin, 50, None).unwrap()
    }

    /// The ids of all hits, sorted; and the total must be their number.
    fn found(&self, query: &str) -> Vec<String> {
        let hits = self.search(query);
        let mut ids: Vec<_> = hits.hits.into_iter().map(|hit| hit.message.id).collect();
        assert_eq!(hits.total, ids.len() as u64, "{query}");
        ids.sort();
        ids
    }
}

#[test]
fn words_in_any_script_are_found() {
    let store = Store::new();
    store.append_all([
        from_bob(1, "Crème brûlée at the Café"),
        from_bob(2, "我们明天去北京吃饭"),
        from_bob(3, "カタカナとひらがな"),
        from_bob(4, "Встретимся завтра у Ёлки"),
        from_bob(5, "สวัสดีครับ"),
        from_bob(6, "학교에서 만나요"),
        from_bob(7, "مُحَمَّد"),
        from_bob(8, "नमस्ते दुनिया"),
        from_bob(9, "see you 👍"),
    ]);
    for (query, id) in [
        ("creme", "bob-1"),
        ("CAFÉ", "bob-1"),
        ("BRULEE", "bob-1"),
        ("北京", "bob-2"),
        ("明", "bob-2"),
        ("饭", "bob-2"),
        ("去北京吃", "bob-2"),
        ("ひらがな", "bob-3"),
        ("ｶﾀｶﾅ", "bob-3"),
        ("елки", "bob-4"),
        ("ЗАВТРА", "bob-4"),
        ("สวัส", "bob-5"),
        ("학교", "bob-6"),
        ("محمد", "bob-7"),
        ("दुनिया", "bob-8"),
        ("👍", "bob-9"),
    ] {
        assert_eq!(store.found(query), [id], "{query}");
    }
    for query in ["京北", "カカ", "caf", "学校"] {
        assert_eq!(store.found(query), Vec::<String>::new(), "{query}");
    }
}

#[test]
fn the_whole_query_language_works() {
    let store = Store::new();
    let carol = |n: u64, text: &str| NewMessage {
        with: "carol.jones@work.example".into(),
        ..from_bob(n, text)
    };
    let to_carol = |n: u64, text: &str| NewMessage {
        with: "carol.jones@work.example".into(),
        ..to_bob(n, text)
    };
    store.append_all([
        from_bob(1, "the quick brown fox"),
        to_bob(1001, "the brown quick fox"),
        carol(2002, "quickly, a fox!"),
        to_carol(3003, "fox"),
    ]);
    for (query, ids) in [
        ("fox", &["alice-1001", "alice-3003", "bob-1", "bob-2002"][..]),
        ("quick fox", &["alice-1001", "bob-1"]),
        ("quick*", &["alice-1001", "bob-1", "bob-2002"]),
        ("\"quick brown\"", &["bob-1"]),
        ("\"brown qui*\"", &["alice-1001"]),
        ("fox -quick", &["alice-3003", "bob-2002"]),
        ("fox -\"quick brown\" -quickly", &["alice-1001", "alice-3003"]),
        ("-quick*", &["alice-3003"]),
        ("from:bob", &["bob-1"]),
        ("from:alice", &["alice-1001", "alice-3003"]),
        ("to:alice@example.net", &["bob-1", "bob-2002"]),
        ("to:bob fox", &["alice-1001"]),
        ("with:carol", &["alice-3003", "bob-2002"]),
        ("with:JONES fox", &["alice-3003", "bob-2002"]),
        ("with:carol.jones", &["alice-3003", "bob-2002"]),
        ("with:car*", &["alice-3003", "bob-2002"]),
        ("with:alice", &[]),
        ("with:jones@work.example", &[]),
        ("fox -with:bob@example.org", &["alice-3003", "bob-2002"]),
        ("before:2026-01-02", &["bob-1"]),
        ("after:2026-01-03", &["alice-3003", "bob-2002"]),
        ("after:2026-01-02 before:2026-01-04 fox", &["alice-1001", "bob-2002"]),
        ("fox -after:2026-01-02", &["bob-1"]),
        ("fox -before:2026-01-02 -from:carol", &["alice-1001", "alice-3003"]),
        ("fox hound", &[]),
    ] {
        assert_eq!(store.found(query), ids, "{query}");
    }
}

#[test]
fn a_query_that_is_not_understood_says_which_part() {
    let store = Store::new();
    let refused = |query: &str| store.transcripts.search(query, &begin, 10, None).unwrap_err();
    assert_eq!(
        refused("x before:tomorrow"),
        Error::Query(QueryError::BadDate {
            part: "before:tomorrow".into()
        })
    );
    assert!(refused("x before:tomorrow").to_string().contains("before:tomorrow"));
    assert_eq!(refused(" ! "), Error::Query(QueryError::Empty));
    let foreign = store.transcripts.search("x", &begin, 10, Some("nonsense"));
    assert_eq!(foreign, Err(Error::Query(QueryError::BadCursor)));
}

#[test]
fn the_best_comes_first_and_among_equals_the_newest() {
    let store = Store::new();
    let filler = "many other words that say nothing about it at all, and then some more of them";
    store.append_all([
        from_bob(1, &format!("apple {filler}")),
        from_bob(2, "apple pie"),
        from_bob(3, "apple tart"),
        from_bob(4, "apple apple"),
    ]);
    let hits = store.search("apple").hits;
    let order: Vec<_> = hits.iter().map(|hit| hit.message.id.as_str()).collect();
    assert_eq!(order, ["bob-4", "bob-3", "bob-2", "bob-1"]);
    // Without a word to weigh, the newest come first.
    let order: Vec<_> = store
        .search("from:bob")
        .hits
        .into_iter()
        .map(|hit| hit.message.id)
        .collect();
    assert_eq!(order, ["bob-4", "bob-3", "bob-2", "bob-1"]);
}

#[test]
fn hits_carry_a_marked_snippet() {
    let store = Store::new();
    let text = format!(
        "{} meet me at the 北京 café {}",
        "before ".repeat(60),
        "after ".repeat(60)
    );
    store.append(from_bob(1, &text));
    let hit = store.search("cafe 北京").hits.remove(0);
    assert_eq!(hit.message.text, text);
    assert!(
        hit.snippet.chars().count() <= 160 && hit.snippet.contains("meet me at the 北京 café"),
        "{}",
        hit.snippet
    );
    let units: Vec<u16> = hit.snippet.encode_utf16().collect();
    let marked: Vec<_> = hit
        .marks
        .iter()
        .map(|(start, end)| String::from_utf16(&units[*start as usize..*end as usize]).unwrap())
        .collect();
    assert_eq!(marked, ["北京", "café"]);
}

#[test]
fn pages_are_stable_while_messages_arrive_and_segments_merge() {
    let store = Store::new();
    let variants = ["apple pear", "apple pear pear", "pear apple peach apple pear"];
    let text = |n: u64| format!("{} {}", variants[n as usize % 3], "x ".repeat(n as usize % 7));
    store.append_all((0..200).map(|n| from_bob(n, &text(n))));
    let mut count = 200;
    for query in [
        "apple",
        "apple pear -plum",
        "\"apple pear\"",
        "\"apple pe*\"",
        "app*",
        "from:bob",
        "-plum",
    ] {
        let expected = count;
        let mut seen = HashSet::new();
        let mut cursor = None;
        loop {
            let page = store.transcripts.search(query, &begin, 23, cursor.as_deref()).unwrap();
            assert_eq!(page.total, expected, "{query}");
            for hit in page.hits {
                assert!(hit.message.sequence < expected, "{query} shows what came later");
                assert!(
                    seen.insert(hit.message.sequence),
                    "{query} repeats {}",
                    hit.message.sequence
                );
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
            // The next search commits these on their own, so that segments pile up and are merged.
            store.append_all((count..count + 5).map(|n| from_bob(n, "apple pear")));
            count += 5;
        }
        assert_eq!(seen.len() as u64, expected, "{query}");
    }
}

#[test]
fn what_was_acknowledged_is_found_at_once() {
    let store = Store::new();
    for n in 0..30 {
        store.append(from_bob(n, &format!("token{n} common")));
        assert_eq!(store.search(&format!("token{n}")).total, 1);
        assert_eq!(store.search("common").total, n + 1);
    }
}

#[test]
fn a_dropped_message_is_not_found() {
    let mut store = Store::new();
    let request = |n, text| NewMessage {
        request: true,
        ..from_bob(n, text)
    };
    let drop = |store: &Store| wait(|done| store.transcripts.drop_requests("bob@example.org".into(), done)).unwrap();
    store.append_all([request(1, "gone soon"), from_bob(2, "gone never")]);
    assert_eq!(store.search("gone").total, 2);
    drop(&store);
    assert_eq!(store.found("gone"), ["bob-2"]);
    // Dropped before the index has seen it at all.
    store.append(request(3, "gone fast"));
    drop(&store);
    assert_eq!(store.found("gone"), ["bob-2"]);
    store.reopen();
    assert_eq!(store.found("gone"), ["bob-2"]);
}

/// Not every deletion is remembered for ever: an index that would miss some is made anew.
#[test]
fn a_crowd_that_was_dropped_is_not_found() {
    let mut store = Store::new();
    let request = |n| NewMessage {
        request: true,
        ..from_bob(n, "gone soon")
    };
    store.append_all((0..10_010).map(request).chain([from_bob(20_000, "gone never")]));
    assert_eq!(store.search("gone").total, 10_011);
    wait(|done| store.transcripts.drop_requests("bob@example.org".into(), done)).unwrap();
    assert_eq!(
        (store.search("gone").total, store.found("gone")),
        (1, vec!["bob-20000".to_owned()])
    );
    store.reopen();
    assert_eq!(store.search("gone").total, 1);
    let kept: i64 = rusqlite::Connection::open(store.path().join("transcripts.sqlite"))
        .and_then(|db| db.query_row("SELECT count(*) FROM deletion", (), |row| row.get(0)))
        .unwrap();
    assert_eq!(kept, 10_000);
}

#[test]
fn readers_and_searchers_work_beside_the_writer() {
    let store = Store::new();
    let writing = Arc::new(AtomicBool::new(true));
    let watchers: Vec<_> = (0..4)
        .map(|n| {
            let (transcripts, writing) = (store.transcripts.clone(), Arc::clone(&writing));
            thread::spawn(move || {
                let mut last = 0;
                while writing.load(Ordering::SeqCst) {
                    let now = if n % 2 == 0 {
                        transcripts.search("word", &begin, 5, None).unwrap().total
                    } else {
                        transcripts.unread("bob@example.org").unwrap()
                    };
                    assert!(now >= last, "what was there is gone");
                    last = now;
                    assert!(transcripts.conversations().unwrap().len() <= 1);
                }
            })
        })
        .collect();
    for batch in 0..20 {
        store.append_all((batch * 100..batch * 100 + 100).map(|n| from_bob(n, "a word")));
    }
    writing.store(false, Ordering::SeqCst);
    for watcher in watchers {
        watcher.join().unwrap();
    }
    assert_eq!(
        (store.search("word").total, store.transcripts.unread("bob@example.org")),
        (2000, Ok(2000))
    );
}
