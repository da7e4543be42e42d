//! `corella node`: routes and stores for the overlay, without a user.

use std::{process::ExitCode, time::Duration};

use corella_identity::keystore::Keystore;
use corella_overlay::{Overlay, OverlayConfig, OverlayEvent};

use super::serve;
use crate::{
    cli::{self, NodeArgs},
    lock, paths,
    protocol::{Status, VERSION},
};

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
        let serving = async {
            while let Some(event) = events.recv().await {
                if matches!(event, OverlayEvent::OnLine) {
                    say_status(&overlay).await;
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

/// The status as one JSON line on stdout, for whoever starts nodes.
#[expect(clippy::print_stdout, reason = "the command's output")]
async fn say_status(overlay: &Overlay) {
    let status = overlay.status().await;
    let status = Status {
        version: VERSION.to_owned(),
        online: true,
        peer: overlay.peer_id().to_string(),
        listen: status.listen.iter().map(ToString::to_string).collect(),
        peers: status.peers,
        sip: Vec::new(),
        addresses: Vec::new(),
        presence: "offline",
        note: None,
    };
    if let Ok(line) = serde_json::to_string(&status) {
        println!("{line}");
    }
}
