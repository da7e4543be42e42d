//! Carrying the agents' actions out, as wires and disks do.

use super::{Node, Parcel, Row, Sealed, Waiting, World};
use crate::*;
use corella_identity::{AddressOfRecord, invitation::Nonce, pass::Pass};

impl World {
    fn other_end(&self, n: usize, link: LinkId) -> Option<(usize, LinkId)> {
        let wire = self.wires.iter().find(|w| w.ends.contains(&(n, link)))?;
        wire.ends.iter().find(|e| **e != (n, link)).copied()
    }

    /// Carries `content` over a wire, unless the wire is to break under it.
    fn carry(&mut self, n: usize, link: LinkId, kept: bool, parcel: Sealed) {
        let Sealed {
            id,
            at,
            sequence,
            content,
        } = parcel;
        let with = self.other_end(n, link).map(|(to, _)| self.nodes[to].address.clone());
        let returns = with.and_then(|with| self.returns(n, &with));
        self.carried += 1;
        if self.cut_every.is_some_and(|every| self.carried.is_multiple_of(every)) {
            self.cut(n, link);
            return;
        }
        let Some((to, there)) = self.other_end(n, link) else {
            return;
        };
        let token = self.fresh();
        self.tokens
            .insert((to, token), (n, link, if kept { id.clone() } else { String::new() }));
        self.event(
            to,
            Event::Received(Received {
                link: there,
                token,
                id,
                at,
                sequence,
                returns,
                content,
            }),
        );
    }

    fn returns(&self, n: usize, with: &AddressOfRecord) -> Option<Nonce> {
        self.nodes[n].agent.as_ref()?.returns(self.now, with)
    }

    /// Nodes keep it, and tell whoever watches.
    fn put_away(&mut self, waiting: Waiting) {
        if !self.is_stored {
            return;
        }
        self.waiting
            .retain(|other| (&other.to, &other.id) != (&waiting.to, &waiting.id));
        self.waiting.push(waiting.clone());
        for n in 0..self.nodes.len() {
            if self.nodes[n].agent.is_some() {
                self.fetch(n, &waiting);
            }
        }
    }

    /// The user's other devices have contact records, for a day after they ended too.
    fn call_devices(&mut self, n: usize, own: AddressOfRecord, linked: &[String]) {
        let key = self.nodes[n].credential.certificate();
        let others = (0..self.nodes.len()).filter(|m| {
            let Node {
                address,
                credential,
                ended,
                ..
            } = &self.nodes[*m];
            let is_found = ended.is_none_or(|ended| self.now - ended < 24 * 3_600_000);
            *m != n && *address == own && credential.certificate().same_key(key) && is_found
        });
        let others: Vec<usize> = others.collect();
        let found = others.iter().map(|m| Device {
            name: format!("device{m}"),
            seen: self.nodes[*m].ended.unwrap_or(self.now),
        });
        let found = (!self.is_silent).then(|| found.collect());
        for m in others {
            if self.nodes[m].agent.is_some() && !linked.contains(&format!("device{m}")) {
                self.link(n, m);
            }
        }
        self.event(n, Event::DevicesCalled { own, found });
    }

    pub(super) fn carry_out(&mut self, n: usize, action: Action) {
        match action {
            Action::Reply { call, result } => {
                self.nodes[n].replies.insert(call, result);
            }
            Action::Store(new) => {
                let key = (new.pair.clone(), new.side, new.id.clone());
                let outcome = match self.nodes[n].disk.rows.get(&key) {
                    Some(row) => StoreOutcome::Duplicate { request: row.request },
                    None => {
                        let state = (new.side == Side::Out).then_some(MessageState::Pending);
                        let (text, sequence, at) = (new.text, new.sequence, new.at);
                        let row = Row {
                            text,
                            state,
                            reason: None,
                            request: new.request,
                            sequence,
                            at,
                        };
                        self.nodes[n].disk.rows.insert(key, row);
                        StoreOutcome::New
                    }
                };
                self.event(
                    n,
                    Event::Stored {
                        pair: new.pair,
                        side: new.side,
                        id: new.id,
                        outcome,
                    },
                );
            }
            Action::SetState {
                pair,
                id,
                state,
                reason,
            } => {
                if let Some(row) = self.nodes[n].disk.rows.get_mut(&(pair, Side::Out, id)) {
                    let old = row.state.unwrap();
                    let retry = old == MessageState::Failed && state == MessageState::Pending;
                    if old.rises_to(state) || old == state || retry {
                        (row.state, row.reason) = (Some(state), reason);
                    }
                }
            }
            Action::AcceptRequests(pair) => {
                let rows = self.nodes[n].disk.rows.iter_mut();
                let waiting = rows.filter(|((p, side, _), row)| *p == pair && *side == Side::In && row.request);
                let ids = waiting
                    .map(|((_, _, id), row)| (row.request = false, id.clone()).1)
                    .collect();
                self.event(n, Event::RequestsAccepted { pair, ids });
            }
            Action::DropRequests(stranger) => {
                let rows = &mut self.nodes[n].disk.rows;
                rows.retain(|(pair, _, _), row| pair.with != stranger || !row.request);
            }
            Action::Answer { token, status } => self
                .queue
                .push_back((self.now, Parcel::Answer { from: n, token, status })),
            Action::Locate(pair) => {
                let live = self
                    .nodes
                    .iter()
                    .filter(|x| (x.agent.is_some() || self.is_stored) && x.address == pair.with);
                let live = live.map(|x| Claim {
                    certificate: x.credential.certificate().clone(),
                    chain: x.credential.chain().to_vec(),
                });
                let others = self.claims.iter().filter(|(a, _)| *a == pair.with);
                let claims = live
                    .chain(others.map(|(_, c)| Claim {
                        certificate: c.certificate().clone(),
                        chain: c.chain().to_vec(),
                    }))
                    .collect();
                let asked = !self.is_alone;
                self.event(n, Event::Located { pair, claims, asked });
            }
            Action::Connect { pair, key } => self.connect(n, pair, key),
            Action::CloseLink(link) => self.cut(n, link),
            Action::SendMessage {
                link,
                id,
                text,
                at,
                sequence,
                ..
            } => {
                self.carry(
                    n,
                    link,
                    true,
                    Sealed {
                        id,
                        at,
                        sequence,
                        content: Content::Text(text),
                    },
                );
            }
            Action::SendContent { link, content, .. } => {
                let (id, at) = (format!("c{}", self.fresh()), self.now);
                self.carry(
                    n,
                    link,
                    false,
                    Sealed {
                        id,
                        at,
                        sequence: 0,
                        content,
                    },
                );
            }
            Action::GivePass {
                link, holder, until, ..
            } => {
                let pass = Pass::give(&self.nodes[n].credential, &holder, until).unwrap();
                self.nodes[n].passes_given += 1;
                let (id, at) = (format!("c{}", self.fresh()), self.now);
                let content = Content::Pass(pass);
                self.carry(
                    n,
                    link,
                    false,
                    Sealed {
                        id,
                        at,
                        sequence: 0,
                        content,
                    },
                );
            }
            Action::StoreAway {
                pair, pass, message, ..
            } => {
                let id = message.id.clone();
                let waiting = Waiting {
                    token: self.fresh(),
                    from: n,
                    to: pair.with.clone(),
                    id: message.id,
                    at: message.at,
                    sequence: message.sequence,
                    returns: self.returns(n, &pair.with),
                    content: Content::Text(message.text),
                    pass,
                };
                self.put_away(waiting);
                let is_stored = self.is_stored;
                self.event(n, Event::StoredAway { pair, id, is_stored });
            }
            Action::StoreNoticesAway { pair, pass, ids, .. } => {
                let waiting = Waiting {
                    token: self.fresh(),
                    from: n,
                    to: pair.with.clone(),
                    id: format!("n{}", self.fresh()),
                    at: self.now,
                    sequence: 0,
                    returns: None,
                    content: Content::Delivered(ids.clone()),
                    pass,
                };
                self.put_away(waiting);
                let is_stored = self.is_stored;
                self.event(n, Event::NoticesStoredAway { pair, ids, is_stored });
            }
            Action::RemoveStored { token } => {
                self.fetched.remove(&(n, token));
                self.waiting.retain(|waiting| waiting.token != token);
            }
            Action::KeepRoaming(own, document) => {
                for m in 0..self.nodes.len() {
                    let Node {
                        address, agent, disk, ..
                    } = &self.nodes[m];
                    if m != n && *address == own && agent.is_some() && disk.roaming.contains_key(&own) {
                        let (own, document) = (own.clone(), document.clone());
                        self.event(m, Event::Roamed { own, document });
                    }
                }
                self.nodes[n].disk.roaming.insert(own, document);
            }
            Action::LeaveWatcher { pair, pass, .. } => {
                let is_stored = self.is_stored;
                self.watcher_pass = pass;
                if is_stored {
                    self.watchers.insert((pair.clone(), n));
                }
                self.event(n, Event::WatcherLeft { pair, is_stored });
            }
            Action::TakeBackWatcher { pair, .. } => drop(self.watchers.remove(&(pair, n))),
            Action::LeaveStored { token } => drop(self.fetched.remove(&(n, token))),
            Action::CallDevices { own, linked } => self.call_devices(n, own, &linked),
            Action::PassOn { link, token } => {
                let waiting = self.fetched[&(n, token)].clone();
                if let Some((to, there)) = self.other_end(n, link) {
                    let waits = self.fresh();
                    self.passed.insert((to, waits), (n, link, token));
                    self.fetched_by(to, Some((there, waits)), waiting);
                }
            }
            Action::TellDevices { link, devices } => {
                if let Some((to, link)) = self.other_end(n, link) {
                    let this = format!("device{to}");
                    let devices = devices.into_iter().filter(|device| device.name != this).collect();
                    self.event(to, Event::DevicesTold { link, devices });
                }
            }
            Action::SaveDevice(own, device) => {
                self.nodes[n].disk.devices.insert((own, device.name.clone()), device);
            }
            Action::SaveDevicesSince(own, since) => drop(self.nodes[n].disk.devices_since.insert(own, since)),
            Action::SaveBuddy(buddy) => {
                self.nodes[n].disk.buddies.insert(buddy.address.clone(), *buddy);
            }
            Action::SaveRevoked(revoked) => self.nodes[n].disk.revoked.push(*revoked),
            Action::ForgetBuddy(address) => {
                self.nodes[n].disk.buddies.remove(&address);
            }
            Action::SaveDeclined { tag, until } => drop(self.nodes[n].disk.declined.insert(tag, until)),
            Action::SavePresence(presence) => self.nodes[n].disk.presence = presence,
            Action::SettingChanged { .. } => self.nodes[n].shown.push(action),
            Action::Show | Action::BuddyChanged { .. } | Action::PresenceChanged { .. } | Action::Notice(_) => {
                match &action {
                    Action::PresenceChanged { address, presence } => {
                        self.nodes[n].told.insert(address.clone(), presence.status);
                    }
                    Action::BuddyChanged { address, buddy: None } => {
                        self.nodes[n].told.remove(address);
                    }
                    _ => {}
                }
                self.nodes[n].shown.push(action);
            }
        }
    }
}
