//! A location service that is somebody else's gateway: the draft's external DHT.

use async_trait::async_trait;
use corella_gateway::{
    CallError, Client, GatewayUrl,
    client::Reason,
    draft::{
        Content, Digest, DigestAlgorithm, DraftAnswer, DraftCall, DraftMethod, Immutable, Key as WireKey,
        RecordRequest, Service, read_records,
    },
};
use corella_overlay::{
    Clock, Key, LocationError, LocationService, Newest, PutReport, Record, Ticket, fragment::FragmentId,
    storing::Refusal,
};
use libp2p::PeerId;
use openssl::sha::sha256;
use tokio::sync::Mutex;

/// What an agent without an overlay of its own asks.
pub(crate) struct GatewayLocation {
    client: Client,
    gateway: GatewayUrl,
    clock: Clock,
    /// Stands in reports for the nodes behind the gateway, of which nothing is known.
    nodes: PeerId,
    /// The record whose fragments are being put: the gateway has to see it first, and once.
    parent: Mutex<Option<[u8; 32]>>,
}

impl std::fmt::Debug for GatewayLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GatewayLocation({})", self.gateway)
    }
}

impl GatewayLocation {
    /// The location service behind a gateway.
    pub(crate) fn new(gateway: GatewayUrl) -> Self {
        Self {
            client: Client::default(),
            gateway,
            clock: Clock::system(),
            nodes: PeerId::random(),
            parent: Mutex::default(),
        }
    }

    async fn call(&self, method: DraftMethod, document: String) -> Result<DraftAnswer, CallError> {
        let params = DraftCall { method, document }.params();
        let answer = self.client.call(&self.gateway, method.name(), &params).await?;
        DraftAnswer::read(method, answer).ok_or_else(|| CallError {
            gateway: self.gateway.clone(),
            method: method.name().to_owned(),
            reason: Reason::OtherType,
        })
    }

    async fn done(&self, method: DraftMethod, document: String) -> Result<bool, LocationError> {
        match self.call(method, document).await {
            Ok(answer) => Ok(answer == DraftAnswer::Done(true)),
            Err(error) => Err(unreachable(&error)),
        }
    }

    /// The documents of the records that a getter answers with.
    async fn documents(&self, method: DraftMethod, document: String) -> Result<Vec<String>, LocationError> {
        let DraftAnswer::Document(answer) = self.call(method, document).await.map_err(|error| unreachable(&error))?
        else {
            return Ok(Vec::new());
        };
        let records = read_records(&answer).map_err(|error| LocationError::Unreachable(error.to_string()))?;
        Ok(records.into_iter().map(str::to_owned).collect())
    }

    /// The good ones among what the gateway says, the newest first: it is believed no more than any node.
    async fn records(&self, key: &Key, document: String) -> Result<Vec<Record>, LocationError> {
        let (documents, now) = (self.documents(DraftMethod::Get, document).await?, self.clock.now());
        let good = documents
            .iter()
            .filter_map(|xml| Record::from_xml(xml.as_bytes(), now).ok());
        let mut newest = Newest::default();
        for record in good.filter(|record| record.key() == key) {
            newest.add(record);
        }
        Ok(newest.records())
    }
}

fn unreachable(error: &CallError) -> LocationError {
    LocationError::Unreachable(error.to_string())
}

/// The refusal that a fault names.
fn refusal(text: &str) -> Refusal {
    let (name, held) = text.split_once(' ').unwrap_or((text, ""));
    Refusal::from_name(name, held.parse().ok())
}

fn immutable(hash: &FragmentId) -> Option<WireKey> {
    Digest::new(DigestAlgorithm::Sha256, hash.to_vec()).map(WireKey::Digest)
}

#[async_trait]
impl LocationService for GatewayLocation {
    async fn is_reachable(&self) -> bool {
        let any = Service {
            namespace: Some("urn:ietf:params:xml:ns:p2p-sip".to_owned()),
            ..Service::default()
        };
        self.call(DraftMethod::Lookup, any.write())
            .await
            .inspect_err(|error| tracing::debug!(%error, "the gateway is not there"))
            .is_ok()
    }

    async fn put(&self, record: &Record) -> Result<PutReport, LocationError> {
        let method = if record.is_removal() {
            DraftMethod::RemoveAuth
        } else {
            DraftMethod::PutAuth
        };
        let mut report = PutReport::default();
        match self.call(method, record.to_xml().to_string()).await {
            Ok(DraftAnswer::Done(true)) => report.stored.push(self.nodes),
            Ok(_) => report.silent += 1,
            Err(error) => match &error.reason {
                Reason::Fault(fault) if fault.code == corella_gateway::xmlrpc::fault::REFUSED => {
                    report.refused.push((self.nodes, refusal(&fault.text)));
                }
                _ => return Err(unreachable(&error)),
            },
        }
        Ok(report)
    }

    async fn get(&self, key: &Key) -> Result<Vec<Record>, LocationError> {
        let request = RecordRequest::Key(WireKey::Clear(key.text()));
        self.records(key, request.write()).await
    }

    async fn read(&self, ticket: &Ticket) -> Result<Vec<Record>, LocationError> {
        self.records(ticket.key(), ticket.to_xml().to_owned()).await
    }

    async fn watch(&self, _: &Key, _: Option<&Ticket>) -> Result<bool, LocationError> {
        // A gateway is asked again and again.
        Ok(false)
    }

    async fn remove(&self, key: &Key, secrets: &[[u8; 32]]) -> Result<usize, LocationError> {
        let mut done = 0;
        for secret in secrets {
            let request = RecordRequest::Removal(WireKey::Clear(key.text()), secret.to_vec());
            done += usize::from(self.done(DraftMethod::RemoveAuth, request.write()).await?);
        }
        Ok(done)
    }

    async fn put_fragment(&self, parent: &Record, bytes: &[u8]) -> Result<usize, LocationError> {
        let mut known = self.parent.lock().await;
        if *known != Some(*parent.content()) {
            self.put(parent).await?;
            *known = Some(*parent.content());
        }
        drop(known);
        let value = RecordRequest::Immutable(Immutable {
            content: Content::Bytes(bytes.to_vec()),
            expires: Some(parent.expires()),
        });
        Ok(usize::from(self.done(DraftMethod::PutImmut, value.write()).await?))
    }

    async fn get_fragment(&self, hash: &FragmentId) -> Result<Option<Vec<u8>>, LocationError> {
        let Some(key) = immutable(hash) else { return Ok(None) };
        let request = RecordRequest::Key(key).write();
        let documents = self.documents(DraftMethod::GetImmut, request).await?;
        let bytes = documents
            .iter()
            .find_map(|document| match RecordRequest::read(document) {
                Ok(RecordRequest::Immutable(value)) => Some(value.content.as_bytes().to_vec()),
                _ => None,
            });
        Ok(bytes.filter(|bytes| sha256(bytes) == *hash))
    }

    async fn remove_fragment(&self, hash: &FragmentId, secret: &[u8; 32]) -> Result<(), LocationError> {
        let Some(key) = immutable(hash) else { return Ok(()) };
        let request = RecordRequest::Removal(key, secret.to_vec());
        self.done(DraftMethod::RemoveAuth, request.write()).await.map(drop)
    }
}
