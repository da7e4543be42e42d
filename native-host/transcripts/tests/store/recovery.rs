use crate::{Store, from_bob, wait};
use corella_transcripts::{Appended, Error, Transcripts};
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

impl Store {
    fn index(&self) -> PathBuf {
        self.path().join("transcripts.index")
    }

    fn total(&self, query: &str) -> u64 {
        self.transcripts.search(query, &|_| 0, 10, None).unwrap().total
    }

    fn with_messages() -> Store {
        let store = Store::new();
        store.append_all((0..500).map(|n| from_bob(n, &format!("word number{n}"))));
        store.transcripts.flush().unwrap();
        store
    }

    /// Damages the closed store and opens it again: everything must be found.
    fn survives(mut self, damage: impl FnOnce(&Store)) {
        self.transcripts.close();
        damage(&self);
        self.transcripts = Transcripts::open(self.path()).unwrap();
        self.append(from_bob(500, "word after"));
        assert_eq!(
            (self.total("word"), self.total("number250"), self.total("after")),
            (501, 1, 1)
        );
    }
}

#[test]
fn an_index_that_is_gone_is_made_anew() {
    Store::with_messages().survives(|store| fs::remove_dir_all(store.index()).unwrap());
}

#[test]
fn an_index_without_its_list_of_files_is_made_anew() {
    Store::with_messages().survives(|store| fs::remove_file(store.index().join("meta.json")).unwrap());
    Store::with_messages().survives(|store| fs::write(store.index().join("meta.json"), "").unwrap());
}

#[test]
fn what_a_killed_process_left_in_the_index_goes() {
    let mut store = Store::with_messages();
    store.transcripts.close();
    let left = store.index().join("0123456789abcdef0123456789abcdef.term");
    fs::write(&left, "half of a segment").unwrap();
    store.transcripts = Transcripts::open(store.path()).unwrap();
    store.append(from_bob(500, "word after"));
    assert_eq!((store.total("word"), left.exists()), (501, false));
}

#[test]
fn every_file_of_the_index_may_be_lost_cut_or_altered() {
    let kinds = ["term", "idx", "pos", "fast", "fieldnorm", "store"];
    for kind in kinds {
        let of_kind = |store: &Store| {
            let files = fs::read_dir(store.index()).unwrap().map(|entry| entry.unwrap().path());
            files
                .filter(|path| path.extension().is_some_and(|e| e == kind))
                .max_by_key(|p| p.metadata().unwrap().len())
                .unwrap()
        };
        Store::with_messages().survives(|store| fs::remove_file(of_kind(store)).unwrap());
        Store::with_messages().survives(|store| {
            let bytes = fs::read(of_kind(store)).unwrap();
            fs::write(of_kind(store), &bytes[..bytes.len() / 2]).unwrap();
        });
        Store::with_messages().survives(|store| {
            let mut bytes = fs::read(of_kind(store)).unwrap();
            bytes[3] ^= 0x55;
            fs::write(of_kind(store), bytes).unwrap();
        });
    }
}

#[test]
fn an_index_of_another_version_is_made_anew() {
    Store::with_messages().survives(|store| {
        let meta = store.index().join("meta.json");
        let text = fs::read_to_string(&meta).unwrap();
        assert!(text.contains("corella-1 "));
        fs::write(meta, text.replace("corella-1 ", "corella-0 ")).unwrap();
    });
}

#[test]
fn an_index_of_another_store_is_not_used() {
    let other = Store::with_messages();
    other.append_all((1000..2000).map(|n| from_bob(n, "word of another store")));
    other.transcripts.close();
    Store::with_messages().survives(|store| {
        fs::remove_dir_all(store.index()).unwrap();
        fs::create_dir(store.index()).unwrap();
        for entry in fs::read_dir(other.index()).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), store.index().join(entry.file_name())).unwrap();
        }
    });
}

#[test]
fn an_index_ahead_of_a_restored_store_is_made_anew() {
    let store = Store::with_messages();
    store.transcripts.close();
    let backup = fs::read(store.path().join("transcripts.sqlite")).unwrap();
    let again = Transcripts::open(store.path()).unwrap();
    for n in 600..650 {
        wait(|done| again.append(from_bob(n, "word lost with the newer copy"), done)).unwrap();
    }
    again.close();
    store.survives(|store| fs::write(store.path().join("transcripts.sqlite"), backup).unwrap());
}

#[test]
fn an_index_that_vanishes_while_it_is_used_comes_back() {
    let store = Store::with_messages();
    fs::remove_dir_all(store.index()).unwrap();
    store.append(from_bob(500, "word after"));
    // The attempt that notices fails; the next one makes the index anew.
    let first = store.transcripts.search("after", &|_| 0, 10, None);
    assert!(first.is_ok() || matches!(first, Err(Error::Index(_))), "{first:?}");
    assert_eq!((store.total("word"), store.total("after")), (501, 1));
}

#[test]
fn a_damaged_database_is_told_to_each_caller_and_the_thread_lives_on() {
    let mut store = Store::new();
    store.append_all((0..3000).map(|n| from_bob(n, &"filling ".repeat(20))));
    store.reopen();
    let path = store.path().join("transcripts.sqlite");
    let size = fs::metadata(&path).unwrap().len();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    // All pages but the first are overwritten in place.
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(size).unwrap() - 4096])
        .unwrap();
    for n in 5000..5010 {
        let result = wait(|done| store.transcripts.append(from_bob(n, "on broken ground"), done));
        assert!(matches!(result, Err(Error::Damaged { .. })), "{result:?}");
        assert!(result.unwrap_err().to_string().contains("backup"));
    }
    assert!(matches!(store.transcripts.conversations(), Err(Error::Damaged { .. })));
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_any_file() {
    use std::os::unix::fs::PermissionsExt;
    let store = Store::with_messages();
    fn check(dir: &std::path::Path) -> usize {
        assert_eq!(
            fs::metadata(dir).unwrap().permissions().mode() & 0o777,
            0o700,
            "{dir:?}"
        );
        let mut files = 0;
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                files += check(&entry.path());
            } else {
                assert_eq!(
                    entry.metadata().unwrap().permissions().mode() & 0o777,
                    0o600,
                    "{:?}",
                    entry.path()
                );
                files += 1;
            }
        }
        files
    }
    assert!(check(&store.path()) > 8);
}

#[test]
fn the_index_is_committed_within_a_second_without_a_search() {
    let store = Store::new();
    store.append(from_bob(1, "word"));
    let meta = store.index().join("meta.json");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !fs::read_to_string(&meta).is_ok_and(|text| text.contains("corella-1 ")) {
        assert!(std::time::Instant::now() < deadline, "never committed");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(matches!(store.append(from_bob(1, "")), Appended::Duplicate(_)));
}
