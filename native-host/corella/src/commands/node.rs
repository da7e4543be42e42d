//! `corella node`: routes and stores for the overlay, without a user.

use std::{process::ExitCode, time::Duration};

use corella_identity::keystore::Keystore;
use corella_overlay::{Overlay, OverlayConfig, OverlayEvent, storing::services::Host};

use super::serve;
use crate::{
    cli::{self, NodeArgs},
    gateway, lock, paths,
    protocol::{Status, VERSION},
};

/// The namespace of services that nodes offer (draft-singh-p2p-sip).
const SERVICES: &str = "urn:ietf:params:xml:ns:p2p-sip";
/// How often a node says that it still offers its service; it is forgotten after half an hour.
const JOINING: Duration = Duration::from_secs(10 * 60);

pub(crate) fn run(args: NodeArgs) -> ExitCode {
    let settings = match serve::settings(&args.overlay, false) {
        Ok(settings) => settings,
        Err(error) => return cli::wrong_use(&error.to_string()),
    };
    serve::on_runtime(|end| async move {
        let broken = |what: String| cli::failed(&what);
        let data = match paths::DataDir::create(&args.data) {
            Ok(data) => data,
            Err(error) => return broken(format!("{} cannot be made: {error}", args.data.display())),
        };
        let _lock = match lock::take_soon(&data.lock()) {
            Ok(Some(lock)) => lock,
            Ok(None) => {
                return broken(format!(
                    "another Corella is running on {}; end it first",
                    args.data.display()
                ));
            }
            Err(error) => return broken(format!("the lock cannot be taken: {error}")),
        };
        let device = match Keystore::open(data.keys()).and_then(|keys| keys.device_key()) {
            Ok(device) => device,
            Err(error) => return broken(error.to_string()),
        };
        let config = OverlayConfig {
            listen: settings.network.listen,
            bootstrap: settings.network.bootstrap,
            mdns: settings.network.mdns,
            meeting_place: settings.network.meeting_place,
            anchors: settings.anchors,
            agent_version: format!("corella/{VERSION}"),
            relay_server: true,
            storage: Some(data.records()),
            storing: settings.network.storing,
            ..OverlayConfig::new(device)
        };
        let (overlay, mut events) = match Overlay::start(config).await {
            Ok(started) => started,
            Err(error) => return broken(error.to_string()),
        };
        let gateway = match args.gateway {
            Some(address) => match gateway::serve(address, overlay.kademlia(), end.clone()).await {
                Ok(server) => Some(server),
                Err(error) => return broken(error.to_string()),
            },
            None => None,
        };
        let at = gateway.as_ref().map(|server| server.address().to_string());
        let serving = async {
            while let Some(event) = events.recv().await {
                if matches!(event, OverlayEvent::OnLine) {
                    say_status(&overlay, at.clone()).await;
                    tokio::spawn(end.clone().run_until_cancelled_owned(offer_as_relay(overlay.clone())));
                }
            }
        };
        tokio::select! {
            () = serving => {}
            () = end.cancelled() => {}
        }
        let _ = tokio::time::timeout(Duration::from_millis(1500), overlay.shutdown()).await;
        ExitCode::SUCCESS
    })
}

/// Joins those who relay for others (the draft's service hosts), again and again.
async fn offer_as_relay(overlay: Overlay) {
    loop {
        if let Some(address) = overlay.status().await.listen.first() {
            let host = Host {
                host: address.to_string(),
                service: "relay".to_owned(),
            };
            if let Err(error) = overlay.kademlia().join(SERVICES, &host).await {
                tracing::debug!(%error, "nobody is told of this relay");
            }
        }
        tokio::time::sleep(JOINING).await;
    }
}

/// The status as one JSON line on stdout, for whoever starts nodes.
#[expect(clippy::print_stdout, reason = "the command's output")]
async fn say_status(overlay: &Overlay, gateway: Option<String>) {
    let status = overlay.status().await;
    let status = Status {
        version: VERSION.to_owned(),
        online: true,
        peer: overlay.peer_id().to_string(),
        listen: status.listen.iter().map(ToString::to_string).collect(),
        peers: status.peers,
        sip: Vec::new(),
        gateway,
        addresses: Vec::new(),
        presence: "offline",
        note: None,
    };
    if let Ok(line) = serde_json::to_string(&status) {
        println!("{line}");
    }
}
