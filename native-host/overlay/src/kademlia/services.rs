//! Service hosts: the draft's join, lookup and leave.

use libp2p::PeerId;
use std::collections::BTreeMap;

use super::Kademlia;
use super::round::{Collect, Reach, round};
use crate::location::LocationError;
use crate::store_protocol::{HostAt, Request, Response};
use crate::storing::services::{Host, Identifier, identifier, namespace_id};

/// Who joined, or left, as the nodes say.
#[derive(Default)]
struct Heard(usize);

impl Collect for Heard {
    fn take(&mut self, _: PeerId, response: Response) -> bool {
        let heard = matches!(response, Response::Joined { .. } | Response::Removed { count: 1.. });
        self.0 += usize::from(heard);
        heard
    }
}

struct Hosts<'a> {
    namespace: &'a str,
    found: BTreeMap<Identifier, Host>,
}

impl Collect for Hosts<'_> {
    fn take(&mut self, _: PeerId, response: Response) -> bool {
        let Response::Hosts { hosts } = response else {
            return false;
        };
        let before = self.found.len();
        for HostAt {
            identifier: claimed,
            host,
            service,
        } in hosts
        {
            // Nobody chooses where they stand.
            if identifier(self.namespace, &host) == *claimed {
                self.found.insert(*claimed, Host { host, service });
            }
        }
        self.found.len() > before
    }
}

impl Kademlia {
    /// Offers a service to everybody, for half an hour. Gives where in the namespace it stands, or `None` if no node takes
    /// it.
    ///
    /// # Errors
    /// Only if the node has stopped.
    pub async fn join(&self, namespace: &str, host: &Host) -> Result<Option<Identifier>, LocationError> {
        let request = Request::Join {
            namespace: namespace.to_owned(),
            host: host.host.clone(),
            service: host.service.clone(),
        };
        let mut heard = Heard::default();
        round(&self.node, &namespace_id(namespace), &request, Reach::PUT, &mut heard).await?;
        Ok((heard.0 > 0).then(|| identifier(namespace, &host.host)))
    }

    /// Offers a service no longer. Whether any node knew of it.
    ///
    /// # Errors
    /// Only if the node has stopped.
    pub async fn leave(&self, namespace: &str, identifier: &Identifier) -> Result<bool, LocationError> {
        let request = Request::Leave {
            namespace: namespace.to_owned(),
            identifier: (*identifier).into(),
        };
        let mut heard = Heard::default();
        round(&self.node, &namespace_id(namespace), &request, Reach::TELL, &mut heard).await?;
        Ok(heard.0 > 0)
    }

    /// The hosts whose identifiers follow a place most immediately, the nearest first. What they claim to be is theirs to
    /// prove.
    ///
    /// # Errors
    /// Only if the node has stopped.
    pub async fn look_up(&self, namespace: &str, place: &Identifier) -> Result<Vec<(Identifier, Host)>, LocationError> {
        let request = Request::LookUp {
            namespace: namespace.to_owned(),
            place: (*place).into(),
        };
        let found = BTreeMap::new();
        let mut hosts = Hosts { namespace, found };
        round(&self.node, &namespace_id(namespace), &request, Reach::TELL, &mut hosts).await?;
        let before = hosts.found.split_off(place);
        Ok(before.into_iter().chain(hosts.found).collect())
    }
}
