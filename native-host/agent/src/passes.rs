//! Passes: buddies tell each other that they are welcome, so that nodes of others keep room for what they write to each other while
//! one is off line.

use corella_identity::{
    Certificate, Millis,
    pass::{PASS_LIFE, Pass},
};

use crate::{Action, Agent, LinkId, Pair, peer::Peer};

/// A pass is given anew when it is good for no longer than this.
const ANEW: Millis = PASS_LIFE / 2;
/// Passes are good until the end of a day: to the millisecond they would tell whoever keeps them when two people met.
const DAY: Millis = 24 * 3_600_000;

impl Agent {
    /// Gives the device on a link a pass, if its user is a buddy by the key in use and it has none that is good for long.
    pub(crate) fn give_pass(&mut self, now: Millis, link: LinkId, pair: &Pair, out: &mut Vec<Action>) {
        let Some((key, _)) = self.usable_key(&pair.with).filter(|_| self.is_buddy(&pair.with)) else {
            return;
        };
        let Some(there) = self.peers.get_mut(pair).and_then(|peer| peer.links.get_mut(&link)) else {
            return;
        };
        if let Some(pass) = there.heard_pass.take() {
            self.pass_came(now, link, pair, pass, out);
        }
        let Some(there) = self.peers.get_mut(pair).and_then(|peer| peer.links.get_mut(&link)) else {
            return;
        };
        if !there.certificate.same_key(&key) || there.pass_until.is_some_and(|until| until > now + ANEW) {
            return;
        }
        let until = (now + PASS_LIFE + DAY - 1) / DAY * DAY;
        there.pass_until = Some(until);
        out.push(Action::GivePass {
            link,
            pair: pair.clone(),
            certificate: key,
            holder: there.certificate.fingerprint(),
            until,
        });
    }

    /// Gives the devices on all links to a peer a pass, where one is due.
    pub(crate) fn give_passes(&mut self, now: Millis, pair: &Pair, out: &mut Vec<Action>) {
        let links = self
            .peers
            .get(pair)
            .map(|peer| peer.links.keys().copied().collect::<Vec<_>>());
        for link in links.unwrap_or_default() {
            self.give_pass(now, link, pair, out);
        }
    }

    /// When the first pass is to be given anew over a link that stands, which may be for months. `key` is the one in use.
    pub(crate) fn next_pass(&self, pair: &Pair, peer: &Peer, key: &Certificate) -> Option<Millis> {
        let links = peer.links.values().filter(|link| link.certificate.same_key(key));
        let until = links.filter_map(|link| link.pass_until).min();
        until.filter(|_| self.is_buddy(&pair.with)).map(|until| until - ANEW)
    }

    /// A buddy says that the user is welcome. The runtime has seen to it that the link's key signed, and for the user's certificate.
    /// Whoever calls first gives theirs before the user has consented: it is kept with the link until then.
    pub(crate) fn pass_came(&mut self, now: Millis, link: LinkId, pair: &Pair, pass: Pass, out: &mut Vec<Action>) {
        if !self.is_buddy(&pair.with) {
            if let Some(there) = self.peers.get_mut(pair).and_then(|peer| peer.links.get_mut(&link)) {
                there.heard_pass = Some(pass);
            }
            return;
        }
        let Some(buddy) = self.buddies.get_mut(&pair.with) else {
            return;
        };
        let is_theirs = buddy
            .known
            .as_ref()
            .is_some_and(|known| known.certificate == *pass.giver());
        // What is good for longer than anybody gives one is of no use: nodes refuse it.
        let in_time = (now..=now + PASS_LIFE + 2 * DAY).contains(&pass.until());
        // One that is good for as long may be for another certificate of the user's.
        let is_news = buddy
            .passes
            .get(&pair.own)
            .is_none_or(|kept| *kept != pass && (kept.giver() != pass.giver() || pass.until() >= kept.until()));
        if is_theirs && in_time && is_news {
            buddy.passes.insert(pair.own.clone(), pass);
            out.push(Action::SaveBuddy(Box::new(buddy.clone())));
        }
    }

    /// The pass to show with what is sealed to this certificate and waits in the overlay for `life` milliseconds at most.
    pub(crate) fn pass_for(&self, now: Millis, pair: &Pair, certificate: &Certificate, life: Millis) -> Option<Pass> {
        let pass = self.buddies.get(&pair.with)?.passes.get(&pair.own)?;
        let is_good = pass.giver() == certificate && pass.until() > now + life;
        is_good.then(|| pass.clone())
    }
}
