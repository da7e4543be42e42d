//! The location service on the overlay itself: records go to, and come from, the nodes closest to their keys.

mod gather;
pub(crate) mod handover;
mod merge;
mod round;
mod services;
mod values;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use corella_identity::Millis;
use libp2p::PeerId;
use openssl::sha::sha256;
use serde_bytes::{ByteArray, ByteBuf};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::fragment::FragmentId;
use crate::key::Key;
use crate::location::{LocationError, LocationService, PutReport};
use crate::node::{Candidate, NodeHandle};
use crate::record::{Record, Ticket};
use crate::store_protocol::{Request, Response};
use crate::storing::Refusal;
pub use values::ValueReport;

use merge::Merge;
pub(crate) use round::LOOK_UP;
use round::{Collect, Reach, round};

/// How long further pages are asked for.
const PAGES_TIME: Duration = Duration::from_secs(4);
/// Most records that one reading hands to nodes which lack them.
const REPAIRS: usize = 40;

/// The engine on the own node of the overlay.
#[derive(Clone)]
pub struct Kademlia {
    node: NodeHandle,
    clock: Clock,
}

impl fmt::Debug for Kademlia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kademlia")
    }
}

impl Kademlia {
    pub(crate) fn new(node: NodeHandle, clock: Clock) -> Self {
        Self { node, clock }
    }

    /// The current records that anybody reads under the key with this SHA-256.
    ///
    /// # Errors
    /// Only if the node has stopped.
    pub async fn find(&self, digest: &[u8; 32]) -> Result<Vec<Record>, LocationError> {
        let ask = |skip| {
            let digest = (*digest).into();
            Request::Find { digest, skip }
        };
        Ok(self.ask_for(digest, ask).await?.records())
    }

    /// Keeps bytes under their hash for a guest.
    ///
    /// # Errors
    /// Only if the node has stopped.
    pub async fn put_immutable(&self, bytes: &[u8], expires: Millis) -> Result<PutReport, LocationError> {
        let mut report = PutReport::default();
        let request = Request::PutImmutable {
            bytes: ByteBuf::from(bytes),
            expires,
        };
        round(&self.node, &sha256(bytes), &request, Reach::PUT, &mut report).await?;
        Ok(report)
    }

    /// Asks for the records under a key, page by page.
    async fn ask_for(&self, id: &[u8; 32], ask: impl Fn(u32) -> Request) -> Result<Merge, LocationError> {
        let mut merge = Merge::new(*id, self.clock.clone());
        let mut skip = 0;
        let begin = Instant::now();
        loop {
            round(&self.node, id, &ask(skip), Reach::ASK, &mut merge).await?;
            let Some(next) = merge.next_page() else { break };
            if begin.elapsed() > PAGES_TIME {
                break;
            }
            skip = next;
        }
        Ok(merge)
    }

    /// Gives nodes that lag what they lack, while others go on.
    fn repair(&self, merge: &Merge) {
        let lacking = merge.lacking();
        if lacking.is_empty() {
            return;
        }
        let node = self.node.clone();
        tokio::spawn(async move {
            for (peer, record) in lacking.into_iter().take(REPAIRS) {
                let record = record.to_xml().to_string();
                // Who does not take it now is offered it by the next reader.
                let _ = node.ask(Candidate::known(peer), Request::Put { record }).await;
            }
        });
    }
}

impl Collect for PutReport {
    fn take(&mut self, peer: PeerId, response: Response) -> bool {
        match response {
            Response::Stored => {
                self.stored.push(peer);
                true
            }
            Response::Refused { name, held } => {
                self.refused.push((peer, Refusal::from_name(&name, held)));
                false
            }
            _ => {
                self.silent += 1;
                false
            }
        }
    }

    fn silent(&mut self) {
        self.silent += 1;
    }
}

/// How many nodes have done what was asked.
#[derive(Default)]
struct Done(usize);

impl Collect for Done {
    fn take(&mut self, _: PeerId, response: Response) -> bool {
        let done = matches!(response, Response::Stored | Response::Removed { .. });
        self.0 += usize::from(done);
        done
    }
}

struct Fragment {
    hash: FragmentId,
    found: Option<Vec<u8>>,
}

impl Collect for Fragment {
    fn take(&mut self, _: PeerId, response: Response) -> bool {
        let Response::Fragment { bytes: Some(bytes) } = response else {
            return false;
        };
        let good = sha256(&bytes) == self.hash;
        if good {
            self.found = Some(bytes.into_vec());
        }
        good
    }

    fn is_settled(&self, _: &dyn Fn(&PeerId) -> [bool; 2]) -> bool {
        self.found.is_some()
    }
}

#[async_trait]
impl LocationService for Kademlia {
    async fn is_reachable(&self) -> bool {
        true
    }

    async fn put(&self, record: &Record) -> Result<PutReport, LocationError> {
        let mut report = PutReport::default();
        let request = Request::Put {
            record: record.to_xml().to_string(),
        };
        round(&self.node, &record.key().id(), &request, Reach::PUT, &mut report).await?;
        Ok(report)
    }

    async fn get(&self, key: &Key) -> Result<Vec<Record>, LocationError> {
        let ask = |skip| Request::Get {
            key: key.text(),
            ticket: None,
            skip,
        };
        let merge = self.ask_for(&key.id(), ask).await?;
        self.repair(&merge);
        Ok(merge.records())
    }

    async fn read(&self, ticket: &Ticket) -> Result<Vec<Record>, LocationError> {
        // What is sealed to somebody is not handed on to nodes that lack it: its reader is about to remove it.
        let ask = |skip| Request::Get {
            key: ticket.key().text(),
            ticket: Some(ticket.to_xml().to_owned()),
            skip,
        };
        Ok(self.ask_for(&ticket.key().id(), ask).await?.records())
    }

    async fn watch(&self, key: &Key, ticket: Option<&Ticket>) -> Result<bool, LocationError> {
        let mut done = Done::default();
        let request = Request::Watch {
            key: key.text(),
            ticket: ticket.map(|ticket| ticket.to_xml().to_owned()),
        };
        round(&self.node, &key.id(), &request, Reach::WATCH, &mut done).await?;
        Ok(done.0 > 0)
    }

    async fn remove(&self, key: &Key, secrets: &[[u8; 32]]) -> Result<usize, LocationError> {
        let mut done = Done::default();
        let request = Request::Remove {
            key: key.text(),
            secrets: secrets.iter().copied().map(ByteArray::new).collect(),
        };
        round(&self.node, &key.id(), &request, Reach::TELL, &mut done).await?;
        Ok(done.0)
    }

    async fn put_fragment(&self, parent: &Record, bytes: &[u8]) -> Result<usize, LocationError> {
        let mut done = Done::default();
        let request = Request::PutFragment {
            parent: parent.to_xml().to_string(),
            bytes: ByteBuf::from(bytes),
        };
        round(&self.node, &sha256(bytes), &request, Reach::PUT, &mut done).await?;
        Ok(done.0)
    }

    async fn get_fragment(&self, hash: &FragmentId) -> Result<Option<Vec<u8>>, LocationError> {
        let mut fragment = Fragment {
            hash: *hash,
            found: None,
        };
        let request = Request::GetFragment { hash: (*hash).into() };
        round(&self.node, hash, &request, Reach::ASK, &mut fragment).await?;
        Ok(fragment.found)
    }

    async fn remove_fragment(&self, hash: &FragmentId, secret: &[u8; 32]) -> Result<(), LocationError> {
        let request = Request::RemoveFragment {
            hash: (*hash).into(),
            secret: (*secret).into(),
        };
        round(&self.node, hash, &request, Reach::TELL, &mut Done::default()).await
    }
}
