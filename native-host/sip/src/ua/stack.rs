//! rsipstack behind our own API: parsing, transactions, later dialogs.
//!
//! How it is used, and why so:
//!
//! - Every link is one `SipConnection::Channel` under an internal address of its own. rsipstack calls a Channel
//!   UDP by name, but treats it as reliable (`is_reliable`): no retransmissions.
//! - Client transactions are given their connection, so no locator and no resolver is ever asked. Both are
//!   installed all the same, and refuse.
//! - Incoming messages are handed over one at a time ([`Stack::open`]), not through the transport's unbounded
//!   queue, so each link waits for itself.
//! - A finished server transaction of rsipstack keeps its response for 64*T1 (32 s) on every transport, though
//!   RFC 3261 section 17.2.2 wants timer J to be zero on a reliable one. The one switch, `t1x64`, is the client's
//!   time limit as well. So the final answer of a request is written on the link directly, and the transaction is
//!   dropped without a response in it: it leaves nothing behind.

use std::sync::Arc;

use async_trait::async_trait;
use corella_identity::AddressOfRecord;
use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{
    Header, Host, HostWithPort, Method, Param, Request, Response, Scheme, SipMessage, Transport, Uri, Version,
};
use rsipstack::transaction::endpoint::{EndpointInnerRef, TargetLocator};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::{EndpointBuilder, Transaction, TransactionReceiver, make_via_branch, random_text};
use rsipstack::transport::channel::ChannelConnection;
use rsipstack::transport::transport_layer::DomainResolver;
use rsipstack::transport::{SipAddr, SipConnection, TransportEvent, TransportLayer};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::{LinkId, LinkInfo, OutgoingMessage};
use crate::guard::RequestFacts;

/// Says no to every look-up: where a message goes is decided before it gets here.
struct NoLookUp;

fn refusal() -> rsipstack::Error {
    rsipstack::Error::Error("requests go out on links only; nothing is looked up".to_owned())
}

#[async_trait]
impl DomainResolver for NoLookUp {
    async fn resolve(&self, _: &SipAddr) -> rsipstack::Result<SipAddr> {
        Err(refusal())
    }
}

#[async_trait]
impl TargetLocator for NoLookUp {
    async fn locate(&self, _: &Uri) -> rsipstack::Result<SipAddr> {
        Err(refusal())
    }
}

/// The endpoint and the queue on which it hands out new server transactions.
pub(super) struct Stack {
    endpoint: EndpointInnerRef,
    incoming: Mutex<TransactionReceiver>,
    own_host: String,
    product: String,
}

impl Stack {
    /// Builds the endpoint. Its timers run while [`serve`](Self::serve) does.
    pub(super) fn new(own_host: &str, product: &str, cancel: CancellationToken) -> Option<Self> {
        let transports = TransportLayer::new_with_domain_resolver(cancel.clone(), Box::new(NoLookUp));
        let endpoint = EndpointBuilder::new()
            .with_user_agent(product)
            .with_cancel_token(cancel)
            .with_transport_layer(transports)
            .with_target_locator(Box::new(NoLookUp))
            .build();
        Some(Self {
            incoming: Mutex::new(endpoint.incoming_transactions().ok()?),
            endpoint: endpoint.inner,
            own_host: own_host.to_owned(),
            product: product.to_owned(),
        })
    }

    /// Runs the timers until the token given to [`new`](Self::new) is cancelled.
    pub(super) async fn serve(&self) {
        // The only error is a second call.
        let _ = self.endpoint.serve().await;
    }

    /// A connection for one link: what the stack sends comes out of the receiver.
    pub(super) async fn connect(
        &self,
        link: LinkId,
        capacity: usize,
        closed: CancellationToken,
    ) -> Option<(SipConnection, mpsc::Receiver<TransportEvent>)> {
        let (_, nothing_in) = mpsc::unbounded_channel();
        let (out, requests) = mpsc::channel(capacity);
        let address = SipAddr {
            r#type: Some(Transport::Tls),
            addr: HostWithPort::try_from(format!("link-{}.invalid", link.0)).ok()?,
        };
        let channel = ChannelConnection::create_connection_bounded(nothing_in, out, address, Some(closed)).await;
        Some((SipConnection::Channel(channel.ok()?), requests))
    }

    /// Reads a request that passed the guard. `None` where the stack's parser disagrees with the guard on what it
    /// is, or cannot make a transaction key of it.
    pub(super) fn read_request(message: &[u8], facts: &RequestFacts) -> Option<(Request, TransactionKey)> {
        let Ok(SipMessage::Request(request)) = SipMessage::try_from(message) else {
            return None;
        };
        let key = TransactionKey::from_request(&request, TransactionRole::Server).ok()?;
        let agrees = request.method.to_string() == facts.method
            && request.body.len() == facts.body
            && request
                .call_id_header()
                .is_ok_and(|id| id.value().trim() == facts.call_id);
        agrees.then_some((request, key))
    }

    /// Reads a response that passed the guard.
    pub(super) fn read_response(message: &[u8]) -> Option<(Response, TransactionKey)> {
        let Ok(SipMessage::Response(response)) = SipMessage::try_from(message) else {
            return None;
        };
        let key = TransactionKey::from_response(&response, TransactionRole::Client).ok()?;
        Some((response, key))
    }

    /// Opens a server transaction for a request. `None` for a request that is being answered already: it came
    /// again, and the answer under way serves both (RFC 3261 section 17.2.2).
    pub(super) async fn open(
        &self,
        request: Request,
        key: &TransactionKey,
        connection: &SipConnection,
    ) -> Option<Transaction> {
        let mut incoming = self.incoming.lock().await;
        if self.endpoint.transactions.contains_key(key) {
            return None;
        }
        let from = connection.get_addr().clone();
        self.endpoint
            .on_received_message(request.into(), connection.clone(), &from)
            .await
            .ok()?;
        incoming.try_recv().ok()
    }

    /// Hands a response to the client transaction that waits for it.
    pub(super) async fn deliver(&self, response: Response, connection: &SipConnection) {
        let from = connection.get_addr().clone();
        // An error says that the transaction is gone, and nobody waits any more.
        let _ = self
            .endpoint
            .on_received_message(response.into(), connection.clone(), &from)
            .await;
    }

    /// A MESSAGE outside any dialog (RFC 3428 section 4), for the person at the other end of the link.
    pub(super) fn message(&self, link: &LinkInfo, message: OutgoingMessage) -> Request {
        // rsipstack escapes the user part of a URI once more when it writes it. The host it writes as it stands,
        // so the whole goes there; no code of the stack asks a request on a link for its host.
        let to = format!("{}@{}", user(&link.remote), link.peer_host);
        let uri = Uri {
            scheme: Some(Scheme::Sip),
            host_with_port: HostWithPort {
                host: Host::Domain(to.into()),
                port: None,
            },
            params: vec![Param::Transport(Transport::Tls)],
            ..Uri::default()
        };
        let headers = vec![
            Header::Via(format!("SIP/2.0/TLS {}{}", self.own_host, make_via_branch()).into()),
            Header::MaxForwards(70.into()),
            Header::From(format!("<{}>;tag={}", wire_uri(&link.local), random_text(16)).into()),
            Header::To(format!("<{}>", wire_uri(&link.remote)).into()),
            Header::CallId(random_text(24).into()),
            Header::CSeq("1 MESSAGE".into()),
            Header::UserAgent(self.product.as_str().into()),
            Header::ContentType(message.content_type.into()),
        ];
        Request {
            method: Method::Message,
            uri,
            version: Version::V2,
            headers: headers.into(),
            body: message.body,
        }
    }

    /// A client transaction that will send the request on that connection.
    pub(super) fn client(&self, request: Request, connection: &SipConnection) -> Option<(Transaction, TransactionKey)> {
        let key = TransactionKey::from_request(&request, TransactionRole::Client).ok()?;
        let transaction = Transaction::new_client(
            key.clone(),
            request,
            Arc::clone(&self.endpoint),
            Some(connection.clone()),
        );
        Some((transaction, key))
    }

    /// Transactions the stack holds: running, and finished but kept.
    #[cfg(test)]
    pub(super) fn transactions(&self) -> (usize, usize) {
        let stats = self.endpoint.get_stats();
        (stats.running_transactions, stats.finished_transactions)
    }

    /// Whether a request without a connection gets an error at once.
    #[cfg(test)]
    pub(super) async fn refuses_to_look_up(&self, uri: &str) -> bool {
        let Ok(uri) = Uri::try_from(uri) else { return false };
        let Ok(address) = SipAddr::try_from(&uri) else {
            return false;
        };
        let transports = &self.endpoint.transport_layer;
        NoLookUp.locate(&uri).await.is_err() && transports.lookup(&address, None).await.is_err()
    }
}

/// The address as a SIP URI. More is escaped than RFC 3261 asks for: a `?` or `;` before the `@` is legal, and
/// many parsers, rsipstack's among them, take it for the end of the user part.
fn wire_uri(address: &AddressOfRecord) -> String {
    let host = address.as_str().rsplit_once('@').map_or("", |(_, host)| host);
    format!("sip:{}@{host}", user(address))
}

/// The user part of [`wire_uri`].
fn user(address: &AddressOfRecord) -> String {
    let uri = address.sip_uri();
    let user = uri
        .strip_prefix("sip:")
        .and_then(|rest| rest.rsplit_once('@'))
        .map_or("", |(user, _)| user);
    user.replace('?', "%3F").replace(';', "%3B")
}
