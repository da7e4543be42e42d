//! What the node has asked of others, counted for those who measure it.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a node has asked of others since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Look-ups of the nodes closest to a place that have ended.
    pub look_ups: u64,
    /// Questions to other nodes that those look-ups took.
    pub routing_requests: u64,
    /// Requests of the store protocol to other nodes.
    pub store_requests: u64,
}

/// The counters behind [`Effort`]: the node's task counts, its handles read.
#[derive(Debug, Default)]
pub(super) struct Counters {
    look_ups: AtomicU64,
    routing_requests: AtomicU64,
    store_requests: AtomicU64,
}

impl Counters {
    /// A look-up has ended that took so many questions.
    pub(super) fn looked_up(&self, requests: u32) {
        self.look_ups.fetch_add(1, Ordering::Relaxed);
        self.routing_requests.fetch_add(requests.into(), Ordering::Relaxed);
    }

    /// Another node was asked to store or to tell.
    pub(super) fn asked(&self) {
        self.store_requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn so_far(&self) -> Effort {
        Effort {
            look_ups: self.look_ups.load(Ordering::Relaxed),
            routing_requests: self.routing_requests.load(Ordering::Relaxed),
            store_requests: self.store_requests.load(Ordering::Relaxed),
        }
    }
}
