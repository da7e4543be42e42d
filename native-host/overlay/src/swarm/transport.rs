//! How bytes travel: QUIC, TCP with noise and yamux, and both through relays.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, DialOpts, ListenerId, TransportError, TransportEvent};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, Transport, dns, noise, quic, relay, tcp, yamux};

/// How long it may take until a connection stands, encrypted and with both peer ids proven.
const CONNECTING_TIME: Duration = Duration::from_secs(5);
/// How long a QUIC connection may be silent. With [`QUIC_KEEP_ALIVE`] silence means that the other end is gone.
/// Links have keep-alives of their own, which see it sooner; this also keeps a NAT's door open.
const QUIC_SILENCE_MS: u32 = 30_000;
/// Longer than between two pings, which do it as well.
const QUIC_KEEP_ALIVE: Duration = Duration::from_secs(13);

type Connection = (PeerId, StreamMuxerBox);

/// All ways there are: the direct ones, and `relay` for those through relays.
pub(super) fn build(keypair: &Keypair, relay: relay::client::Transport) -> io::Result<Boxed<Connection>> {
    let noise = noise::Config::new(keypair).map_err(io::Error::other)?;
    let direct = match dns::tokio::Transport::system(direct(keypair, &noise)) {
        Ok(resolving) => resolving.boxed(),
        Err(error) => {
            tracing::warn!(%error, "no DNS configuration: host names will not be dialled");
            direct(keypair, &noise)
        }
    };
    let relayed = relay
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux::Config::default())
        .timeout(CONNECTING_TIME)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let all = relayed
        .or_transport(direct)
        .map(|either, _| either.into_inner())
        .boxed();
    Ok(ExactPeer(all).boxed())
}

fn direct(keypair: &Keypair, noise: &noise::Config) -> Boxed<Connection> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(noise.clone())
        .multiplex(yamux::Config::default())
        .timeout(CONNECTING_TIME)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let mut config = quic::Config::new(keypair);
    config.handshake_timeout = CONNECTING_TIME;
    config.max_idle_timeout = QUIC_SILENCE_MS;
    config.keep_alive_interval = QUIC_KEEP_ALIVE;
    let quic = quic::tokio::Transport::new(config).map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    quic.or_transport(tcp).map(|either, _| either.into_inner()).boxed()
}

/// Makes a dial fail when another peer answers at its address than the one it names.
///
/// A swarm that dials several addresses of a peer takes the first that answers, and gives up all of them if that is
/// another peer, as happens with an address of another machine's local network. With this, only that one address fails.
struct ExactPeer(Boxed<Connection>);

/// Another peer answered than the one that was dialled.
#[derive(Debug, thiserror::Error)]
#[error("another peer is at this address")]
struct OtherPeer;

impl Transport for ExactPeer {
    type Output = Connection;
    type Error = io::Error;
    type ListenerUpgrade = <Boxed<Connection> as Transport>::ListenerUpgrade;
    type Dial = BoxFuture<'static, io::Result<Connection>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<io::Error>> {
        self.0.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.0.remove_listener(id)
    }

    fn dial(&mut self, address: Multiaddr, options: DialOpts) -> Result<Self::Dial, TransportError<io::Error>> {
        let wanted = match address.iter().last() {
            Some(Protocol::P2p(peer)) => Some(peer),
            _ => None,
        };
        let dial = self.0.dial(address, options)?;
        Ok(async move {
            let connection = dial.await?;
            match wanted {
                Some(peer) if peer != connection.0 => Err(io::Error::other(OtherPeer)),
                _ => Ok(connection),
            }
        }
        .boxed())
    }

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
        Pin::new(&mut self.0).poll(context)
    }
}
