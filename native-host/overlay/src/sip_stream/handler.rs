//! One connection's part of the stream protocol: opens streams on demand and passes on those that the peer opened.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::swarm::handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound};
use libp2p::swarm::{ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol};
use libp2p::{Stream, StreamProtocol};

use super::{PROTOCOL, RequestId};

/// How long a peer may take to agree to a stream. A connection whose other end is gone shows it here first.
const OPENING_TIME: Duration = Duration::from_secs(2);

/// What the behaviour tells a connection.
#[derive(Clone, Copy, Debug)]
pub enum Instruction {
    /// Open a stream.
    Open(RequestId),
    /// Whether the connection stays although nothing happens on it.
    Keep(bool),
}

/// What a connection tells the behaviour.
#[derive(Debug)]
pub enum Report {
    /// The peer opened a stream.
    Inbound(Stream),
    /// The stream that was asked for.
    Opened(RequestId, Stream),
    /// It could not be opened.
    Failed(RequestId, StreamFailure),
}

/// Why a stream could not be opened on an existing connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFailure {
    /// The peer does not speak the protocol.
    Unsupported,
    /// The peer did not answer in time, or the connection broke.
    NoAnswer,
}

/// The handler of one connection.
#[derive(Debug, Default)]
pub struct Handler {
    keep: bool,
    to_open: VecDeque<RequestId>,
    reports: VecDeque<Report>,
}

impl Handler {
    /// `keep`: the connection stays although nothing happens on it.
    pub(super) fn new(keep: bool) -> Self {
        Self {
            keep,
            ..Self::default()
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Instruction;
    type ToBehaviour = Report;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = RequestId;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ())
    }

    fn connection_keep_alive(&self) -> bool {
        self.keep
    }

    fn on_behaviour_event(&mut self, instruction: Instruction) {
        match instruction {
            Instruction::Open(request) => self.to_open.push_back(request),
            Instruction::Keep(keep) => self.keep = keep,
        }
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, RequestId, Self::ToBehaviour>> {
        if let Some(report) = self.reports.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(report));
        }
        if let Some(request) = self.to_open.pop_front() {
            let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), request).with_timeout(OPENING_TIME);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol, (), RequestId>,
    ) {
        let report = match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, .. }) => {
                Report::Inbound(protocol)
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info }) => {
                Report::Opened(info, protocol)
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                let failure = match error {
                    StreamUpgradeError::NegotiationFailed => StreamFailure::Unsupported,
                    _ => StreamFailure::NoAnswer,
                };
                Report::Failed(info, failure)
            }
            _ => return,
        };
        self.reports.push_back(report);
    }
}
