//! The order in which a conversation is displayed.
//!
//! Messages stand by (position, sequence, id). The position is the time of arrival, moved only as far as needed so that the
//! messages of one sender stand in the order of their sequence numbers: never after one with a higher number, never before one
//! with a lower number. A position is decided once and never changes, so pages neither skip nor repeat.

/// Decides the position of a message that arrives at `received` (milliseconds since 1970 UTC).
///
/// `lower` is the greatest position of the same sender's messages with lower sequence numbers, `higher` the least position of
/// those with higher ones. As long as every position was decided here, `lower` ≤ `higher`, and the result lies between them.
pub(crate) fn position(received: i64, lower: Option<i64>, higher: Option<i64>) -> i64 {
    let not_before = lower.map_or(received, |lower| received.max(lower));
    higher.map_or(not_before, |higher| not_before.min(higher))
}

#[cfg(test)]
mod tests {
    use super::position;
    use proptest::prelude::*;

    #[test]
    fn arrival_time_decides_when_nothing_speaks_against_it() {
        assert_eq!(position(50, None, None), 50);
        assert_eq!(position(50, Some(10), Some(90)), 50);
    }

    #[test]
    fn a_late_message_stands_with_the_later_one_that_overtook_it() {
        assert_eq!(position(50, None, Some(40)), 40);
    }

    #[test]
    fn a_clock_set_back_does_not_move_a_message_before_its_forerunner() {
        assert_eq!(position(50, Some(70), None), 70);
    }

    proptest! {
        /// Any arrival order and any clock: by (position, sequence) the messages of a sender stand in sequence.
        #[test]
        fn positions_follow_the_sequence(arrivals in prop::collection::vec((0u64..40, -1000i64..1000), 1..60)) {
            let mut placed: Vec<(u64, i64)> = Vec::new();
            for (sequence, received) in arrivals {
                let lower = placed.iter().filter(|p| p.0 < sequence).map(|p| p.1).max();
                let higher = placed.iter().filter(|p| p.0 > sequence).map(|p| p.1).min();
                placed.push((sequence, position(received, lower, higher)));
            }
            placed.sort_by_key(|(sequence, position)| (*position, *sequence));
            prop_assert!(placed.is_sorted_by_key(|(sequence, _)| *sequence));
        }
    }
}
