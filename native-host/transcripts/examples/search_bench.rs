//! Measures the store beside bare SQLite, and prints tables with ratios.
//!
//! Search: the same synthetic messages in the store and in SQLite FTS5 (unicode61); for each query FTS5 gives the count and the 20
//! best by bm25, the store gives total, the 20 best, and their snippets. Append: beside a bare SQLite table with the same settings.
//!
//! Arguments: the number of messages (200,000 unless given), and a directory to work in (the system's for temporary files unless
//! given); what it measures depends on the disk that this is on.

#![expect(clippy::print_stdout, reason = "the tables are what it is for")]

use corella_transcripts::{Appended, Direction, NewMessage, Place, Transcripts};
use rusqlite::Connection;
use std::error::Error;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Hits that are asked for.
const HITS: usize = 20;

/// The names and texts of the queries, ours and FTS5's. The generator puts each into as many messages as the name says.
const QUERIES: [(&str, &str, &str); 7] = [
    ("rare word (in 10 messages)", "zanzibar", "zanzibar"),
    ("word in 1 % of messages", "harbour", "harbour"),
    ("word in 10 % of messages", "weather", "weather"),
    ("phrase of two common words", "\"common weather\"", "\"common weather\""),
    (
        "three words, all of them",
        "common weather harbour",
        "common weather harbour",
    ),
    ("prefix", "weath*", "weath*"),
    ("two CJK characters", "世界", "世界"),
];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let dir = match arguments.next() {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    println!("{count} messages in {}", dir.path().display());
    search(count, dir.path())?;
    append(dir.path())
}

/// A small generator of numbers that are the same in every run (xorshift).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or_default() % below
    }
}

/// A short message: some of 20,000 words, the frequent ones more often, and now and then what the queries ask for.
fn text(number: usize, count: usize, seeded: &mut Seeded) -> String {
    let mut words: Vec<String> = Vec::new();
    for _ in 0..3 + seeded.next(12) {
        let range = [20, 200, 2000, 20_000][seeded.next(4)];
        words.push(format!("w{}", seeded.next(range)));
    }
    let mut put = |word: &str, place: usize| words.insert(place % (words.len() + 1), word.to_owned());
    if seeded.next(10) == 0 {
        put("weather", seeded.next(15));
    }
    if seeded.next(3) == 0 {
        put("common", seeded.next(15));
    }
    if seeded.next(100) == 0 {
        put("harbour", seeded.next(15));
    }
    if seeded.next(50) == 0 {
        put("common weather", seeded.next(15));
    }
    if number % (count / 10).max(1) == 5 {
        put("zanzibar", seeded.next(15));
    }
    if seeded.next(20) == 0 {
        let han: Vec<char> = "我们明天去北京吃饭世界和平你好今天天气很好中国文化".chars().collect();
        let mut run: String = (0..4 + seeded.next(8)).map(|_| han[seeded.next(han.len())]).collect();
        if seeded.next(4) == 0 {
            run.push_str("世界");
        }
        put(&run, seeded.next(15));
    }
    words.join(" ")
}

fn message(number: usize, text: String) -> Result<NewMessage> {
    let at = 1_700_000_000_000 + i64::try_from(number)? * 60_000;
    let out = number.is_multiple_of(2);
    Ok(NewMessage {
        id: format!("id-{number}"),
        own: "alice@example.net".into(),
        with: format!("peer{}@example.org", number % 97),
        direction: if out { Direction::Out } else { Direction::In },
        text,
        at,
        received: at,
        sequence: u64::try_from(number)?,
        state: if out { "delivered" } else { "read" }.into(),
        trust: "pinned".into(),
        sealed: true,
        request: false,
    })
}

fn search(count: usize, dir: &Path) -> Result<()> {
    let mut seeded = Seeded(0x5eed_5eed_5eed_5eed);
    let texts: Vec<String> = (0..count).map(|number| text(number, count, &mut seeded)).collect();

    let transcripts = Transcripts::open(dir.join("store"))?;
    let began = Instant::now();
    let (done, results) = mpsc::channel();
    for (number, text) in texts.iter().enumerate() {
        let done = done.clone();
        let counted = move |result: std::result::Result<Appended, _>| done.send(result.is_ok()).unwrap_or_default();
        transcripts.append(message(number, text.clone())?, counted);
    }
    drop(done);
    let stored = results.iter().filter(|stored| *stored).count();
    println!(
        "stored {stored} at once: {:.0} messages/s",
        rate(stored, began.elapsed())
    );
    transcripts.flush()?;
    println!(
        "and in the index: {:.0} messages/s in all",
        rate(stored, began.elapsed())
    );
    // Reopened: the index as it is found at the next start, merges done.
    transcripts.close();
    let began = Instant::now();
    let transcripts = Transcripts::open(dir.join("store"))?;
    transcripts.search("anything", &|_| 0, 1, None)?;
    println!(
        "opened again, until the first answer: {:.1} ms",
        began.elapsed().as_secs_f64() * 1e3
    );

    let fts = Connection::open(dir.join("fts.sqlite"))?;
    fts.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536;
         CREATE TABLE message (row INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
         CREATE VIRTUAL TABLE found USING fts5 (text, content = 'message', content_rowid = 'row', tokenize = 'unicode61');
         BEGIN;",
    )?;
    let began = Instant::now();
    for text in &texts {
        fts.prepare_cached("INSERT INTO message (text) VALUES (?1)")?
            .execute([text])?;
        let row = fts.last_insert_rowid();
        fts.prepare_cached("INSERT INTO found (rowid, text) VALUES (?1, ?2)")?
            .execute((row, text))?;
    }
    fts.execute_batch("COMMIT; INSERT INTO found (found) VALUES ('optimize');")?;
    println!(
        "FTS5, one transaction: {:.0} messages/s\n",
        rate(count, began.elapsed())
    );

    println!("| Query | found | FTS5 found | p50 | FTS5 p50 | ratio |\n|---|---|---|---|---|---|");
    for (name, ours, theirs) in QUERIES {
        let mut found = 0;
        let our_time = median(|| {
            let hits = transcripts.search(ours, &|_| 0, HITS, None)?;
            found = hits.total;
            Ok(())
        })?;
        let mut fts_found = 0;
        let fts_time = median(|| {
            fts_found = fts
                .prepare_cached("SELECT count(*) FROM found WHERE found MATCH ?1")?
                .query_row([theirs], |row| row.get::<_, i64>(0))?;
            let mut best = fts.prepare_cached(
                "SELECT message.text FROM found JOIN message ON message.row = found.rowid
                 WHERE found MATCH ?1 ORDER BY bm25(found) LIMIT ?2",
            )?;
            let texts = best.query_map((theirs, 20), |row| row.get::<_, String>(0))?;
            texts.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(())
        })?;
        let ratio = fts_time.as_secs_f64() / our_time.as_secs_f64();
        // FTS5 takes a run of CJK characters for one word: a time in which it did not find them compares nothing.
        let ratio = if fts_found.unsigned_abs() * 2 < found {
            "–".to_owned()
        } else {
            format!("{ratio:.1}")
        };
        println!(
            "| {name} | {found} | {fts_found} | {} | {} | {ratio} |",
            ms(our_time),
            ms(fts_time)
        );
    }

    println!("\n| Beside it | p50 |\n|---|---|");
    let with = "peer7@example.org";
    let row = |name: &str, time: Duration| println!("| {name} | {} |", ms(time));
    let time = median(|| transcripts.conversations().map(|_| ()).map_err(Into::into))?;
    row("conversations (97)", time);
    let time = median(|| {
        transcripts
            .list(with, Place::Latest, 50)
            .map(|_| ())
            .map_err(Into::into)
    })?;
    row("latest 50 of a conversation", time);
    row(
        "unread of a conversation",
        median(|| transcripts.unread(with).map(|_| ()).map_err(Into::into))?,
    );
    let time = median(|| {
        transcripts
            .outgoing_in(&["pending", "sent"])
            .map(|_| ())
            .map_err(Into::into)
    })?;
    row("outgoing on their way", time);
    let mut fresh = Vec::new();
    for number in count..count + 50 {
        append_one(&transcripts, number)?;
        let began = Instant::now();
        transcripts.search("zanzibar", &|_| 0, HITS, None)?;
        fresh.push(began.elapsed());
    }
    fresh.sort();
    row("rare word right after an append", fresh[fresh.len() / 2]);
    transcripts.close();
    Ok(())
}

fn append_one(transcripts: &Transcripts, number: usize) -> Result<()> {
    let (done, result) = mpsc::channel();
    let text = format!("one more message with the number {number}");
    transcripts.append(message(number, text)?, move |stored| {
        done.send(stored).unwrap_or_default()
    });
    result.recv()??;
    Ok(())
}

fn append(dir: &Path) -> Result<()> {
    const SINGLE: usize = 1000;
    const FLYING: usize = 64;
    let bare = Connection::open(dir.join("bare.sqlite"))?;
    bare.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE message (row INTEGER PRIMARY KEY, id TEXT NOT NULL, text TEXT NOT NULL) STRICT;",
    )?;
    let transcripts = Transcripts::open(dir.join("append"))?;
    // In turns, so that both meet the same moods of the disk.
    let (mut bare_times, mut our_times) = (Vec::new(), Vec::new());
    for number in 0..SINGLE {
        let began = Instant::now();
        bare.prepare_cached("INSERT INTO message (id, text) VALUES (?1, ?2)")?
            .execute((
                format!("id-{number}"),
                format!("one more message with the number {number}"),
            ))?;
        bare_times.push(began.elapsed());
        let began = Instant::now();
        append_one(&transcripts, number)?;
        our_times.push(began.elapsed());
    }
    println!("\n| Append, each synced | p50 | p99 | messages/s |\n|---|---|---|---|");
    let row = |name: &str, times: &mut Vec<Duration>, rate: f64| {
        times.sort();
        println!(
            "| {name} | {} | {} | {rate:.0} |",
            ms(times[times.len() / 2]),
            ms(times[times.len() * 99 / 100])
        );
        times[times.len() / 2]
    };
    let total = |times: &[Duration]| rate(times.len(), times.iter().sum());
    let bare_rate = total(&bare_times);
    let bare_p50 = row("bare SQLite, one after the other", &mut bare_times, bare_rate);
    let our_rate = total(&our_times);
    let our_p50 = row("store, one after the other", &mut our_times, our_rate);

    let flying = 20 * SINGLE;
    let mut times = Vec::new();
    let (done, results) = mpsc::channel();
    let send = |number: usize| -> Result<()> {
        let (done, began) = (done.clone(), Instant::now());
        let told = move |stored: std::result::Result<Appended, _>| {
            done.send(stored.map(|_| began.elapsed())).unwrap_or_default();
        };
        transcripts.append(message(SINGLE + number, format!("one of many, number {number}"))?, told);
        Ok(())
    };
    let began = Instant::now();
    for number in 0..FLYING {
        send(number)?;
    }
    for number in FLYING..flying + FLYING {
        times.push(results.recv()??);
        if number < flying {
            send(number)?;
        }
    }
    let flying_rate = rate(times.len(), began.elapsed());
    row("store, 64 in flight", &mut times, flying_rate);
    println!(
        "\nOne append beside a bare one: {} more; 64 in flight: {:.1} times the bare rate.",
        ms(our_p50.saturating_sub(bare_p50)),
        flying_rate / bare_rate
    );
    transcripts.close();
    Ok(())
}

/// The median of at least 21 runs, more if they are quick.
fn median(mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    let began = Instant::now();
    let mut times = Vec::new();
    while times.len() < 21 || (times.len() < 1001 && began.elapsed() < Duration::from_millis(500)) {
        let began = Instant::now();
        run()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}

fn rate(count: usize, time: Duration) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from) / time.as_secs_f64()
}

fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}
