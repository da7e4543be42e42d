//! The thread that keeps the index up to date: it gathers what is appended for a moment and commits it at once. A search does not
//! wait for the moment to pass: it asks for the commit and finds everything that was acknowledged before it was called.

use super::indexer::{Indexer, Trouble, View};
use crate::error::Error;
use crate::writer::Touched;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long appended messages are gathered: half of the second in which they are to be in the index.
const GATHER: Duration = Duration::from_millis(500);
/// How many gathered messages are enough.
const ENOUGH: usize = 5000;
/// How long the writer is kept after its last commit.
const REST_AFTER: Duration = Duration::from_secs(5);
/// How long a search waits for an index that is being made.
const SEARCH_WAIT: Duration = Duration::from_secs(10);
/// How soon an index that another process holds is tried again.
const BUSY_RETRY: Duration = Duration::from_millis(50);
/// How soon an attempt that failed is repeated; doubled each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// The handle of the indexing thread.
pub(crate) struct Background {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Tells the indexing thread of commits.
#[derive(Clone)]
pub(crate) struct Bell(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Something to do for the thread.
    work: Condvar,
    /// Something new for those who wait.
    news: Condvar,
}

struct State {
    /// Counts the commits of the truth that matter to the index; starts at 1, for what was there at the start.
    committed: u64,
    /// Which of these the index has followed.
    followed: u64,
    /// Messages since.
    gathered: usize,
    /// When the first of them came; `None` when there are none.
    since: Option<Instant>,
    /// Somebody waits.
    hurry: bool,
    /// After an attempt that failed: when the next is due unless somebody waits.
    retry_at: Option<Instant>,
    /// Why the last attempt failed.
    trouble: Option<String>,
    view: Option<View>,
    stop: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    /// Says that a commit added or deleted messages. Called before anybody is told of the commit.
    pub(crate) fn ring(&self, touched: Touched) {
        let mut state = self.0.lock();
        state.committed += 1;
        state.gathered += touched.added + touched.deleted;
        // The thread sleeps until the moment has passed; it is woken when the first message comes and when there are enough.
        if state.since.is_none() || state.gathered >= ENOUGH {
            state.since.get_or_insert_with(Instant::now);
            self.0.work.notify_one();
        }
    }
}

impl Background {
    /// Starts the thread, which catches up at once.
    pub(crate) fn start(indexer: Indexer) -> Result<Background, Error> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                committed: 1,
                followed: 0,
                gathered: ENOUGH,
                since: Some(Instant::now()),
                hurry: false,
                retry_at: None,
                trouble: None,
                view: None,
                stop: false,
            }),
            work: Condvar::new(),
            news: Condvar::new(),
        });
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("transcripts-index".into())
            .spawn(move || run(indexer, &of_thread))
            .map_err(|e| Error::Store {
                what: "start the indexing thread".into(),
                detail: e.to_string(),
            })?;
        Ok(Background {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// What rings when the truth has changed.
    pub(crate) fn bell(&self) -> Bell {
        Bell(Arc::clone(&self.shared))
    }

    /// A view that shows everything that was acknowledged before the call.
    pub(crate) fn view(&self) -> Result<View, Error> {
        let deadline = Instant::now() + SEARCH_WAIT;
        let mut state = self.shared.lock();
        let wanted = state.committed;
        if state.followed < wanted {
            state.trouble = None;
            state.hurry = true;
            self.shared.work.notify_one();
        }
        while state.followed < wanted {
            if state.stop {
                return Err(Error::Closed);
            }
            if let Some(trouble) = &state.trouble {
                return Err(Error::Index(trouble.clone()));
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(Error::Index("it is being made and not ready yet".to_owned()));
            }
            let waited = self.shared.news.wait_timeout(state, deadline - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.view.clone().ok_or(Error::Closed)
    }

    /// Commits what waits and ends the thread. Not called from the thread itself.
    pub(crate) fn stop(&self) {
        self.shared.lock().stop = true;
        self.shared.work.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the indexing thread ended by a panic");
        }
    }
}

/// What the thread does next.
enum Task {
    /// Bring the index up to this commit; the last thing to do if `last`.
    Follow {
        committed: u64,
        last: bool,
    },
    /// Free the memory that writing takes.
    Rest,
    End,
}

fn run(mut indexer: Indexer, shared: &Shared) {
    let mut retry = FIRST_RETRY;
    let mut worked = Instant::now();
    loop {
        let (committed, last) = match wait(shared, indexer.is_awake().then_some(worked + REST_AFTER)) {
            Task::Follow { committed, last } => (committed, last),
            Task::Rest => {
                let view = indexer.rest();
                shared.lock().view = view;
                continue;
            }
            Task::End => break,
        };
        let result = catch_unwind(AssertUnwindSafe(|| indexer.catch_up())).unwrap_or_else(|_| {
            indexer.give_up();
            Err(Trouble::Failed("a defect in the indexing".to_owned()))
        });
        worked = Instant::now();
        let mut state = shared.lock();
        match result {
            Ok(view) => {
                state.view = Some(view);
                state.followed = committed;
                retry = FIRST_RETRY;
            }
            Err(Trouble::Busy) => state.retry_at = Some(worked + BUSY_RETRY),
            Err(Trouble::Failed(why)) => {
                tracing::warn!("the search index is behind: {why}");
                state.trouble = Some(why);
                state.retry_at = Some(worked + retry);
                retry = (retry * 2).min(LAST_RETRY);
            }
        }
        drop(state);
        shared.news.notify_all();
        if last {
            break;
        }
    }
    // A view keeps files open: it goes with the thread.
    shared.lock().view = None;
    shared.news.notify_all();
}

/// Waits for the next task. `rest_at`: when to rest, if there is anything to rest from.
fn wait(shared: &Shared, rest_at: Option<Instant>) -> Task {
    let mut state = shared.lock();
    loop {
        let now = Instant::now();
        let due = if state.followed == state.committed {
            state.hurry = false;
            match rest_at {
                _ if state.stop => return Task::End,
                Some(at) if now >= at => return Task::Rest,
                at => at,
            }
        } else {
            let gathered = if state.gathered >= ENOUGH {
                None
            } else {
                state.since.map(|since| since + GATHER)
            };
            let due = gathered.max(state.retry_at);
            if state.stop || state.hurry || due.is_none_or(|due| now >= due) {
                (state.gathered, state.since, state.hurry, state.retry_at) = (0, None, false, None);
                return Task::Follow {
                    committed: state.committed,
                    last: state.stop,
                };
            }
            due
        };
        state = match due {
            Some(due) => {
                let waited = shared.work.wait_timeout(state, due - now);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => shared.work.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
    }
}
