//! A program starts: with what a disk remembers, and with what waits in the overlay.

use std::collections::BTreeMap;

use corella_identity::trust::TrustAnchors;

use super::{Waiting, World};
use crate::*;

impl World {
    pub(crate) fn start(&mut self, n: usize) {
        let node = &self.nodes[n];
        let mut sequences: BTreeMap<Pair, u64> = BTreeMap::new();
        let mut undelivered = Vec::new();
        for ((pair, side, id), row) in &node.disk.rows {
            if *side == Side::Out {
                let next = sequences.entry(pair.clone()).or_default();
                *next = (*next).max(row.sequence + 1);
                let state = row.state.unwrap();
                if matches!(state, MessageState::Pending | MessageState::Sent | MessageState::Stored) {
                    let (text, at, sequence, reason) = (row.text.clone(), row.at, row.sequence, row.reason);
                    undelivered.push((
                        pair.clone(),
                        Outgoing {
                            id: id.clone(),
                            text,
                            at,
                            sequence,
                            state,
                            reason,
                        },
                    ));
                }
            }
        }
        let requests = node.disk.rows.iter().filter(|(_, row)| row.request);
        let snapshot = Snapshot {
            strangers: requests.map(|((pair, _, _), _)| pair.with.clone()).collect(),
            buddies: node.disk.buddies.values().cloned().collect(),
            undelivered,
            sequences: sequences.into_iter().collect(),
            presence: node.disk.presence.clone(),
            revoked: node.disk.revoked.clone(),
            roaming: node.disk.roaming.clone().into_iter().collect(),
            declined: node.disk.declined.clone().into_iter().collect(),
            devices_since: node.disk.devices_since.clone().into_iter().collect(),
            devices: node
                .disk
                .devices
                .iter()
                .map(|((own, _), device)| (own.clone(), device.clone()))
                .collect(),
        };
        let settings = Settings {
            anchors: TrustAnchors::none(),
            accept_everyone: self.accept_everyone,
        };
        self.nodes[n].agent = Some(Agent::new(settings, snapshot));
        self.nodes[n].told.clear();
        self.nodes[n].ended = None;
        self.event(n, Event::OwnAddress(self.nodes[n].address.clone()));
        for waiting in self.waiting.clone() {
            self.fetch(n, &waiting);
        }
        if self.nodes[n].disk.roaming.contains_key(&self.nodes[n].address) {
            self.roam(n);
        }
        for (pair, watcher) in self.watchers.clone() {
            if pair.with == self.nodes[n].address {
                let certificate = self.nodes[watcher].credential.certificate().clone();
                let pair = Pair {
                    own: pair.with,
                    with: pair.own,
                };
                self.event(n, Event::Watched { pair, certificate });
            }
        }
        for other in 0..self.nodes.len() {
            self.event(other, Event::NetworkChanged);
        }
    }

    /// A node tells `n` of something that waits for them.
    pub(super) fn fetch(&mut self, n: usize, waiting: &Waiting) {
        if self.nodes[n].address == waiting.to && !self.is_deaf.contains(&n) {
            self.fetched_by(n, None, waiting.clone());
        }
    }

    /// Something that waited reaches `n`, perhaps over a link to another device.
    pub(super) fn fetched_by(&mut self, n: usize, passed: Option<(LinkId, Token)>, waiting: Waiting) {
        let token = waiting.token;
        self.fetched.insert((n, token), waiting.clone());
        let pair = self.pair(n, waiting.from);
        let certificate = self.nodes[waiting.from].credential.certificate().clone();
        let Waiting {
            id,
            at,
            sequence,
            returns,
            content,
            ..
        } = waiting;
        self.event(
            n,
            Event::Fetched(Fetched {
                token,
                passed,
                pair,
                certificate,
                id,
                at,
                sequence,
                returns,
                content,
            }),
        );
    }

    /// The user opens what the devices keep for each other.
    pub(crate) fn roam(&mut self, n: usize) {
        let own = self.nodes[n].address.clone();
        let mut document = Roaming::default();
        for other in &self.nodes {
            if other.address == own {
                document.merge(other.disk.roaming.get(&own).unwrap_or(&Roaming::default()));
            }
        }
        self.event(n, Event::Roamed { own, document });
    }
}
