use crate::{Store, from_bob, wait};
use corella_transcripts::{Error, Place, Transcripts};
use std::fs;

fn total(transcripts: &Transcripts, query: &str) -> u64 {
    transcripts.search(query, &|_| 0, 10, None).unwrap().total
}

#[test]
fn another_reader_sees_what_the_host_commits() {
    let store = Store::new();
    store.append(from_bob(1, "one word"));
    let reader = Transcripts::open_read_only(store.path()).unwrap();
    assert_eq!(total(&reader, "word"), 1);
    store.append(from_bob(2, "second word"));
    assert_eq!(total(&reader, "word"), 2);
    assert_eq!(
        reader
            .list("bob@example.org", Place::Latest, 10)
            .unwrap()
            .messages
            .len(),
        2
    );
    // And the host goes on.
    store.append(from_bob(3, "third word"));
    assert_eq!((total(&store.transcripts, "word"), total(&reader, "word")), (3, 3));
}

#[test]
fn without_a_host_the_index_is_brought_up_to_date() {
    let store = Store::new();
    store.append_all((0..100).map(|n| from_bob(n, "word")));
    store.transcripts.close();
    fs::remove_dir_all(store.path().join("transcripts.index")).unwrap();
    let before = fs::read(store.path().join("transcripts.sqlite")).unwrap();
    let reader = Transcripts::open_read_only(store.path()).unwrap();
    assert_eq!(total(&reader, "word"), 100);
    reader.close();
    assert_eq!(
        fs::read(store.path().join("transcripts.sqlite")).unwrap(),
        before,
        "the truth is not touched"
    );
}

#[test]
fn writing_is_refused() {
    let store = Store::new();
    let reader = Transcripts::open_read_only(store.path()).unwrap();
    assert_eq!(wait(|done| reader.append(from_bob(1, ""), done)), Err(Error::ReadOnly));
    assert_eq!(reader.flush(), Err(Error::ReadOnly));
}

#[test]
fn nothing_is_made_where_nothing_is() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none");
    assert!(matches!(
        Transcripts::open_read_only(&missing),
        Err(Error::Missing { .. })
    ));
    assert!(!missing.exists());
}

#[test]
fn several_readers_and_the_host_share_the_index() {
    let store = Store::new();
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let path = store.path();
            std::thread::spawn(move || {
                for _ in 0..15 {
                    let reader = Transcripts::open_read_only(&path).unwrap();
                    let known = reader.unread("bob@example.org").unwrap();
                    assert!(total(&reader, "word") >= known || known == 0);
                }
            })
        })
        .collect();
    for n in 0..200 {
        store.append(from_bob(n, "word"));
    }
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(total(&store.transcripts, "word"), 200);
}
