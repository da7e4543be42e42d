//! The network side of a host: the overlay and the SIP user agent, and their events on the way to the actor.

use std::{path::PathBuf, sync::Arc};

use corella_identity::DeviceKey;
use corella_overlay::{LocationService, Overlay, OverlayConfig, peer_host};
use corella_sip::ua::{UserAgent, UserAgentConfig};
use tokio::sync::mpsc;

use super::{HostSettings, inbox::Input};
use crate::{content, gateway::GatewayLocation, protocol::VERSION};

/// Both of them, running.
pub(super) struct Network {
    pub(super) overlay: Overlay,
    pub(super) sip: UserAgent,
}

impl Network {
    /// Binds the listeners and starts both.
    pub(super) async fn start(
        device: DeviceKey,
        settings: &HostSettings,
        records: PathBuf,
        inbox: mpsc::UnboundedSender<Input>,
    ) -> Result<Network, String> {
        let host = peer_host::host_of(&device.peer_id());
        let config = overlay_config(device, settings, Some(records));
        let (overlay, mut overlay_events) = Overlay::start(config).await.map_err(|error| error.to_string())?;
        let mut sip_config = UserAgentConfig::new(host, format!("Corella/{VERSION}"));
        let between_devices = [content::RECORD, content::DEVICES];
        sip_config.accept.extend(between_devices.map(str::to_owned));
        let (sip, mut sip_events) = UserAgent::start(sip_config).map_err(|error| error.to_string())?;
        let to_actor = inbox.clone();
        tokio::spawn(async move {
            while let Some(event) = overlay_events.recv().await {
                if to_actor.send(Input::Overlay(event)).is_err() {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            while let Some(event) = sip_events.recv().await {
                if inbox.send(Input::Sip(event)).is_err() {
                    return;
                }
            }
        });
        Ok(Network { overlay, sip })
    }

    /// Ends in good order: contact records are withdrawn, links closed.
    pub(super) async fn stop(self) {
        self.sip.shutdown().await;
        self.overlay.shutdown().await;
    }
}

/// What a device of a moment goes into the overlay with, to look for something: it keeps nothing.
pub(super) fn passing(settings: &HostSettings) -> OverlayConfig {
    overlay_config(DeviceKey::generate(), settings, None)
}

fn overlay_config(device: DeviceKey, settings: &HostSettings, records: Option<PathBuf>) -> OverlayConfig {
    let gateway = settings.gateway.clone().map(GatewayLocation::new);
    // Who asks a gateway has no overlay of their own, and meets nobody by chance.
    let meets = gateway.is_none();
    OverlayConfig {
        listen: settings.network.listen.clone(),
        bootstrap: settings.network.bootstrap.clone(),
        mdns: settings.network.mdns && meets,
        meeting_place: settings.network.meeting_place.clone().filter(|_| meets),
        location: gateway.map(|gateway| Arc::new(gateway) as Arc<dyn LocationService>),
        anchors: settings.anchors.clone(),
        agent_version: format!("corella/{VERSION}"),
        relay_server: false,
        storage: records,
        storing: settings.network.storing,
        ..OverlayConfig::new(device)
    }
}
