//! Whoever wrote without the user's consent and waits for an answer.
//!
//! What strangers write is kept as requests, within limits: a few messages of each, a few strangers on each device, and so many
//! strangers in all. When that many wait, the one who has waited longest gives way to the next: a crowd cannot fill the disk, and
//! whoever comes is heard. Whoever gave way still has the message, and sends it again. Those whom an authority knows give way to
//! nobody whom none knows. How many messages were kept of each, and from which device, is known from the start of the program.

use corella_identity::AddressOfRecord;

/// Messages kept of one stranger.
const MESSAGES: usize = 50;
/// Strangers who may wait for an answer at a time.
const STRANGERS: usize = 200;
/// Of these, how many may have written from one device.
const ON_DEVICE: usize = 5;
/// Of these, how many may have done nothing but to invite by mail.
pub(crate) const BY_MAIL: usize = 20;
/// The name of the device from which such invitations come.
pub(crate) const MAIL: &str = "mail";

/// The strangers who wait, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    stranger: AddressOfRecord,
    /// From where they wrote; `None` for those from before the start.
    device: Option<String>,
    verified: bool,
    kept: usize,
}

/// Whether one more stranger may wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Free,
    /// When this one waits no more.
    InsteadOf(AddressOfRecord),
    Full,
}

impl Requests {
    /// Room for one more stranger who writes from `device`.
    pub(crate) fn room(&self, device: &str, verified: bool) -> Room {
        if !self.may_write_from(device) {
            return Room::Full;
        }
        if self.waiting.len() < STRANGERS {
            return Room::Free;
        }
        let first = self.waiting.first().filter(|_| verified);
        let gives_way = self.waiting.iter().find(|w| !w.verified).or(first);
        gives_way.map_or(Room::Full, |w| Room::InsteadOf(w.stranger.clone()))
    }

    /// Those who have done nothing but to invite by mail.
    pub(crate) fn by_mail(&self) -> impl Iterator<Item = &AddressOfRecord> {
        let by_mail = self.waiting.iter().filter(|w| w.device.as_deref() == Some(MAIL));
        by_mail.map(|w| &w.stranger)
    }

    /// Somebody who had only invited by mail has written from a device. False if too many who wrote from it wait.
    pub(crate) fn wrote(&mut self, stranger: &AddressOfRecord, device: &str, verified: bool) -> bool {
        let has_room = self.may_write_from(device);
        if let Some(waiting) = self
            .waiting
            .iter_mut()
            .find(|w| w.stranger == *stranger)
            .filter(|_| has_room)
        {
            (waiting.device, waiting.verified) = (Some(device.to_owned()), verified);
        }
        has_room
    }

    /// Whether not too many wait who wrote from this device.
    pub(crate) fn may_write_from(&self, device: &str) -> bool {
        let on_device = |w: &&Waiting| w.device.as_deref() == Some(device);
        self.waiting.iter().filter(on_device).count() < ON_DEVICE
    }

    /// Whether one more message of this stranger may be kept while `arriving` others are on their way to the disk.
    pub(crate) fn may_write(&self, stranger: &AddressOfRecord, arriving: usize) -> bool {
        let waiting = self.waiting.iter().find(|w| w.stranger == *stranger);
        waiting.map_or(0, |w| w.kept) + arriving < MESSAGES
    }

    pub(crate) fn wait(&mut self, stranger: AddressOfRecord, device: Option<String>, verified: bool) {
        self.waiting.push(Waiting {
            stranger,
            device,
            verified,
            kept: 0,
        });
    }

    /// A message of this stranger is on disk.
    pub(crate) fn kept(&mut self, stranger: &AddressOfRecord) {
        if let Some(waiting) = self.waiting.iter_mut().find(|w| w.stranger == *stranger) {
            waiting.kept += 1;
        }
    }

    /// The stranger waits no more.
    pub(crate) fn settled(&mut self, stranger: &AddressOfRecord) {
        self.waiting.retain(|w| w.stranger != *stranger);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(n: usize) -> AddressOfRecord {
        format!("stranger{n}@example.net").parse().unwrap()
    }

    fn full_of(verified: impl Fn(usize) -> bool) -> Requests {
        let mut requests = Requests::default();
        for n in 0..STRANGERS {
            assert_eq!(requests.room(&format!("device {n}"), false), Room::Free);
            requests.wait(stranger(n), Some(format!("device {n}")), verified(n));
        }
        requests
    }

    #[test]
    fn who_has_waited_longest_gives_way() {
        let mut requests = full_of(|_| false);
        assert_eq!(requests.room("elsewhere", false), Room::InsteadOf(stranger(0)));
        requests.settled(&stranger(0));
        assert_eq!(requests.room("elsewhere", false), Room::Free);
    }

    #[test]
    fn the_verified_give_way_to_the_verified_only() {
        let requests = full_of(|n| n != 7);
        assert_eq!(requests.room("elsewhere", false), Room::InsteadOf(stranger(7)));
        assert_eq!(requests.room("elsewhere", true), Room::InsteadOf(stranger(7)));
        let requests = full_of(|_| true);
        assert_eq!(requests.room("elsewhere", false), Room::Full);
        assert_eq!(requests.room("elsewhere", true), Room::InsteadOf(stranger(0)));
    }

    #[test]
    fn an_answer_makes_room_on_the_device() {
        let mut requests = Requests::default();
        for n in 0..ON_DEVICE {
            requests.wait(stranger(n), Some("device".into()), false);
        }
        assert_eq!(requests.room("device", true), Room::Full);
        requests.settled(&stranger(2));
        assert_eq!(requests.room("device", false), Room::Free);
    }
}
