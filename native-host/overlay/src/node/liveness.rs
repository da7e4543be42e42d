//! Which connections have gone silent. A core.
//!
//! A connection over TCP whose other end is gone without a word looks like one on which nothing happens. Each is pinged
//! every now and then; one that has not answered for [`SILENCE`] is dead. (The ping protocol's own verdict comes later:
//! it forgives the first failure, and then waits ten seconds for a new stream.)

use std::collections::HashMap;
use std::time::Duration;

use libp2p::swarm::ConnectionId;
use tokio::time::Instant;

use crate::swarm::{PING_INTERVAL, PING_TIME};

/// How long a living connection may be silent: until its next ping, and a while longer than that may take. A ping that is late by more
/// is one of a machine that has stopped.
const SILENCE: Duration = PING_INTERVAL
    .saturating_add(PING_TIME)
    .saturating_add(Duration::from_secs(4));
/// Longer between two looks than this, and it was we who were silent: suspended, or starved of processor time.
const LATE: Duration = Duration::from_secs(2);

/// The last sign of life on each connection.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    signs: HashMap<ConnectionId, Instant>,
    looked: Option<Instant>,
}

impl Liveness {
    /// A connection was made, or answered.
    pub(super) fn sign(&mut self, connection: ConnectionId, now: Instant) {
        self.signs.insert(connection, now);
    }

    /// A connection ended, or its other end does not answer pings at all.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        self.signs.remove(&connection);
    }

    /// The connections that are dead. To be called at least every second.
    pub(super) fn dead(&mut self, now: Instant) -> Vec<ConnectionId> {
        let was_late = self.looked.is_some_and(|looked| now > looked + LATE);
        self.looked = Some(now);
        if was_late {
            // Answers may be waiting that we had no time to read.
            for sign in self.signs.values_mut() {
                *sign = now;
            }
            return Vec::new();
        }
        let is_dead = |sign: &Instant| now > *sign + SILENCE;
        self.signs
            .iter()
            .filter(|(_, sign)| is_dead(sign))
            .map(|(connection, _)| *connection)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    /// Looks every half second from one time to another, in seconds; gives the first death.
    fn first_death(liveness: &mut Liveness, begin: Instant, from: f64, to: f64) -> Option<(f64, ConnectionId)> {
        let mut time = from;
        while time <= to {
            if let Some(dead) = liveness.dead(begin + Duration::from_secs_f64(time)).first() {
                return Some((time, *dead));
            }
            time += 0.5;
        }
        None
    }

    #[test]
    fn a_silent_connection_is_dead_before_long() {
        let begin = Instant::now();
        let mut liveness = Liveness::default();
        liveness.sign(id(1), begin);
        liveness.sign(id(2), begin);
        assert_eq!(first_death(&mut liveness, begin, 0.0, 4.0), None);
        liveness.sign(id(2), begin + Duration::from_secs(4));
        assert_eq!(first_death(&mut liveness, begin, 4.5, 48.0), Some((44.5, id(1))));
        liveness.forget(id(1));
        assert_eq!(first_death(&mut liveness, begin, 45.0, 56.0), Some((48.5, id(2))));
    }

    #[test]
    fn after_our_own_silence_the_others_get_their_time() {
        let begin = Instant::now();
        let mut liveness = Liveness::default();
        liveness.sign(id(1), begin);
        assert_eq!(first_death(&mut liveness, begin, 0.0, 1.0), None);
        assert_eq!(first_death(&mut liveness, begin, 60.0, 104.0), None);
        assert_eq!(first_death(&mut liveness, begin, 104.5, 110.0), Some((104.5, id(1))));
    }
}
